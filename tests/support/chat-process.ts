import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../src/chat/main.js', import.meta.url));

/** `npm run chat`, with somebody at its terminal who reads everything and forgets nothing. */
export class ChatProcess {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Everything it has printed. */
  output = '';
  #readUpTo = 0;
  #wake: () => void = () => {};

  constructor(...options: string[]) {
    this.#process = spawn(process.execPath, [program, ...options], { stdio: ['pipe', 'pipe', 'pipe'] });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        this.#wake();
      });
    }
    this.#process.on('close', () => this.#wake());
  }

  type(...lines: string[]): void {
    for (const line of lines) this.#process.stdin.write(`${line}\n`);
  }

  /** Waits until it prints a text, after the one that was waited for last. */
  async sees(text: string): Promise<void> {
    for (;;) {
      const at = this.output.indexOf(text, this.#readUpTo);
      if (at >= 0) {
        this.#readUpTo = at + text.length;
        return;
      }
      if (this.#process.exitCode !== null) throw new Error(`It ended without “${text}”:\n${this.output}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Ends its input and answers its exit code. */
  async end(): Promise<number | null> {
    this.#process.stdin.end();
    if (this.#process.exitCode === null) await once(this.#process, 'close');
    return this.#process.exitCode;
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}
