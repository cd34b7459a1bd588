import { type Collection, rangeOf, recordIdSize } from './collection.ts';
import type { Plan } from './planner.ts';
import { type Records, recordIdOf, type StoredDocument } from './records.ts';
import type { Entry, KeyRange, Storage, Table } from './storage.ts';

/** Yields stored documents one by one. Between batches it holds nothing open but remembers its place. */
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
  if (plan.kind === 'collection') return scanCollection(reader);
  const branches = plan.kind === 'union' ? plan.branches : [plan];
  const walks = branches.map(({ index, ranges, isReverse }) => ({
    index,
    walk: walkRanges(reader.storage.indexes, isReverse ? ranges.toReversed() : ranges, isReverse),
  }));
  const mayRepeat = branches.length > 1 || branches.some(({ index }) => index.multikey.size > 0);
  const seen = new Set<number>();
  const examined = { keys: 0, documents: 0 };
  let branch = 0;
  return {
    examined,
    next() {
      for (let current = walks[branch]; current !== undefined; current = walks[++branch]) {
        for (let entry = current.walk.next(); entry !== undefined; entry = current.walk.next()) {
          examined.keys++;
          const recordId = recordIdOf(current.index, entry);
          if (mayRepeat) {
            if (seen.has(recordId)) continue;
            seen.add(recordId);
          }
          const bytes = reader.records.get(reader.collection, recordId);
          if (bytes === undefined) continue;
          examined.documents++;
          return { recordId, bytes };
        }
      }
      return undefined;
    },
    suspend: () => walks[branch]?.walk.suspend(),
  };
}

function scanCollection({ storage, collection }: Reader): Scan {
  const walk = walkRanges(storage.documents, [rangeOf(collection.id)], false);
  const examined = { keys: 0, documents: 0 };
  return {
    examined,
    next() {
      const entry = walk.next();
      if (entry === undefined) return undefined;
      examined.documents++;
      return { recordId: entry.key.readUIntBE(4, recordIdSize), bytes: entry.value };
    },
    suspend: () => walk.suspend(),
  };
}

/** Walks key ranges one after the other, seeking anew from the last key after each suspension. */
function walkRanges(table: Table, ranges: readonly KeyRange[], isReverse: boolean) {
  let position = 0;
  let range = ranges[0];
  let entries: Iterator<Entry> | undefined;
  let lastKey: Buffer | undefined;

  function suspend(): void {
    entries?.return?.();
    entries = undefined;
    if (range === undefined || lastKey === undefined) return;
    // the next key upwards is this one with a zero byte; downwards the end is exclusive already
    if (isReverse) range = { start: range.start, end: lastKey };
    else range = { start: Buffer.concat([lastKey, Buffer.of(0)]), end: range.end };
    lastKey = undefined;
  }

  return {
    suspend,
    next(): Entry | undefined {
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
