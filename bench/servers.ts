import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { settings } from '../src/config.ts';
import type { Options } from './options.ts';
import { type Cores, startNode, stopProcess, waitForLine } from './processes.ts';

/** CPU time used so far, when that was by the server's own clock, and the most memory it ever held. */
export interface CpuSample {
  cpuMicros: number;
  atMs: number;
  peakBytes: number;
}

export interface RunningServer {
  url: string;
  sampleCpu(): Promise<CpuSample>;
  stop(): Promise<void>;
}

export type ServerEnvironment = Record<string, string>;

/** The path of a compiled module, named relative to this one. */
export const modulePath = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

interface ServerCommand {
  entry: string;
  cwd: string;
  environment: ServerEnvironment;
  options: Pick<Options, 'node' | 'profileDir'>;
  cores: Cores | null;
}

/** Starts a server in a process of its own; it says in a line where it listens. */
export async function startServer({ entry, cwd, environment, options, cores }: ServerCommand) {
  const child = startNode({
    node: options.node,
    args: [
      ...(options.profileDir ? ['--cpu-prof', '--cpu-prof-dir', options.profileDir] : []),
      '--import',
      pathToFileURL(modulePath('./cpu-probe.js')).href,
      entry,
    ],
    core: cores?.server,
    env: { ...withoutSettings(), NODE_ENV: 'production', HOST: '127.0.0.1', PORT: '0', ...environment },
    cwd,
  });
  try {
    const port = await waitForLine(child, /listens on http:\/\/\S+:(\d+)/);
    return toRunningServer(child, `http://127.0.0.1:${port}`);
  } catch (error) {
    await stopProcess(child);
    throw error;
  }
}

function toRunningServer(child: ChildProcess, url: string): RunningServer {
  return {
    url,
    async sampleCpu() {
      const answered = once(child, 'message');
      child.send('cpu');
      const [sample] = (await answered) as [CpuSample];
      return sample;
    },
    stop: () => stopProcess(child),
  };
}

/** The environment without any setting of Parley's: each server gets its own. */
function withoutSettings(): NodeJS.ProcessEnv {
  const names = new Set(Object.keys(settings.shape));
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !names.has(name)));
}

export function versionOf(node: string): string {
  return execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
}
