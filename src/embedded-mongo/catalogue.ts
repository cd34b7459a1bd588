import { integerOf, isTrue, textOf } from './bson-order.ts';
import {
  asDocument,
  type BsonValue,
  elementsOf,
  fieldOf,
  numberOf,
  rawBytes,
  toPath,
  valuesOf,
} from './bson-value.ts';
import { encodeDocument } from './bson-writer.ts';
import { type Collection, type Index, idIndexSpecification, rangeOf } from './collection.ts';
import { MongoError } from './errors.ts';
import { parseFilter } from './filter.ts';
import type { Entry, KeyRange, Storage } from './storage.ts';

/** All collections and their indexes: kept in memory, and changed together with their records on disk. */
export interface Catalogue {
  find(database: string, name: string): Collection | undefined;
  all(): Collection[];
  /** Within a write: creates the collection with its _id index. Throws InvalidNamespace. */
  create(database: string, name: string): Collection;
  /** Within a write: forgets the collection and removes all it holds. */
  drop(collection: Collection): void;
  /** Within a write: adds an index, which the caller fills. */
  addIndex(collection: Collection, specification: BsonValue): Index;
  dropIndex(collection: Collection, index: Index): void;
  markMultikey(collection: Collection, index: Index, positions: readonly number[]): void;
  markHashed(collection: Collection, index: Index): void;
  /** Within a write: changes the number of records. */
  count(collection: Collection, difference: number): void;
}

const recordPrefix = { collection: 1, count: 2 };

export function openCatalogue(storage: Storage): Catalogue {
  const collections = new Map<string, Collection>();
  let nextId = 1;
  for (const { key, value } of entriesOf(storage, rangeOfPrefix(recordPrefix.collection))) {
    const collection = decodeCollection(storage, key.readUInt32BE(1), value);
    collections.set(collection.namespace, collection);
    nextId = Math.max(nextId, collection.id + 1, ...collection.indexes.map(({ id }) => id + 1));
  }

  function save(collection: Collection): void {
    const key = catalogueKey(recordPrefix.collection, collection.id);
    storage.catalogue.put(key, encodeCollection(collection), storage.catalogue.get(key));
  }

  function change<Target extends object>(target: Target, values: Partial<Target>): void {
    const before = { ...target };
    Object.assign(target, values);
    storage.onUndo(() => void Object.assign(target, before));
  }

  function wipe(range: KeyRange, table: 'documents' | 'indexes'): void {
    // a cursor would lose its place if entries vanished under it
    for (const { key, value } of [...entriesOf(storage, range, table)]) storage[table].remove(key, value);
  }

  return {
    find: (database, name) => collections.get(`${database}.${name}`),
    all: () => [...collections.values()],

    create(database, name) {
      checkName(database, name);
      const namespace = `${database}.${name}`;
      const collection: Collection = {
        id: nextId++,
        database,
        name,
        namespace,
        indexes: [],
        recordCount: 0,
        nextRecordId: 1,
      };
      collection.indexes = [toIndex(nextId++, idIndexSpecification)];
      collections.set(namespace, collection);
      storage.onUndo(() => void collections.delete(namespace));
      save(collection);
      return collection;
    },

    drop(collection) {
      collections.delete(collection.namespace);
      storage.onUndo(() => void collections.set(collection.namespace, collection));
      for (const index of collection.indexes) wipe(rangeOf(index.id), 'indexes');
      wipe(rangeOf(collection.id), 'documents');
      for (const prefix of Object.values(recordPrefix)) {
        const key = catalogueKey(prefix, collection.id);
        const before = storage.catalogue.get(key);
        if (before !== undefined) storage.catalogue.remove(key, before);
      }
    },

    addIndex(collection, specification) {
      const index = toIndex(nextId++, Buffer.from(rawBytes(specification)));
      index.isReady = false;
      change(collection, { indexes: [...collection.indexes, index] });
      save(collection);
      return index;
    },

    dropIndex(collection, index) {
      change(collection, { indexes: collection.indexes.filter((other) => other !== index) });
      wipe(rangeOf(index.id), 'indexes');
      save(collection);
    },

    markMultikey(collection, index, positions) {
      change(index, { multikey: new Set([...index.multikey, ...positions]) });
      save(collection);
    },

    markHashed(collection, index) {
      change(index, { hasHashedKeys: true });
      save(collection);
    },

    count(collection, difference) {
      if (difference === 0) return;
      change(collection, { recordCount: collection.recordCount + difference });
      const key = catalogueKey(recordPrefix.count, collection.id);
      storage.catalogue.put(key, encodeCount(collection.recordCount), storage.catalogue.get(key));
    },
  };
}

function checkName(database: string, name: string): void {
  const isValid =
    /^[^$/\\. "\0]{1,63}$/.test(database) && /^[^$\0]{1,200}$/.test(name) && !/^\.|\.$|^system\./.test(name);
  if (!isValid) throw new MongoError('InvalidNamespace', `Invalid namespace specified '${database}.${name}'`);
}

function* entriesOf(
  storage: Storage,
  range: KeyRange,
  table: 'catalogue' | 'documents' | 'indexes' = 'catalogue',
) {
  const entries = storage[table].scan(range);
  try {
    for (let next: IteratorResult<Entry> = entries.next(); !next.done; next = entries.next())
      yield next.value;
  } finally {
    entries.return?.();
  }
}

function catalogueKey(prefix: number, id: number): Buffer {
  const key = Buffer.allocUnsafe(5);
  key[0] = prefix;
  key.writeUInt32BE(id, 1);
  return key;
}

const rangeOfPrefix = (prefix: number): KeyRange => ({
  start: Buffer.of(prefix),
  end: Buffer.of(prefix + 1),
});

function encodeCount(count: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeDoubleBE(count);
  return bytes;
}

function encodeCollection({ database, name, indexes }: Collection): Buffer {
  return encodeDocument({
    database,
    name,
    indexes: indexes.map((index) => ({
      id: index.id,
      specification: index.specification,
      multikey: [...index.multikey],
      hasHashedKeys: index.hasHashedKeys,
    })),
  });
}

function decodeCollection(storage: Storage, id: number, bytes: Buffer): Collection {
  const stored = asDocument(bytes);
  const database = textOf(field(stored, 'database')) ?? '';
  const name = textOf(field(stored, 'name')) ?? '';
  const indexes = valuesOf(field(stored, 'indexes')).map((value) => {
    const index = toIndex(
      integerOf(field(value, 'id')) ?? 0,
      Buffer.from(rawBytes(field(value, 'specification'))),
    );
    index.multikey = new Set(
      valuesOf(field(value, 'multikey')).map((position) => Number(numberOf(position))),
    );
    index.hasHashedKeys = isTrue(field(value, 'hasHashedKeys'));
    return index;
  });
  const range = rangeOf(id);
  const newest = storage.documents.scan(range, true);
  const last = newest.next();
  newest.return?.();
  return {
    id,
    database,
    name,
    namespace: `${database}.${name}`,
    indexes,
    recordCount: storage.catalogue.get(catalogueKey(recordPrefix.count, id))?.readDoubleBE() ?? 0,
    nextRecordId: last.done ? 1 : last.value.key.readUIntBE(4, 6) + 1,
  };
}

function field(document: BsonValue, name: string): BsonValue {
  const value = fieldOf(document, Buffer.from(name));
  if (value === undefined) throw new Error(`the catalogue is damaged: ${name} is missing`);
  return value;
}

/** An index from its specification, which createIndexes has checked. */
function toIndex(id: number, specification: Buffer): Index {
  const document = asDocument(specification);
  const option = (name: string) => fieldOf(document, Buffer.from(name));
  const keyPattern = field(document, 'key');
  const partialFilter = option('partialFilterExpression');
  return {
    id,
    name: textOf(option('name')) ?? '',
    specification,
    keyPattern,
    fields: Array.from(elementsOf(keyPattern), (element) => ({
      path: toPath(element.name),
      isDescending: Number(numberOf(element)) < 0,
    })),
    isUnique: isTrue(option('unique')) || textOf(option('name')) === '_id_',
    isSparse: isTrue(option('sparse')),
    partialFilter: partialFilter === undefined ? undefined : parseFilter(partialFilter),
    expireAfterSeconds: integerOf(option('expireAfterSeconds')),
    multikey: new Set(),
    hasHashedKeys: false,
    isReady: true,
  };
}
