import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../src/config.ts';

const main = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const appProcess = fileURLToPath(new URL('./app-process.js', import.meta.url));

export interface StartingProcess {
  process: ChildProcess;
  /** Ends it as no handler can notice, and waits until it is gone. */
  kill(): Promise<void>;
  /** Asks it to stop; answers its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Its exit code, once it has ended. */
  ended(): Promise<number | null>;
}

export interface ServerProcess extends StartingProcess {
  url: string;
}

/** The real `main` in a process of its own, up and listening. */
export function spawnServer(environment: Record<string, string>): Promise<ServerProcess> {
  return upAndListening(startServer(environment));
}

/** The real `main` in a process of its own that has just begun, with options of Node's. */
export function startServer(
  environment: Record<string, string>,
  nodeOptions: readonly string[] = [],
): StartingProcess {
  return start([...nodeOptions, main], environment);
}

/** The app in a process of its own, with settings that no variable sets. */
export function spawnApp(
  overrides: Partial<Config>,
  environment: Record<string, string>,
): Promise<ServerProcess> {
  return upAndListening(start([appProcess, JSON.stringify(overrides)], environment));
}

function start(script: readonly string[], environment: Record<string, string>): StartingProcess {
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
  const ended = async () => (await exited)[0] as number | null;
  return {
    process: child,
    ended,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended();
    },
  };
}

async function upAndListening(starting: StartingProcess): Promise<ServerProcess> {
  const url = await Promise.race([
    announced(starting.process),
    starting.ended().then((code) => {
      throw new Error(`the server ended with ${code} before it listened`);
    }),
  ]);
  return { ...starting, url };
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
