import { openExternalDatabase } from './databases.ts';
import type { Flow } from './load-protocol.ts';
import { measure } from './measure.ts';
import { type Options, readOptions, type SubjectName, subjectNames, UsageError, usage } from './options.ts';
import { type Cores, chooseCores } from './processes.ts';
import { describeMachine, describePhase, type Figures, type PhaseFigures } from './report.ts';
import { versionOf } from './servers.ts';
import { prepareSubject, type Subject, type Surroundings, titles } from './subjects.ts';

const undos: (() => Promise<void>)[] = [];
let isInterrupted = false;
process.once('SIGINT', () => {
  isInterrupted = true;
});

try {
  await bench(readOptions(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${usage}` : error);
  process.exitCode = 1;
} finally {
  for (const undo of undos.reverse()) await undo().catch((error) => console.error(error));
}

async function bench(options: Options): Promise<void> {
  const cores = chooseCores();
  const subjects = await prepareAll(options, cores);
  const saturation = emptyPhase(subjects);
  const steady = emptyPhase(subjects);
  const saturated: Flow = { kind: 'saturation', window: options.window };
  const even: Flow = { kind: 'steady', ratePerSecond: options.steadyRate };

  for (const subject of subjects) {
    note(`warming up: ${titles[subject.name]}`);
    await measure(subject, saturated, { leadMs: options.warmUpMs, measureMs: options.leadMs });
  }
  for (let round = 1; round <= options.rounds; round++) {
    for (const [flow, phase] of [
      [saturated, saturation],
      [even, steady],
    ] as const) {
      for (const subject of subjects) {
        if (isInterrupted) throw new Error('Interrupted');
        const figures = await measure(subject, flow, options);
        phase.get(subject.name)?.push(figures);
        note(`round ${round}, ${flow.kind}, ${titles[subject.name]}: ${inShort(figures)}`);
      }
    }
  }
  await verify(subjects);
  print({ options, cores, saturation, steady });
}

/** Starts every server that takes part, one after the other. */
async function prepareAll(options: Options, cores: Cores | null): Promise<Subject[]> {
  const names = subjectNames.filter((name) => options.only.includes(name));
  const needsDatabase = names.includes('tutorial') || names.includes('parley');
  const database = needsDatabase ? await openExternalDatabase(options.database, cores) : null;
  if (database) {
    undos.push(database.stop);
    note(`database: ${database.description}`);
  }
  const surroundings: Surroundings = { options, cores, database, onEnd: (undo) => undos.push(undo) };
  const subjects: Subject[] = [];
  for (const name of names) {
    try {
      subjects.push(await prepareSubject(name, surroundings));
    } catch (error) {
      if (name !== 'embedded') throw error;
      note(
        `SKIPPED ${titles.embedded}: it does not start (${error instanceof Error ? error.message : error})`,
      );
    }
  }
  return subjects;
}

function emptyPhase(subjects: readonly Subject[]): PhaseFigures {
  return new Map(subjects.map(({ name }): [SubjectName, Figures[]] => [name, []]));
}

/** Ends load and server, and throws unless exactly the acknowledged messages are in the database. */
async function verify(subjects: readonly Subject[]): Promise<void> {
  for (const { name, load, server, countStored, keepsOrder } of subjects) {
    const { acked, disordered } = await load.finish();
    await server.stop();
    const stored = countStored && (await countStored());
    if (stored !== null && stored !== acked) {
      throw new Error(`${titles[name]} acknowledged ${acked} messages and stored ${stored}`);
    }
    if (disordered > 0 && keepsOrder) throw new Error(`${titles[name]} delivered ${disordered} out of order`);
    const order = disordered > 0 ? `${disordered} out of order` : 'in order';
    note(
      `${titles[name]}: ${acked} messages acknowledged and delivered once, ${order}${stored === null ? '' : ', and stored'}`,
    );
  }
}

interface Results {
  options: Options;
  cores: Cores | null;
  saturation: PhaseFigures;
  steady: PhaseFigures;
}

function print({ options, cores, saturation, steady }: Results): void {
  const pinned = cores
    ? `servers on core ${cores.server}, load on core ${cores.load}`
    : 'nothing pinned to cores, so the figures are rough';
  console.log(`
${describeMachine()}; servers on Node.js ${versionOf(options.node)}, load on ${process.version}; ${pinned};
${options.pairs} pairs, ${options.rounds} rounds of ${options.measureMs / 1000} s${options.profileDir ? '; PROFILED: figures too high' : ''}

${describePhase('At saturation', saturation)}

${describePhase(`At ${options.steadyRate} messages per second`, steady)}`);
}

function inShort({ messagesPerSecond, cpuMicrosPerMessage, ackP50Ms }: Figures): string {
  return `${messagesPerSecond.toFixed(0)}/s, ${cpuMicrosPerMessage.toFixed(1)} µs, ack p50 ${ackP50Ms.toFixed(1)} ms`;
}

/** Progress goes to standard error, so that standard output holds the tables alone. */
function note(text: string): void {
  console.error(text);
}
