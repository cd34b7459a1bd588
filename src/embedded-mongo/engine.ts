import { type Catalogue, openCatalogue } from './catalogue.ts';
import type { Collection } from './collection.ts';
import { type Cursors, createCursors } from './cursors.ts';
import { createQueryRunner, type RunQuery } from './query.ts';
import { createRecords, type Records } from './records.ts';
import type { Storage } from './storage.ts';

/** All that commands work with. */
export interface Engine {
  storage: Storage;
  catalogue: Catalogue;
  records: Records;
  cursors: Cursors;
  runQuery: RunQuery;
  /** Within a write: the collection, created when it does not exist. */
  ensureCollection(database: string, name: string): Collection;
}

export function createEngine(storage: Storage): Engine {
  const catalogue = openCatalogue(storage);
  const records = createRecords(storage, catalogue);
  return {
    storage,
    catalogue,
    records,
    cursors: createCursors(),
    runQuery: createQueryRunner(storage, records),
    ensureCollection: (database, name) => catalogue.find(database, name) ?? catalogue.create(database, name),
  };
}
