import { asDocument } from './bson-value.ts';
import type { Collection, Index } from './collection.ts';
import { MongoError } from './errors.ts';
import type { Filter } from './filter.ts';
import { compareBySort, type IndexField, type SortKey, sortKeyOf } from './index-keys.ts';
import { choosePlan, type Plan } from './planner.ts';
import type { Records, StoredDocument } from './records.ts';
import { openScan, type Scan } from './scan.ts';
import type { Storage } from './storage.ts';

export interface Query {
  filter: Filter;
  sort?: readonly IndexField[];
  skip?: number;
  /** 0 for no limit. */
  limit?: number;
  hint?: Index | undefined;
}

/** Matching documents in order, one by one; nothing stays open between `suspend` and the next `next`. */
export interface Results {
  next(): StoredDocument | undefined;
  suspend(): void;
  plan: Plan;
  examined: Scan['examined'];
}

export type RunQuery = (collection: Collection, query: Query) => Results;

const maxSortBytes = 100 * 1024 * 1024;

export function createQueryRunner(storage: Storage, records: Records): RunQuery {
  return (collection, { filter, sort = [], skip = 0, limit = 0, hint }) => {
    const plan = choosePlan(collection, { filter, sort, hint });
    const scan = openScan({ storage, records, collection }, plan);

    const take = plan.isSorted
      ? scan.next
      : sortedOnce(scan.next, { sort, kept: limit === 0 ? 0 : skip + limit });
    let skipped = 0;
    let taken = 0;
    return {
      plan,
      examined: scan.examined,
      suspend: () => scan.suspend(),
      next() {
        if (limit > 0 && taken === limit) return undefined;
        for (; skipped < skip; skipped++) if (take() === undefined) return undefined;
        const found = take();
        if (found !== undefined) taken++;
        return found;
      },
    };
  };
}

interface InMemorySort {
  sort: readonly IndexField[];
  /** How many of the first are wanted; 0 for all. */
  kept: number;
}

interface Sortable {
  key: SortKey;
  found: StoredDocument;
}

/** Sorts in memory on the first call. Throws when that takes more than 100 MB, as MongoDB does. */
function sortedOnce(source: () => StoredDocument | undefined, demand: InMemorySort): typeof source {
  let sorted: Sortable[] | undefined;
  let position = 0;
  return () => {
    sorted ??= sortAll(source, demand);
    return sorted[position++]?.found;
  };
}

function sortAll(source: () => StoredDocument | undefined, { sort, kept }: InMemorySort): Sortable[] {
  const byKey = (left: Sortable, right: Sortable) => compareBySort(sort, left.key, right.key);
  let sortables: Sortable[] = [];
  let bytes = 0;
  for (let found = source(); found !== undefined; found = source()) {
    sortables.push({ key: sortKeyOf(sort, asDocument(found.bytes)), found });
    bytes += found.bytes.length;
    if (kept > 0 && sortables.length >= 2 * kept + 100) {
      sortables = sortables.sort(byKey).slice(0, kept);
      bytes = sortables.reduce((total, { found: { bytes: own } }) => total + own.length, 0);
    }
    if (bytes > maxSortBytes) {
      throw new MongoError(
        'QueryExceededMemoryLimitNoDiskUseAllowed',
        'Sort exceeded memory limit of 104857600 bytes',
      );
    }
  }
  return sortables.sort(byKey);
}

/** The plan as explain shows it, in MongoDB's words as far as tests need them. */
export function describePlan(plan: Plan): {
  stage: string;
  indexName?: string;
  inputStages?: { indexName: string }[];
} {
  if (plan.kind === 'collection') return { stage: 'COLLSCAN' };
  if (plan.kind === 'index')
    return { stage: plan.isMerged ? 'SORT_MERGE' : 'IXSCAN', indexName: plan.index.name };
  return { stage: 'OR', inputStages: plan.branches.map(({ index }) => ({ indexName: index.name })) };
}
