import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const startWithinMs = 30_000;
const stopWithinMs = 30_000;

/** Which core is whose; `null` where processes cannot be pinned. */
export interface Cores {
  server: string;
  load: string;
}

/** The first core this process may use for the servers, the last one for all the rest. */
export function chooseCores(): Cores | null {
  if (process.platform !== 'linux' || spawnSync('taskset', ['--version']).error) return null;
  const allowed = /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  const server = /^\d+/.exec(allowed)?.[0];
  const load = /\d+$/.exec(allowed)?.[0];
  return server !== undefined && load !== undefined && server !== load ? { server, load } : null;
}

interface Command {
  node: string;
  args: string[];
  core: string | undefined;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
}

/** Starts a Node.js process with an IPC channel, on one core if one is named. */
export function startNode({ node, args, core, env, cwd }: Command): ChildProcess {
  const command = core === undefined ? [node, ...args] : ['taskset', '-c', core, node, ...args];
  const [file = node, ...rest] = command;
  return spawn(file, rest, {
    env,
    cwd,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
}

/** Reads standard output until a line fits; answers what the pattern's group caught. The rest is thrown away. */
export function waitForLine(child: ChildProcess, pattern: RegExp): Promise<string> {
  const { stdout } = child;
  if (!stdout) throw new Error('The process has no standard output');
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`No line like ${pattern} in time`)), startWithinMs);
    const settle = (act: () => void) => {
      clearTimeout(timer);
      act();
    };
    child.once('error', (error) => settle(() => reject(error)));
    child.once('exit', (code) =>
      settle(() => reject(new Error(`It ended with code ${code} while starting`))),
    );
    createInterface({ input: stdout }).on('line', (line) => {
      const found = pattern.exec(line)?.[1];
      if (found !== undefined) settle(() => resolve(found));
    });
  });
}

/** Asks a process to end, and ends it if it does not. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(timer);
}
