import { bsonType, endOfName, endOfValue } from './bson-value.ts';
import { MongoError } from './errors.ts';

const maxDepth = 180;
const knownTypes = new Uint8Array(256);
for (const type of Object.values(bsonType)) knownTypes[type] = 1;

/**
 * Checks once, on arrival, that every length and terminator lies where it must, so that nothing behind needs to.
 * Throws InvalidBSON; nesting beyond 180 levels is refused before it can exhaust the stack.
 */
export function validateDocument(bytes: Buffer, start: number, limit: number, depth = 0): number {
  if (depth > maxDepth) throw invalid('nested too deeply');
  if (start + 5 > limit) throw invalid('a document is cut off');
  const end = start + bytes.readInt32LE(start);
  if (end > limit || end < start + 5) throw invalid('a document has a wrong length');
  if (bytes[end - 1] !== 0) throw invalid('a document is not terminated');
  let at = start + 4;
  while (at < end - 1) {
    const type = bytes[at] ?? 0;
    const nameEnd = endOfName(bytes, at + 1);
    if (!knownTypes[type]) throw invalid(`unrecognized BSON type ${type}`);
    if (nameEnd >= end - 1) throw invalid('a field name is not terminated');
    at = validateValue({ bytes, type, start: nameEnd + 1, limit: end - 1, depth });
  }
  if (at !== end - 1) throw invalid('a value exceeds its document');
  return end;
}

interface Unchecked {
  bytes: Buffer;
  type: number;
  start: number;
  limit: number;
  depth: number;
}

function validateValue({ bytes, type, start, limit, depth }: Unchecked): number {
  if (type === bsonType.object || type === bsonType.array)
    return validateDocument(bytes, start, limit, depth + 1);
  const needsLength =
    type === bsonType.string ||
    type === bsonType.javascript ||
    type === bsonType.symbol ||
    type === bsonType.javascriptWithScope ||
    type === bsonType.binData ||
    type === bsonType.dbPointer;
  if (needsLength && (start + 4 > limit || bytes.readInt32LE(start) < 0)) throw invalid('a length is wrong');
  if (type === bsonType.regex && !isRegexTerminated(bytes, start, limit))
    throw invalid('a regex is not terminated');
  const end = endOfValue(bytes, type, start);
  if (end > limit) throw invalid('a value exceeds its document');
  const isText = type === bsonType.string || type === bsonType.javascript || type === bsonType.symbol;
  if (isText && (end < start + 5 || bytes[end - 1] !== 0)) throw invalid('a string is not terminated');
  if (type === bsonType.javascriptWithScope && end < start + 14) throw invalid('a scope is cut off');
  return end;
}

function isRegexTerminated(bytes: Buffer, start: number, limit: number): boolean {
  const pattern = bytes.indexOf(0, start);
  if (pattern < 0 || pattern >= limit) return false;
  const flags = bytes.indexOf(0, pattern + 1);
  return flags >= 0 && flags < limit;
}

function invalid(reason: string): MongoError {
  return new MongoError('InvalidBSON', `Invalid BSON: ${reason}`);
}
