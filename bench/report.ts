import { cpus, release, totalmem, type } from 'node:os';
import type { SubjectName } from './options.ts';
import { median } from './statistics.ts';
import { titles } from './subjects.ts';

/** What one server showed in one phase of one round. */
export interface Figures {
  messagesPerSecond: number;
  cpuMicrosPerMessage: number;
  /** Share of a core that the server used, 0 to 1 (above, if it has busy threads). */
  busy: number;
  /** The same of the load. */
  loadBusy: number;
  ackP50Ms: number;
  ackP99Ms: number;
  deliveryP50Ms: number;
  deliveryP99Ms: number;
}

/** Figures of one phase: by server, one per round. */
export type PhaseFigures = Map<SubjectName, Figures[]>;

interface Row {
  key: keyof Figures;
  title: string;
  format(value: number): string;
}

const rows: Row[] = [
  { key: 'messagesPerSecond', title: 'messages per second', format: (value) => value.toFixed(0) },
  { key: 'cpuMicrosPerMessage', title: 'server CPU per message, µs', format: (value) => value.toFixed(1) },
  { key: 'busy', title: 'server’s core busy', format: (value) => `${(value * 100).toFixed(0)} %` },
  { key: 'loadBusy', title: 'load’s core busy', format: (value) => `${(value * 100).toFixed(0)} %` },
  { key: 'ackP50Ms', title: 'acknowledged after, p50, ms', format: (value) => value.toFixed(1) },
  { key: 'ackP99Ms', title: 'acknowledged after, p99, ms', format: (value) => value.toFixed(1) },
  { key: 'deliveryP50Ms', title: 'delivered after, p50, ms', format: (value) => value.toFixed(1) },
  { key: 'deliveryP99Ms', title: 'delivered after, p99, ms', format: (value) => value.toFixed(1) },
];

const references = ['relay', 'tutorial'] as const;

interface Column {
  head: string;
  cell(row: Row): string;
}

/** One phase as a Markdown table: medians of the rounds, each followed by its ratios to the relay and the tutorial server. */
export function describePhase(title: string, phase: PhaseFigures): string {
  const columns = [...phase.keys()].flatMap((name) => columnsOf(phase, name));
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    `### ${title}\n`,
    line(['', ...columns.map(({ head }) => head)]),
    line(['---', ...columns.map(() => '---:')]),
    ...rows.map((row) => line([row.title, ...columns.map(({ cell }) => cell(row))])),
  ].join('\n');
}

/** A server's own figures, and what they are to those that are simpler than it. */
function columnsOf(phase: PhaseFigures, name: SubjectName): Column[] {
  const own = (key: keyof Figures) => median(valuesOf(phase, name, key));
  const simpler = references.slice(0, name === 'relay' ? 0 : name === 'tutorial' ? 1 : 2);
  return [
    { head: titles[name], cell: ({ key, format }) => format(own(key)) },
    ...simpler
      .filter((reference) => phase.has(reference))
      .map((reference) => ({
        head: `× ${titles[reference]}`,
        cell: ({ key }: Row) =>
          key === 'busy' || key === 'loadBusy' ? '' : ratioTo(phase, { name, reference, key }),
      })),
  ];
}

function valuesOf(phase: PhaseFigures, name: SubjectName, key: keyof Figures): number[] {
  return (phase.get(name) ?? []).map((figures) => figures[key]);
}

interface Ratio {
  name: SubjectName;
  reference: SubjectName;
  key: keyof Figures;
}

/**
 * Median (least–most) of the rounds' ratios. Both were measured seconds apart in every round, so a machine whose speed
 * swings does not spoil it.
 */
function ratioTo(phase: PhaseFigures, { name, reference, key }: Ratio): string {
  const below = valuesOf(phase, reference, key);
  const ratios = valuesOf(phase, name, key).map((value, round) => value / (below[round] ?? Number.NaN));
  const spread = `${short(Math.min(...ratios))}–${short(Math.max(...ratios))}`;
  return ratios.length > 1 ? `${short(median(ratios))} (${spread})` : short(median(ratios));
}

const short = (ratio: number) => ratio.toFixed(ratio < 10 ? 2 : 0);

export function describeMachine(): string {
  const [first] = cpus();
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  return `${cpus().length} × ${first?.model.trim() ?? 'unknown CPU'}, ${memory}, ${type()} ${release()}`;
}
