import { encodeValue } from './bson-writer.ts';
import type { Collection, Index } from './collection.ts';
import type { Engine } from './engine.ts';
import type { Filter } from './filter.ts';

const batchSize = 500;

/** Removes what TTL indexes let expire, in bounded batches so that other commands get their turn. */
export async function sweepExpired(engine: Engine, now = Date.now()): Promise<void> {
  for (const collection of engine.catalogue.all()) {
    for (const index of collection.indexes) {
      if (index.expireAfterSeconds === undefined || !index.isReady) continue;
      const filter = expiredFilter(index, index.expireAfterSeconds, now);
      while (
        filter !== undefined &&
        (await removeBatch(engine, { collection, index, filter })) === batchSize
      );
    }
  }
}

function expiredFilter(index: Index, expireAfterSeconds: number, now: number): Filter | undefined {
  const [field] = index.fields;
  if (field === undefined) return undefined;
  const operand = encodeValue(new Date(now - expireAfterSeconds * 1000));
  const expired: Filter = { kind: 'comparison', path: field.path, operator: '$lt', operand };
  return index.partialFilter === undefined
    ? expired
    : { kind: 'and', clauses: [expired, index.partialFilter] };
}

interface Sweep {
  collection: Collection;
  index: Index;
  filter: Filter;
}

function removeBatch(engine: Engine, { collection, index, filter }: Sweep): Promise<number> {
  return engine.storage.write(() => {
    // dropped while this write waited for its turn
    if (engine.catalogue.find(collection.database, collection.name) !== collection) return 0;
    if (!collection.indexes.includes(index)) return 0;
    const results = engine.runQuery(collection, { filter, limit: batchSize, hint: index });
    const found = [];
    for (let next = results.next(); next !== undefined; next = results.next()) found.push(next);
    results.suspend();
    for (const each of found) engine.records.remove(collection, each);
    engine.catalogue.count(collection, -found.length);
    return found.length;
  });
}
