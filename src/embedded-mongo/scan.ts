import { asDocument } from './bson-value.ts';
import { type Collection, rangeOf, recordIdSize } from './collection.ts';
import { endMark } from './key-encoding.ts';
import { matches } from './matcher.ts';
import type { IndexPlan, IndexRange, Plan } from './planner.ts';
import { type Records, recordIdOf, type StoredDocument } from './records.ts';
import type { Entry, KeyRange, Storage, Table } from './storage.ts';

/** Yields matching documents one by one. Between batches it holds nothing open but remembers its place. */
export interface Scan {
  next(): StoredDocument | undefined;
  suspend(): void;
  /** Index keys and documents looked at so far. */
  examined: { keys: number; documents: number };
}

interface Reader {
  storage: Storage;
  records: Records;
  collection: Collection;
}

export function openScan(reader: Reader, plan: Plan): Scan {
  return plan.kind === 'collection' ? scanCollection(reader, plan) : scanIndexes(reader, plan);
}

function scanIndexes(
  { storage, records, collection }: Reader,
  plan: Exclude<Plan, { kind: 'collection' }>,
): Scan {
  const branches = plan.kind === 'union' ? plan.branches : [plan];
  const mayRepeat = branches.length > 1 || branches.some(({ index }) => index.multikey.size > 0);
  const yielded = new Set<number>();
  const examined = { keys: 0, documents: 0 };
  let position = 0;
  let walk: Walk | undefined;

  function nextIn({ index, filter }: IndexPlan, entries: Walk): StoredDocument | undefined {
    for (let entry = entries.next(); entry !== undefined; entry = entries.next()) {
      examined.keys++;
      const recordId = recordIdOf(index, entry);
      const bytes = yielded.has(recordId) ? undefined : records.get(collection, recordId);
      if (bytes === undefined) continue;
      examined.documents++;
      if (!matches(filter, asDocument(bytes))) continue;
      if (mayRepeat) yielded.add(recordId);
      return { recordId, bytes };
    }
    return undefined;
  }

  return {
    examined,
    suspend: () => walk?.suspend(),
    next() {
      for (let branch = branches[position]; branch !== undefined; branch = branches[++position]) {
        walk ??= openWalk(storage.indexes, branch);
        const found = nextIn(branch, walk);
        if (found !== undefined) return found;
        walk = undefined;
      }
      return undefined;
    },
  };
}

function scanCollection({ storage, collection }: Reader, { filter }: Pick<IndexPlan, 'filter'>): Scan {
  const walk = walkRanges(storage.documents, [rangeOf(collection.id)], false);
  const examined = { keys: 0, documents: 0 };
  return {
    examined,
    suspend: walk.suspend,
    next() {
      for (let entry = walk.next(); entry !== undefined; entry = walk.next()) {
        examined.documents++;
        if (!matches(filter, asDocument(entry.value))) continue;
        return { recordId: entry.key.readUIntBE(4, recordIdSize), bytes: entry.value };
      }
      return undefined;
    },
  };
}

interface Walk {
  next(): Entry | undefined;
  suspend(): void;
}

function openWalk(table: Table, { ranges, isReverse, isPoint, isMerged }: IndexPlan): Walk {
  if (isMerged) return walkTogether(table, ranges, isReverse);
  const ordered = isReverse ? ranges.toReversed() : ranges;
  return isPoint ? lookUp(table, ordered) : walkRanges(table, ordered, isReverse);
}

/** Each range is one key: a lookup costs a fraction of opening a cursor. */
function lookUp(table: Table, ranges: readonly KeyRange[]): Walk {
  let position = 0;
  return {
    suspend: () => undefined,
    next() {
      for (let range = ranges[position++]; range !== undefined; range = ranges[position++]) {
        const key = Buffer.concat([range.start, endMark]);
        const value = table.get(key);
        if (value !== undefined) return { key, value };
      }
      return undefined;
    },
  };
}

/** Walks key ranges one after the other, seeking anew from the last key after each suspension. */
function walkRanges(table: Table, ranges: readonly KeyRange[], isReverse: boolean): Walk {
  let position = 0;
  let range = ranges[0];
  let entries: Iterator<Entry> | undefined;
  let lastKey: Buffer | undefined;
  return {
    suspend() {
      entries?.return?.();
      entries = undefined;
      if (range === undefined || lastKey === undefined) return;
      range = beyond(range, lastKey, isReverse);
      lastKey = undefined;
    },

    next() {
      while (range !== undefined) {
        entries ??= table.scan(range, isReverse);
        const next = entries.next();
        if (!next.done) {
          lastKey = next.value.key;
          return next.value;
        }
        entries = undefined;
        lastKey = undefined;
        range = ranges[++position];
      }
      return undefined;
    },
  };
}

/** The next entry of one of several ranges, and what of its key their common order goes by. */
interface RangeHead {
  range: IndexRange;
  entry: Entry;
  order: Buffer;
}

/**
 * Walks ranges together by what follows the points of each, as MongoDB's SORT_MERGE does. A range is sought anew for each of
 * its entries: few of them give more than one or two of what a limited query asks for, and nothing stays open.
 */
function walkTogether(table: Table, ranges: readonly IndexRange[], isReverse: boolean): Walk {
  let rest: IndexRange[] = [...ranges];
  /** The first to come stands last. */
  let heads: RangeHead[] | undefined;

  function headOf(range: IndexRange): RangeHead | undefined {
    const entries = table.scan(range, isReverse);
    const { done, value: entry } = entries.next();
    entries.return?.();
    return done ? undefined : { range, entry, order: entry.key.subarray(range.fixedBytes) };
  }

  const comesAfter = (one: RangeHead, other: RangeHead): boolean => {
    const order = Buffer.compare(one.order, other.order);
    return isReverse ? order < 0 : order > 0;
  };

  function insert(into: RangeHead[], head: RangeHead): void {
    let low = 0;
    let high = into.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (comesAfter(into[middle] as RangeHead, head)) low = middle + 1;
      else high = middle;
    }
    into.splice(low, 0, head);
  }

  return {
    suspend() {
      rest = [...rest, ...(heads ?? []).map(({ range }) => range)];
      heads = undefined;
    },
    next() {
      heads ??= [];
      for (const range of rest) {
        const head = headOf(range);
        if (head !== undefined) insert(heads, head);
      }
      const first = heads.pop();
      rest = first === undefined ? [] : [beyond(first.range, first.entry.key, isReverse)];
      return first?.entry;
    },
  };
}

/** What of a range comes after one of its keys, in the direction of the walk. */
function beyond<Range extends KeyRange>(range: Range, key: Buffer, isReverse: boolean): Range {
  // the next key upwards is this one with a zero byte; downwards the end is exclusive already
  return isReverse ? { ...range, end: key } : { ...range, start: Buffer.concat([key, zero]) };
}

const zero = Buffer.of(0);
