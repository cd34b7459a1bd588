import { asDocument, type BsonValue, bsonType, fieldOf, rawBytes } from './bson-value.ts';
import { describeValue } from './bson-writer.ts';
import type { Catalogue } from './catalogue.ts';
import { type Collection, encodeRecordId, type Index, recordIdSize, recordKey } from './collection.ts';
import { MongoError } from './errors.ts';
import { keysOf } from './index-keys.ts';
import { matches } from './matcher.ts';
import type { Storage } from './storage.ts';

/** A stored document and its place. */
export interface StoredDocument {
  recordId: number;
  bytes: Buffer;
}

/** Reads and changes documents together with all their index keys. Changes only within a write. */
export interface Records {
  get(collection: Collection, recordId: number): Buffer | undefined;
  /** Throws DuplicateKey, and then nothing is written. The same holds for `replace` and `addToIndex`. */
  insert(collection: Collection, bytes: Buffer): void;
  replace(collection: Collection, stored: StoredDocument, bytes: Buffer): void;
  remove(collection: Collection, stored: StoredDocument): void;
  /** Adds an existing document to a new index. */
  addToIndex(collection: Collection, index: Index, stored: StoredDocument): void;
}

/** What an index holds of one document. */
interface IndexEntries {
  index: Index;
  keys: readonly Buffer[];
}

export function createRecords(storage: Storage, catalogue: Catalogue): Records {
  function keysIn(collection: Collection, index: Index, document: BsonValue, id: Buffer): readonly Buffer[] {
    if (index.partialFilter !== undefined && !matches(index.partialFilter, document)) return noKeys;
    const { keys, multikey, isHashed, isEmpty } = keysOf(index, document, id);
    if (isEmpty && index.isSparse) return noKeys;
    if (multikey.some((position) => !index.multikey.has(position))) {
      catalogue.markMultikey(collection, index, multikey);
    }
    if (isHashed && !index.hasHashedKeys) catalogue.markHashed(collection, index);
    return keys;
  }

  /** In all indexes. */
  function entriesOf(collection: Collection, bytes: Buffer, id: Buffer): IndexEntries[] {
    const document = asDocument(bytes);
    return collection.indexes.map((index) => ({ index, keys: keysIn(collection, index, document, id) }));
  }

  /** Throws DuplicateKey. */
  function add(collection: Collection, { index, keys }: IndexEntries, id: Buffer, bytes: Buffer): void {
    for (const key of keys) {
      if (!index.isUnique) storage.indexes.put(key, empty);
      else if (!storage.indexes.add(key, id)) throw duplicateKey(collection, index, asDocument(bytes));
    }
  }

  function drop({ index, keys }: IndexEntries, id: Buffer): void {
    for (const key of keys) storage.indexes.remove(key, index.isUnique ? id : empty);
  }

  return {
    get: (collection, recordId) => storage.documents.get(recordKey(collection, recordId)),

    insert(collection, bytes) {
      const recordId = collection.nextRecordId;
      const id = encodeRecordId(recordId);
      const entries = entriesOf(collection, bytes, id);
      storage.allOrNothing(() => {
        for (const each of entries) add(collection, each, id, bytes);
      });
      collection.nextRecordId++;
      storage.documents.put(recordKey(collection, recordId), bytes);
    },

    replace(collection, { recordId, bytes: before }, bytes) {
      const id = encodeRecordId(recordId);
      const old = entriesOf(collection, before, id);
      const now = entriesOf(collection, bytes, id);
      storage.allOrNothing(() => {
        for (const [position, entries] of now.entries()) {
          const kept = old[position]?.keys ?? noKeys;
          add(collection, { ...entries, keys: without(entries.keys, kept) }, id, bytes);
        }
      });
      for (const [position, entries] of old.entries()) {
        drop({ ...entries, keys: without(entries.keys, now[position]?.keys ?? noKeys) }, id);
      }
      storage.documents.put(recordKey(collection, recordId), bytes, before);
    },

    remove(collection, { recordId, bytes }) {
      const id = encodeRecordId(recordId);
      for (const entries of entriesOf(collection, bytes, id)) drop(entries, id);
      storage.documents.remove(recordKey(collection, recordId), bytes);
    },

    addToIndex(collection, index, { recordId, bytes }) {
      const id = encodeRecordId(recordId);
      const keys = keysIn(collection, index, asDocument(bytes), id);
      storage.allOrNothing(() => add(collection, { index, keys }, id, bytes));
    },
  };
}

const noKeys: readonly Buffer[] = [];
const empty = Buffer.alloc(0);

const without = (keys: readonly Buffer[], others: readonly Buffer[]): readonly Buffer[] =>
  keys.filter((key) => !others.some((other) => other.equals(key)));

/** The record an index entry points to: a unique index keeps it as value, others at the key's end. */
export function recordIdOf(index: Index, entry: { key: Buffer; value: Buffer }): number {
  if (index.isUnique) return entry.value.readUIntBE(0, recordIdSize);
  return entry.key.readUIntBE(entry.key.length - recordIdSize, recordIdSize);
}

function duplicateKey(collection: Collection, index: Index, document: BsonValue): MongoError {
  const values = index.fields.map(({ path }) => {
    const value = path.encoded.reduce<BsonValue | undefined>(
      (parent, name) => (parent?.type === bsonType.object ? fieldOf(parent, name) : undefined),
      document,
    );
    return { name: path.text, value: value ?? null };
  });
  const shown = values.map(({ name, value }) => `${name}: ${value === null ? 'null' : describeValue(value)}`);
  return new MongoError(
    'DuplicateKey',
    `E11000 duplicate key error collection: ${collection.namespace} index: ${index.name} dup key: { ${shown.join(', ')} }`,
    {
      keyPattern: Buffer.from(rawBytes(index.keyPattern)),
      keyValue: Object.fromEntries(values.map(({ name, value }) => [name, value])),
    },
  );
}
