import { clearLine, cursorTo } from 'node:readline';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

/** Lines in and out. What arrives while somebody types is printed above the line they type. */
export interface Terminal {
  /** The next line that is typed; `null` at the end of the input. */
  ask(question: string, options?: { isSecret?: boolean }): Promise<string | null>;
  print(text: string): void;
  close(): void;
}

/** Works on a terminal and on pipes alike: lines that come early wait until they are asked for. */
export function createTerminal({ stdin, stdout } = process): Terminal {
  const isTerminal = stdin.isTTY === true && stdout.isTTY === true;
  let isSecret = false;
  let isAsking = false;
  // readline echoes what is typed to its output, so a secret is hidden by one that swallows it
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (!isSecret) stdout.write(chunk);
      done();
    },
  });
  Object.defineProperty(output, 'columns', { get: () => stdout.columns });
  const lines = createInterface({ input: stdin, output, terminal: isTerminal });
  const typed = lines[Symbol.asyncIterator]();
  lines.on('history', (history) => {
    if (isSecret) history.shift();
  });

  return {
    async ask(question, options = {}) {
      lines.setPrompt(question);
      lines.prompt();
      isSecret = options.isSecret === true && isTerminal;
      isAsking = true;
      const { value, done } = await typed.next();
      isAsking = false;
      if (isSecret) stdout.write('\n');
      isSecret = false;
      return done ? null : String(value).trim();
    },

    print(text) {
      if (isTerminal && isAsking) {
        cursorTo(stdout, 0);
        clearLine(stdout, 0);
      }
      stdout.write(`${text}\n`);
      if (isTerminal && isAsking && !isSecret) lines.prompt(true);
    },

    close: () => lines.close(),
  };
}

/** A text of somebody else's without the control characters by which it could take over the terminal. */
export function harmless(text: string): string {
  return text.replaceAll(/[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu, (character) =>
    character === '\n' ? '\n    ' : '',
  );
}
