import { MongoError } from './errors.ts';

/** BSON's type numbers by MongoDB's aliases. */
export const bsonType = {
  double: 1,
  string: 2,
  object: 3,
  array: 4,
  binData: 5,
  undefined: 6,
  objectId: 7,
  bool: 8,
  date: 9,
  null: 10,
  regex: 11,
  dbPointer: 12,
  javascript: 13,
  symbol: 14,
  javascriptWithScope: 15,
  int: 16,
  timestamp: 17,
  long: 18,
  decimal: 19,
  minKey: 255,
  maxKey: 127,
} as const;

/** One value as it lies in its document: never decoded, so that its type survives whatever is done to it. */
export interface BsonValue {
  readonly type: number;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

export interface BsonElement extends BsonValue {
  readonly name: string;
}

/** A field path, split at its dots; the names also as UTF-8, to compare with without decoding. */
export interface Path {
  readonly text: string;
  readonly names: readonly string[];
  readonly encoded: readonly Buffer[];
}

const paths = new Map<string, Path>();

export function toPath(text: string): Path {
  const known = paths.get(text);
  if (known !== undefined) return known;
  const names = text.split('.');
  const path = { text, names, encoded: names.map((name) => Buffer.from(name)) };
  if (paths.size > 10_000) paths.clear();
  paths.set(text, path);
  return path;
}

/** The document that fills these bytes. */
export function asDocument(bytes: Buffer): BsonValue {
  return { type: bsonType.object, bytes, start: 0, end: bytes.length };
}

const variableSize = 255;
/** The sizes of values by their type, a table since every walk over a document asks it for each field. */
const sizes = new Uint8Array(256).fill(variableSize);
for (const type of [bsonType.double, bsonType.date, bsonType.timestamp, bsonType.long]) sizes[type] = 8;
for (const type of [bsonType.undefined, bsonType.null, bsonType.minKey, bsonType.maxKey]) sizes[type] = 0;
sizes[bsonType.objectId] = 12;
sizes[bsonType.bool] = 1;
sizes[bsonType.int] = 4;
sizes[bsonType.decimal] = 16;

/** Where the value that starts here ends. Trusts lengths: for validated bytes only. */
export function endOfValue(bytes: Buffer, type: number, start: number): number {
  const size = sizes[type] ?? variableSize;
  if (size !== variableSize) return start + size;
  switch (type) {
    case bsonType.string:
    case bsonType.javascript:
    case bsonType.symbol:
      return start + 4 + bytes.readInt32LE(start);
    case bsonType.object:
    case bsonType.array:
    case bsonType.javascriptWithScope:
      return start + bytes.readInt32LE(start);
    case bsonType.binData:
      return start + 5 + bytes.readInt32LE(start);
    case bsonType.regex:
      return bytes.indexOf(0, bytes.indexOf(0, start) + 1) + 1;
    case bsonType.dbPointer:
      return start + 4 + bytes.readInt32LE(start) + 12;
    default:
      throw new MongoError('InvalidBSON', `Unrecognized BSON type ${type}`);
  }
}

/** Where the name that starts here ends, at its zero byte: names are short, so a search by a call costs more. */
export function endOfName(bytes: Buffer, start: number): number {
  let at = start;
  while (bytes[at]) at++;
  return at;
}

/** The elements of a document or array, in order. */
export function* elementsOf(document: BsonValue): Generator<BsonElement> {
  const { bytes } = document;
  let at = document.start + 4;
  const last = document.end - 1;
  while (at < last) {
    const type = bytes[at] ?? 0;
    const nameEnd = endOfName(bytes, at + 1);
    const start = nameEnd + 1;
    const end = endOfValue(bytes, type, start);
    yield { type, name: bytes.toString('utf8', at + 1, nameEnd), bytes, start, end };
    at = end;
  }
}

/** The members of an array, or the values of a document, without their names. */
export function valuesOf(list: BsonValue): BsonValue[] {
  const { bytes } = list;
  const values: BsonValue[] = [];
  let at = list.start + 4;
  const last = list.end - 1;
  while (at < last) {
    const type = bytes[at] ?? 0;
    const start = endOfName(bytes, at + 1) + 1;
    const end = endOfValue(bytes, type, start);
    values.push({ type, bytes, start, end });
    at = end;
  }
  return values;
}

/** One field of a document by its UTF-8 name, undefined when it is missing. */
export function fieldOf(document: BsonValue, name: Buffer): BsonValue | undefined {
  const { bytes } = document;
  let at = document.start + 4;
  const last = document.end - 1;
  while (at < last) {
    const type = bytes[at] ?? 0;
    const nameEnd = endOfName(bytes, at + 1);
    const end = endOfValue(bytes, type, nameEnd + 1);
    if (isSame(bytes, at + 1, nameEnd, name)) return { type, bytes, start: nameEnd + 1, end };
    at = end;
  }
  return undefined;
}

function isSame(bytes: Buffer, start: number, end: number, name: Buffer): boolean {
  if (end - start !== name.length) return false;
  for (let index = 0; index < name.length; index++) {
    if (bytes[start + index] !== name[index]) return false;
  }
  return true;
}

export const isNumber = ({ type }: BsonValue): boolean =>
  type === bsonType.int || type === bsonType.double || type === bsonType.long || type === bsonType.decimal;

/** A number as JavaScript's: Long as a bigint, so that it stays exact. */
export function numberOf(value: BsonValue): number | bigint {
  if (value.type === bsonType.int) return value.bytes.readInt32LE(value.start);
  if (value.type === bsonType.double) return value.bytes.readDoubleLE(value.start);
  if (value.type === bsonType.long) return value.bytes.readBigInt64LE(value.start);
  throw unsupportedDecimal();
}

export function unsupportedDecimal(): MongoError {
  return new MongoError('BadValue', 'Decimal128 cannot be compared or computed by the embedded database');
}

export const stringOf = ({ bytes, start, end }: BsonValue): string =>
  bytes.toString('utf8', start + 4, end - 1);

/** The value's own bytes, without type and name. */
export const rawBytes = ({ bytes, start, end }: BsonValue): Buffer => bytes.subarray(start, end);
