import type { ChildProcess } from 'node:child_process';
import type { Flow, LoadCommand, LoadReport, Pair, Room, Seen, Totals } from './load-protocol.ts';
import { type Cores, startNode, stopProcess } from './processes.ts';
import { modulePath } from './servers.ts';

interface RunPlan {
  flow: Flow;
  leadMs: number;
  measureMs: number;
  /** Called when the measurement begins and when it ends. */
  onBoundary(): Promise<void>;
}

/** A process that plays all clients of one server. */
export interface Load {
  connect(url: string, pairs: Pair[]): Promise<void>;
  /** Connects all members of a group. */
  gather(url: string, room: Room): Promise<void>;
  /** Throws unless every message was acknowledged, and delivered once and in order. */
  run(plan: RunPlan): Promise<Seen>;
  /** Closes all sockets; answers how many messages there were in all. */
  finish(): Promise<Totals>;
  stop(): Promise<void>;
}

export async function startLoad(cores: Cores | null): Promise<Load> {
  const child = startNode({
    node: process.execPath,
    args: [modulePath('./load-worker.js')],
    core: cores?.load,
  });
  const next = reportsOf(child);
  await next('ready');
  const tell = (command: LoadCommand) => child.send(command);

  return {
    async connect(url, pairs) {
      tell({ do: 'connect', url, pairs });
      await next('connected');
    },
    async gather(url, room) {
      tell({ do: 'gather', url, room });
      await next('connected');
    },
    async run({ onBoundary, ...plan }) {
      tell({ do: 'run', ...plan });
      await next('boundary');
      await onBoundary();
      await next('boundary');
      await onBoundary();
      return (await next('measured')).seen;
    },
    async finish() {
      tell({ do: 'finish' });
      return (await next('finished')).totals;
    },
    stop: () => stopProcess(child),
  };
}

/** Answers a function that waits for the next report, which has to be of the kind that is expected. */
function reportsOf(child: ChildProcess) {
  const reports: LoadReport[] = [];
  let wake = () => {};
  const take = (report: LoadReport) => {
    reports.push(report);
    wake();
  };
  child.on('message', take);
  child.once('exit', (code) => take({ is: 'invalid', reason: `the load ended with code ${code}` }));

  return async <Kind extends LoadReport['is']>(kind: Kind): Promise<Extract<LoadReport, { is: Kind }>> => {
    if (reports.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    const report = reports.shift();
    if (report?.is === 'invalid') throw new Error(`The run is invalid: ${report.reason}`);
    if (report?.is !== kind) throw new Error(`The load said ${report?.is} instead of ${kind}`);
    return report as Extract<LoadReport, { is: Kind }>;
  };
}
