import { rankOf } from './bson-order.ts';
import type { Collection, Index } from './collection.ts';
import { rangeOf } from './collection.ts';
import type { Filter } from './filter.ts';
import type { IndexField } from './index-keys.ts';
import { aboveAll, cutLower, cutUpper, encodeComponent, keptSize } from './key-encoding.ts';
import {
  type Constraints,
  constraintsOf,
  implies,
  type PathConstraint,
  type RangeBound,
} from './query-bounds.ts';
import type { KeyRange } from './storage.ts';

/** How documents are found; whatever the plan, each is still matched against a filter. */
export interface IndexPlan {
  kind: 'index';
  index: Index;
  filter: Filter;
  /** Whether each range stands for one whole key of a unique index, which is then looked up instead of walked to. */
  isPoint: boolean;
  /** Disjoint and ascending, keys with the index's number. */
  ranges: IndexRange[];
  /** Whether each range has the order asked for, but not one after the other: they are walked together. */
  isMerged: boolean;
  isReverse: boolean;
  /** Whether documents come in the order asked for. */
  isSorted: boolean;
}

export interface IndexRange extends KeyRange {
  /** How many bytes of its keys are fixed, by which their order begins. */
  fixedBytes: number;
}

export type Plan =
  | { kind: 'collection'; filter: Filter; isSorted: boolean }
  | IndexPlan
  /** Documents of any branch, each once. */
  | { kind: 'union'; branches: IndexPlan[]; isSorted: boolean };

export interface Demand {
  filter: Filter;
  sort: readonly IndexField[];
  /** An index to use whatever its rank. */
  hint?: Index | undefined;
}

const maxRanges = 2000;

interface Candidate {
  plan: IndexPlan;
  rank: number;
}

/** Chooses the index that fixes most fields, then one that bounds the next, then one that sorts. */
export function choosePlan(collection: Collection, { filter, sort, hint }: Demand): Plan {
  const isSorted = sort.length === 0;
  const constraints = constraintsOf(filter);
  const whole: Plan = { kind: 'collection', filter, isSorted };
  if (hint !== undefined)
    return considerIndex(hint, { filter, constraints, sort, isForced: true })?.plan ?? whole;
  const best = bestIndex(collection, { filter, constraints, sort });
  const union = unionPlan({ collection, filter, constraints, mustBeat: best?.rank ?? 0 });
  if (union !== undefined) return { kind: 'union', branches: union, isSorted };
  return best?.plan ?? whole;
}

interface Wanted {
  filter: Filter;
  constraints: Constraints;
  sort: readonly IndexField[];
  /** Whether the index is taken even if it fixes nothing. */
  isForced?: boolean;
}

function bestIndex(collection: Collection, wanted: Wanted): Candidate | undefined {
  let best: Candidate | undefined;
  for (const index of collection.indexes) {
    const candidate = index.isReady ? considerIndex(index, wanted) : undefined;
    if (candidate !== undefined && candidate.rank > (best?.rank ?? 0)) best = candidate;
    // one document at most: no other index finds it cheaper
    if (best?.plan.isPoint && best.plan.ranges.length === 1) break;
  }
  return best;
}

interface UnionDemand {
  collection: Collection;
  filter: Filter;
  constraints: Constraints;
  mustBeat: number;
}

/** Every branch of an `$or` needs a better index than the whole has; what surrounds the `$or` is taken in. */
function unionPlan({ collection, filter, constraints, mustBeat }: UnionDemand): IndexPlan[] | undefined {
  const clauses = filter.kind === 'and' ? filter.clauses : [filter];
  const either = clauses.find((clause) => clause.kind === 'or');
  if (mustBeat >= ranks.point || either?.kind !== 'or' || either.clauses.length === 0) return undefined;
  const branches: IndexPlan[] = [];
  const others = clauses.filter((clause) => clause !== either);
  for (const clause of either.clauses) {
    const best = bestIndex(collection, {
      filter: others.length === 0 ? clause : { kind: 'and', clauses: [clause, ...others] },
      constraints:
        constraints.size === 0 ? constraintsOf(clause) : new Map([...constraints, ...constraintsOf(clause)]),
      sort: [],
    });
    if (best === undefined || best.rank <= mustBeat) return undefined;
    branches.push(best.plan);
  }
  return branches;
}

const ranks = { point: 1000, field: 100, bound: 40, sort: 60 };

function considerIndex(index: Index, { filter, constraints, sort, isForced }: Wanted): Candidate | undefined {
  if (index.partialFilter !== undefined && !implies(constraints, index.partialFilter)) return undefined;
  const scan = fixFields(index, constraints);
  if (index.isSparse && !scan.excludesMissing) return undefined;
  const sequential = sortDirection(index, scan, sort);
  const direction = sequential ?? mergeDirection(index, scan, sort);
  const isSorted = sort.length === 0 || direction !== undefined;
  const isPoint = index.isUnique && scan.fixed === index.fields.length;
  const rank =
    (isPoint ? ranks.point : 0) +
    scan.fixed * ranks.field +
    (scan.isBounded ? ranks.bound : 0) +
    (sort.length > 0 && isSorted ? ranks.sort : 0);
  if (rank === 0 && isForced !== true) return undefined;
  const plan: IndexPlan = {
    kind: 'index',
    index,
    filter,
    isPoint: isPoint && scan.ranges.every(({ end }) => end.length < keptSize),
    ranges: mergeRanges(scan.ranges),
    isMerged: isSorted && sort.length > 0 && sequential === undefined,
    isReverse: direction === 'reverse',
    isSorted,
  };
  return { plan, rank };
}

interface Fixed {
  ranges: IndexRange[];
  /** How many leading fields have points; how many of these a single one. */
  fixed: number;
  single: number;
  isBounded: boolean;
  excludesMissing: boolean;
}

function fixFields(index: Index, constraints: Constraints): Fixed {
  let prefixes: Buffer[] = [rangeOf(index.id).start];
  const state: Fixed = { ranges: [], fixed: 0, single: 0, isBounded: false, excludesMissing: false };
  let hasMultikey = false;
  for (const [position, field] of index.fields.entries()) {
    const constraint = constraints.get(field.path.text);
    const isMultikey = index.multikey.has(position);
    // two fields of one array may be fulfilled by different members
    if (constraint === undefined || (isMultikey && hasMultikey)) break;
    hasMultikey ||= isMultikey;
    const { points } = constraint;
    if (points === undefined || points.length * prefixes.length > maxRanges) {
      const bounded = boundRanges(prefixes, { field, constraint, isMultikey });
      if (bounded === undefined) break;
      state.isBounded = true;
      state.excludesMissing = true;
      return { ...state, ranges: bounded };
    }
    prefixes = prefixes.flatMap((prefix) =>
      points.map((point) => encodeComponent(point, field.isDescending, prefix)),
    );
    state.excludesMissing ||= points.every(({ type }) => rankOf(type) > 5);
    if (points.length === 1 && state.single === state.fixed) state.single++;
    state.fixed++;
  }
  return { ...state, ranges: prefixes.map(rangeOfPrefix) };
}

function rangeOfPrefix(prefix: Buffer): IndexRange {
  return { start: prefix, end: withByte(prefix, aboveAll), fixedBytes: prefix.length };
}

interface Bounded {
  field: IndexField;
  constraint: PathConstraint;
  isMultikey: boolean;
}

function boundRanges(
  prefixes: Buffer[],
  { field, constraint, isMultikey }: Bounded,
): IndexRange[] | undefined {
  const [first] = constraint.bounds;
  if (first === undefined) return undefined;
  // in an array different members may fulfil the two bounds, and bounds of other types never meet
  const bounds = isMultikey
    ? [first]
    : constraint.bounds.filter(({ operand }) => rankOf(operand.type) === rankOf(first.operand.type));
  const rank = rankOf(first.operand.type);
  let lower: Buffer = Buffer.of(field.isDescending ? 0xff - rank : rank);
  let upper: Buffer = Buffer.of((field.isDescending ? 0xff - rank : rank) + 1);
  for (const bound of bounds) {
    const edge = edgeOf(bound, field.isDescending);
    if (edge.isLower && Buffer.compare(edge.bytes, lower) > 0) lower = edge.bytes;
    if (!edge.isLower && Buffer.compare(edge.bytes, upper) < 0) upper = edge.bytes;
  }
  return prefixes.map((prefix) => ({
    start: Buffer.concat([prefix, lower]),
    end: Buffer.concat([prefix, upper]),
    fixedBytes: prefix.length,
  }));
}

function edgeOf(
  { operator, operand }: RangeBound,
  isDescending: boolean,
): { bytes: Buffer; isLower: boolean } {
  const component = encodeComponent(operand, isDescending);
  const isLower = (operator === '$gt' || operator === '$gte') !== isDescending;
  const isInclusive = operator === '$gte' || operator === '$lte';
  // equal keys lie between the component and the component followed by the highest byte
  return { bytes: isLower === isInclusive ? component : withByte(component, aboveAll), isLower };
}

function withByte(bytes: Buffer, byte: number): Buffer {
  const longer = Buffer.allocUnsafe(bytes.length + 1);
  longer.set(bytes);
  longer[bytes.length] = byte;
  return longer;
}

/** Which way to walk for the sort; undefined when the index does not give it. */
function sortDirection(
  index: Index,
  scan: Fixed,
  sort: readonly IndexField[],
): 'forward' | 'reverse' | undefined {
  if (sort.length === 0 || index.hasHashedKeys) return undefined;
  const isSingle = (text: string) =>
    index.fields
      .slice(0, scan.single)
      .some((field, position) => field.path.text === text && !index.multikey.has(position));
  let position = scan.single;
  let isReverse: boolean | undefined;
  for (const wanted of sort) {
    if (isSingle(wanted.path.text)) continue;
    const field = index.fields[position];
    if (field?.path.text !== wanted.path.text || index.multikey.has(position)) return undefined;
    const isOpposite = field.isDescending !== wanted.isDescending;
    if (isReverse !== undefined && isReverse !== isOpposite) return undefined;
    isReverse = isOpposite;
    position++;
  }
  return isReverse ? 'reverse' : 'forward';
}

/** Which way to walk ranges together, each of which has the order by what follows its points. */
function mergeDirection(
  index: Index,
  scan: Fixed,
  sort: readonly IndexField[],
): 'forward' | 'reverse' | undefined {
  const fixed = index.fields.slice(0, scan.fixed);
  const isByPoints = sort.some((wanted) => fixed.some((field) => field.path.text === wanted.path.text));
  return isByPoints ? undefined : sortDirection(index, { ...scan, single: scan.fixed }, sort);
}

/** Ascending and without overlaps, so that no entry is met twice and the walk follows the index's order. */
function mergeRanges(ranges: IndexRange[]): IndexRange[] {
  for (const range of ranges) {
    range.start = cutLower(range.start);
    range.end = cutUpper(range.end);
  }
  if (ranges.length < 2) return ranges;
  ranges.sort((left, right) => Buffer.compare(left.start, right.start));
  const merged: IndexRange[] = [];
  for (const range of ranges) {
    const last = merged.at(-1);
    if (last === undefined || Buffer.compare(range.start, last.end) >= 0) merged.push(range);
    else if (Buffer.compare(range.end, last.end) > 0) last.end = range.end;
  }
  return merged;
}
