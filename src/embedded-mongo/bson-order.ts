import {
  type BsonValue,
  bsonType,
  elementsOf,
  isNumber,
  numberOf,
  stringOf,
  unsupportedDecimal,
} from './bson-value.ts';

/**
 * MongoDB's order of types, as numbers that can also lead an index key. 1 is left for the end of a key.
 * Numbers share a rank, and so do strings and symbols: they compare with each other.
 */
const ranks = new Uint8Array(256).fill(126);
ranks[bsonType.minKey] = 2;
ranks[bsonType.undefined] = 4;
ranks[bsonType.null] = 5;
ranks[bsonType.int] = 10;
ranks[bsonType.long] = 10;
ranks[bsonType.double] = 10;
ranks[bsonType.decimal] = 10;
ranks[bsonType.string] = 15;
ranks[bsonType.symbol] = 15;
ranks[bsonType.object] = 20;
ranks[bsonType.array] = 25;
ranks[bsonType.binData] = 30;
ranks[bsonType.objectId] = 35;
ranks[bsonType.bool] = 40;
ranks[bsonType.date] = 45;
ranks[bsonType.timestamp] = 47;
ranks[bsonType.regex] = 50;
ranks[bsonType.dbPointer] = 55;
ranks[bsonType.javascript] = 60;
ranks[bsonType.javascriptWithScope] = 65;
ranks[bsonType.maxKey] = 127;

export const rankOf = (type: number): number => ranks[type] ?? 126;

/** Negative, zero or positive: `left` before, equal to or after `right` in MongoDB's order over all types. */
export function compareValues(left: BsonValue, right: BsonValue): number {
  const rank = rankOf(left.type);
  const byRank = rank - rankOf(right.type);
  if (byRank !== 0) return byRank;
  switch (left.type) {
    case bsonType.int:
    case bsonType.long:
    case bsonType.double:
    case bsonType.decimal:
      return compareNumbers(left, right);
    case bsonType.object:
    case bsonType.array:
      return compareDocuments(left, right);
    case bsonType.binData:
      return compareBinaries(left, right);
    case bsonType.date:
      return sign(left.bytes.readBigInt64LE(left.start), right.bytes.readBigInt64LE(right.start));
    case bsonType.timestamp:
      return sign(left.bytes.readBigUInt64LE(left.start), right.bytes.readBigUInt64LE(right.start));
    case bsonType.string:
    case bsonType.symbol:
    case bsonType.javascript:
      return compareBytes(left, right, 4);
    default:
      return compareBytes(left, right, 0);
  }
}

export const isEqual = (left: BsonValue, right: BsonValue): boolean => compareValues(left, right) === 0;

function sign(left: number | bigint, right: number | bigint): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function compareNumbers(left: BsonValue, right: BsonValue): number {
  if (left.type === bsonType.decimal || right.type === bsonType.decimal) throw unsupportedDecimal();
  const a = numberOf(left);
  const b = numberOf(right);
  // not a number is below all numbers and equal to itself
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(b)) - Number(Number.isNaN(a));
  return sign(a, b);
}

function compareBinaries(left: BsonValue, right: BsonValue): number {
  const byLength = left.end - left.start - (right.end - right.start);
  if (byLength !== 0) return byLength;
  return compareBytes(left, right, 4);
}

const comparedByLoop = 24;

/** By the bytes after those that are skipped. Most values differ early on, where a loop is faster than a call. */
function compareBytes(left: BsonValue, right: BsonValue, skipped: number): number {
  const [from, otherFrom] = [left.start + skipped, right.start + skipped];
  const length = Math.min(left.end - from, right.end - otherFrom, comparedByLoop);
  for (let at = 0; at < length; at++) {
    const difference = (left.bytes[from + at] ?? 0) - (right.bytes[otherFrom + at] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.bytes.compare(right.bytes, otherFrom + length, right.end, from + length, left.end);
}

function compareDocuments(left: BsonValue, right: BsonValue): number {
  const isObject = left.type === bsonType.object;
  const others = elementsOf(right);
  for (const element of elementsOf(left)) {
    const { value: other, done } = others.next();
    if (done) return 1;
    const byRank = rankOf(element.type) - rankOf(other.type);
    if (byRank !== 0) return byRank;
    const byName = isObject ? compareNames(element.name, other.name) : 0;
    if (byName !== 0) return byName;
    const byValue = compareValues(element, other);
    if (byValue !== 0) return byValue;
  }
  return others.next().done ? 0 : -1;
}

/** In the order of their UTF-8 bytes, which is that of code points. */
export function compareNames(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const [one, other] = [left.charCodeAt(at), right.charCodeAt(at)];
    if (one !== other) return pointRank(one) - pointRank(other);
  }
  return left.length - right.length;
}

/** Surrogates stand for code points above all that a unit can be by itself. */
const pointRank = (unit: number): number => (unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit);

/** A whole number within JavaScript's exact range, or undefined for anything else. */
export function integerOf(value: BsonValue | undefined): number | undefined {
  if (value === undefined || !isNumber(value) || value.type === bsonType.decimal) return undefined;
  const number = Number(numberOf(value));
  return Number.isSafeInteger(number) ? number : undefined;
}

/** The text of a string value, or undefined for anything else. */
export const textOf = (value: BsonValue | undefined): string | undefined =>
  value?.type === bsonType.string ? stringOf(value) : undefined;

/** Truthiness as commands read their flags: false, 0, null and missing are off. */
export function isTrue(value: BsonValue | undefined): boolean {
  if (value === undefined || value.type === bsonType.null || value.type === bsonType.undefined) return false;
  if (value.type === bsonType.bool) return value.bytes[value.start] === 1;
  return isNumber(value) && value.type !== bsonType.decimal ? Number(numberOf(value)) !== 0 : true;
}
