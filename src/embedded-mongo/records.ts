import { asDocument, type BsonValue, bsonType, fieldOf, rawBytes } from './bson-value.ts';
import { describeValue } from './bson-writer.ts';
import type { Catalogue } from './catalogue.ts';
import {
  type Collection,
  encodeRecordId,
  type Index,
  indexKey,
  recordIdSize,
  recordKey,
} from './collection.ts';
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
  /** Throws DuplicateKey, before anything is written. */
  insert(collection: Collection, bytes: Buffer): void;
  replace(collection: Collection, stored: StoredDocument, bytes: Buffer): void;
  remove(collection: Collection, stored: StoredDocument): void;
  /** Adds an existing document to a new index. */
  addToIndex(collection: Collection, index: Index, stored: StoredDocument): void;
}

interface IndexChange {
  index: Index;
  key: Buffer;
}

export function createRecords(storage: Storage, catalogue: Catalogue): Records {
  function keysIn(collection: Collection, index: Index, document: BsonValue): IndexChange[] {
    if (index.partialFilter !== undefined && !matches(index.partialFilter, document)) return [];
    const { keys, multikey, isHashed, isEmpty } = keysOf(index.fields, document);
    if (isEmpty && index.isSparse) return [];
    if (multikey.some((position) => !index.multikey.has(position))) {
      catalogue.markMultikey(collection, index, multikey);
    }
    if (isHashed && !index.hasHashedKeys) catalogue.markHashed(collection, index);
    return keys.map((key) => ({ index, key: indexKey(index, key) }));
  }

  function allKeys(collection: Collection, bytes: Buffer): IndexChange[] {
    const document = asDocument(bytes);
    return collection.indexes.flatMap((index) => keysIn(collection, index, document));
  }

  function refuseDuplicates(collection: Collection, changes: IndexChange[], document: BsonValue): void {
    for (const { index, key } of changes) {
      if (index.isUnique && storage.indexes.get(key) !== undefined)
        throw duplicateKey(collection, index, document);
    }
  }

  function add({ index, key }: IndexChange, id: Buffer): void {
    if (index.isUnique) storage.indexes.put(key, id);
    else storage.indexes.put(Buffer.concat([key, id]), empty);
  }

  function drop({ index, key }: IndexChange, id: Buffer): void {
    if (index.isUnique) storage.indexes.remove(key, id);
    else storage.indexes.remove(Buffer.concat([key, id]), empty);
  }

  return {
    get: (collection, recordId) => storage.documents.get(recordKey(collection, recordId)),

    insert(collection, bytes) {
      const changes = allKeys(collection, bytes);
      refuseDuplicates(collection, changes, asDocument(bytes));
      const recordId = collection.nextRecordId++;
      const id = encodeRecordId(recordId);
      storage.documents.put(recordKey(collection, recordId), bytes);
      for (const change of changes) add(change, id);
    },

    replace(collection, { recordId, bytes: before }, bytes) {
      const id = encodeRecordId(recordId);
      const old = allKeys(collection, before);
      const now = allKeys(collection, bytes);
      const added = now.filter((change) => !old.some(({ key }) => key.equals(change.key)));
      const dropped = old.filter((change) => !now.some(({ key }) => key.equals(change.key)));
      refuseDuplicates(collection, added, asDocument(bytes));
      for (const change of dropped) drop(change, id);
      for (const change of added) add(change, id);
      storage.documents.put(recordKey(collection, recordId), bytes, before);
    },

    remove(collection, { recordId, bytes }) {
      const id = encodeRecordId(recordId);
      for (const change of allKeys(collection, bytes)) drop(change, id);
      storage.documents.remove(recordKey(collection, recordId), bytes);
    },

    addToIndex(collection, index, { recordId, bytes }) {
      const document = asDocument(bytes);
      const changes = keysIn(collection, index, document);
      refuseDuplicates(collection, changes, document);
      for (const change of changes) add(change, encodeRecordId(recordId));
    },
  };
}

const empty = Buffer.alloc(0);

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
