import { parseArgs } from 'node:util';

export interface Options {
  /** `null`: the embedded database, served alone in a process of its own. */
  database: string | null;
  /** The Node.js binary that runs the servers; the load always runs on the one that runs the benchmark. */
  node: string;
  rounds: number;
  /** Pairs of friends; one of each pair writes, the other reads. */
  pairs: number;
  /** How many messages of one sender wait for their acknowledgement at the same time at saturation. */
  window: number;
  /** Messages per second of the open loop. */
  steadyRate: number;
  /** A folder for CPU profiles of the servers; figures taken with it are too high. */
  profileDir: string | null;
  /** The servers to run; the relay and the tutorial server are what ratios refer to. */
  only: readonly SubjectName[];
  warmUpMs: number;
  /** Runs before a measurement begins, so that it sees a steady flow. */
  leadMs: number;
  measureMs: number;
}

export const usage = `Usage: npm run bench -- [options]

  --database URI   MongoDB for the tutorial server and Parley (default: the embedded one, served alone)
  --node PATH      Node.js binary that runs the servers (default: this one)
  --rounds N       interleaved rounds (default 5)
  --pairs N        pairs of friends (default 500)
  --window N       unacknowledged messages per sender at saturation (default 3)
  --rate N         messages per second of the open loop (default 1000)
  --only a,b       of relay, tutorial, parley, embedded (default: all)
  --cpu-prof DIR   write CPU profiles of the servers; the figures are then too high
  --quick          one round of seconds: shows that it works, measures nothing
`;

/** What can be measured, the simplest first. */
export const subjectNames = ['relay', 'tutorial', 'parley', 'embedded'] as const;
export type SubjectName = (typeof subjectNames)[number];

const full = { rounds: '5', pairs: '500', warmUpMs: 10_000, leadMs: 1000, measureMs: 5000 };
const quick = { rounds: '1', pairs: '50', warmUpMs: 1000, leadMs: 300, measureMs: 1000 };

export class UsageError extends Error {}

/** Reads the command line. Throws `UsageError` for what it does not know. */
export function readOptions(args: string[]): Options {
  const values = parse(args);
  const preset = values.quick ? quick : full;
  return {
    database: values.database ?? null,
    node: values.node,
    rounds: positive('rounds', values.rounds ?? preset.rounds),
    pairs: positive('pairs', values.pairs ?? preset.pairs),
    window: positive('window', values.window),
    steadyRate: positive('rate', values.rate),
    profileDir: values['cpu-prof'] ?? null,
    only: values.only === undefined ? subjectNames : values.only.split(',').map(subjectNamed),
    warmUpMs: preset.warmUpMs,
    leadMs: preset.leadMs,
    measureMs: preset.measureMs,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        database: { type: 'string' },
        node: { type: 'string', default: process.execPath },
        rounds: { type: 'string' },
        pairs: { type: 'string' },
        window: { type: 'string', default: '3' },
        rate: { type: 'string', default: '1000' },
        only: { type: 'string' },
        'cpu-prof': { type: 'string' },
        quick: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function subjectNamed(text: string): SubjectName {
  const found = subjectNames.find((name) => name === text);
  if (!found) throw new UsageError(`--only takes ${subjectNames.join(', ')}`);
  return found;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new UsageError(`--${name} must be a whole number above 0`);
  return value;
}
