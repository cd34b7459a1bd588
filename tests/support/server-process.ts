import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../src/config.ts';

const main = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const appProcess = fileURLToPath(new URL('./app-process.js', import.meta.url));

export interface ServerProcess {
  url: string;
  process: ChildProcess;
  /** Ends it as no handler can notice, and waits until it is gone. */
  kill(): Promise<void>;
  /** Asks it to stop; answers its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** The real `main` in a process of its own, up and listening. */
export function spawnServer(environment: Record<string, string>): Promise<ServerProcess> {
  return start([main], environment);
}

/** The app in a process of its own, with settings that no variable sets. */
export function spawnApp(
  overrides: Partial<Config>,
  environment: Record<string, string>,
): Promise<ServerProcess> {
  return start([appProcess, JSON.stringify(overrides)], environment);
}

async function start(script: readonly string[], environment: Record<string, string>): Promise<ServerProcess> {
  const child = spawn(process.execPath, script, {
    env: {
      ...process.env,
      PORT: '0',
      HOST: '127.0.0.1',
      RATE_LIMITS: 'off',
      BCRYPT_COST: '4',
      LOG_LEVEL: 'error',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const url = await Promise.race([
    announced(child),
    exited.then(([code]) => {
      throw new Error(`the server ended with ${code} before it listened`);
    }),
  ]);
  return {
    url,
    process: child,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      const [code] = await exited;
      return code as number | null;
    },
  };
}

async function announced({ stdout }: ChildProcess): Promise<string> {
  if (!stdout) throw new Error('no output to read');
  const lines = createInterface({ input: stdout });
  for await (const line of lines) {
    const url = /listens on (http:\S+)/.exec(line)?.[1];
    if (url) {
      stdout.resume();
      return url;
    }
  }
  throw new Error('the server did not say where it listens');
}
