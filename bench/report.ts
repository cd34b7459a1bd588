import { cpus, release, totalmem, type } from 'node:os';
import { median } from './statistics.ts';
import { type SubjectName, titles } from './subjects.ts';

/** What one server showed in one phase of one round. */
export interface Figures {
  messagesPerSecond: number;
  cpuMicrosPerMessage: number;
  /** Share of a core that the server used, 0 to 1 (above, if it has busy threads). */
  busy: number;
  ackP50Ms: number;
  ackP99Ms: number;
  deliveryP50Ms: number;
  deliveryP99Ms: number;
}

/** Figures of one phase: by server, one per round. */
export type PhaseFigures = Map<SubjectName, Figures[]>;

const rows: { key: keyof Figures; title: string; format(value: number): string }[] = [
  { key: 'messagesPerSecond', title: 'messages per second', format: (value) => value.toFixed(0) },
  { key: 'cpuMicrosPerMessage', title: 'server CPU per message, µs', format: (value) => value.toFixed(1) },
  { key: 'busy', title: 'server’s core busy', format: (value) => `${(value * 100).toFixed(0)} %` },
  { key: 'ackP50Ms', title: 'acknowledged after, p50, ms', format: (value) => value.toFixed(1) },
  { key: 'ackP99Ms', title: 'acknowledged after, p99, ms', format: (value) => value.toFixed(1) },
  { key: 'deliveryP50Ms', title: 'delivered after, p50, ms', format: (value) => value.toFixed(1) },
  { key: 'deliveryP99Ms', title: 'delivered after, p99, ms', format: (value) => value.toFixed(1) },
];

/** One phase as Markdown: medians of the rounds, then the ratios to the relay and to the tutorial server. */
export function describePhase(title: string, phase: PhaseFigures): string {
  const names = [...phase.keys()];
  const references = (['relay', 'tutorial'] as const).filter((name) => phase.has(name));
  const values = table(names, ({ key, format }, name) => format(median(valuesOf(phase, name, key))));
  const ratios = references.map(
    (reference) =>
      `${title}, × ${titles[reference]}: median (least–most) of the rounds’ ratios\n\n${table(
        names.filter((name) => name !== reference),
        ({ key }, name) => ratioTo(phase, { name, reference, key }),
      )}`,
  );
  return [`### ${title}\n\n${values}`, ...ratios].join('\n\n');
}

type Row = (typeof rows)[number];

function table(names: readonly SubjectName[], cell: (row: Row, name: SubjectName) => string): string {
  const head = ['', ...names.map((name) => titles[name])];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const body = rows.map((row) => line([row.title, ...names.map((name) => cell(row, name))]));
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...body].join('\n');
}

function valuesOf(phase: PhaseFigures, name: SubjectName, key: keyof Figures): number[] {
  return (phase.get(name) ?? []).map((figures) => figures[key]);
}

interface Ratio {
  name: SubjectName;
  reference: SubjectName;
  key: keyof Figures;
}

/** Both were measured seconds apart in every round, so a machine whose speed swings does not spoil the ratio. */
function ratioTo(phase: PhaseFigures, { name, reference, key }: Ratio): string {
  const below = valuesOf(phase, reference, key);
  const ratios = valuesOf(phase, name, key).map((value, round) => value / (below[round] ?? Number.NaN));
  const spread = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
  return ratios.length > 1 ? `${median(ratios).toFixed(2)} (${spread})` : median(ratios).toFixed(2);
}

export function describeMachine(): string {
  const [first] = cpus();
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  return `${cpus().length} × ${first?.model.trim() ?? 'unknown CPU'}, ${memory}, ${type()} ${release()}`;
}
