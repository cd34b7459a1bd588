import type { BsonValue } from './bson-value.ts';
import { encodeDocument } from './bson-writer.ts';
import type { Filter } from './filter.ts';
import type { IndexField } from './index-keys.ts';
import type { KeyRange } from './storage.ts';

export interface Index {
  readonly id: number;
  readonly name: string;
  /** The specification as it was given, for listIndexes. */
  readonly specification: Buffer;
  readonly keyPattern: BsonValue;
  readonly fields: readonly IndexField[];
  readonly isUnique: boolean;
  readonly isSparse: boolean;
  readonly partialFilter: Filter | undefined;
  readonly expireAfterSeconds: number | undefined;
  /** Positions of fields that are, or were, an array in some document. */
  multikey: ReadonlySet<number>;
  /** Whether some key was too long to keep its order. */
  hasHashedKeys: boolean;
  /** Reads use an index once it is committed; writes maintain it from its creation. */
  isReady: boolean;
}

export interface Collection {
  readonly id: number;
  readonly database: string;
  readonly name: string;
  readonly namespace: string;
  indexes: readonly Index[];
  recordCount: number;
  nextRecordId: number;
}

export const recordIdSize = 6;

/** `[collection u32][record id u48]`. */
export function recordKey(collection: Collection, recordId: number): Buffer {
  const key = Buffer.allocUnsafe(4 + recordIdSize);
  key.writeUInt32BE(collection.id);
  key.writeUIntBE(recordId, 4, recordIdSize);
  return key;
}

/** Where all keys lie that begin with this collection's or index's number. */
export function rangeOf(id: number): KeyRange {
  const start = Buffer.allocUnsafe(4);
  const end = Buffer.allocUnsafe(4);
  start.writeUInt32BE(id);
  end.writeUInt32BE(id + 1);
  return { start, end };
}

export function encodeRecordId(recordId: number): Buffer {
  const bytes = Buffer.allocUnsafe(recordIdSize);
  bytes.writeUIntBE(recordId, 0, recordIdSize);
  return bytes;
}

/** The specification of the index that every collection has. */
export const idIndexSpecification = encodeDocument({ v: 2, key: { _id: 1 }, name: '_id_' });
