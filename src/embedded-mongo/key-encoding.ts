import { createHash } from 'node:crypto';
import { rankOf } from './bson-order.ts';
import { type BsonValue, bsonType, elementsOf, numberOf, unsupportedDecimal } from './bson-value.ts';
import { BsonWriter } from './bson-writer.ts';

/** Ends the components of a key: below every component's first byte, ascending or descending. */
const endOfComponents = 1;
/** As an exclusive upper bound: above every first byte. */
export const aboveAll = 0xff;

/** A key begins with the number of its index. */
export const idSize = 4;
const maxKeySize = idSize + 1024;
export const keptSize = idSize + 900;

/** Appends one component whose bytes order as MongoDB orders the values; descending ones are inverted. */
export function writeComponent(
  writer: BsonWriter,
  value: BsonValue | undefined,
  isDescending: boolean,
): void {
  const from = writer.length;
  writer.byte(value === undefined ? rankOf(bsonType.null) : rankOf(value.type));
  if (value !== undefined) writeBody(writer, value);
  if (!isDescending) return;
  for (let at = from; at < writer.length; at++) writer.bytes[at] = 0xff - (writer.bytes[at] ?? 0);
}

/** The bytes of one value as a key component, after those of what precedes it. */
export function encodeComponent(
  value: BsonValue | undefined,
  isDescending: boolean,
  prefix = noBytes,
): Buffer {
  const writer = new BsonWriter(prefix.length + 64);
  writer.raw(prefix);
  writeComponent(writer, value, isDescending);
  return writer.finish();
}

export const noBytes: Buffer = Buffer.alloc(0);

/**
 * The whole key of what is written so far, which stays. Longer ones keep 900 bytes of their components and a hash: equal
 * stays equal, order among them is lost.
 */
export function closeKey(writer: BsonWriter, suffix: Buffer): { key: Buffer; isHashed: boolean } {
  const { length } = writer;
  if (length > maxKeySize) {
    const written = writer.finish();
    const hash = createHash('sha256').update(written.subarray(idSize)).digest();
    return { key: Buffer.concat([written.subarray(0, keptSize), endMark, hash, suffix]), isHashed: true };
  }
  writer.byte(endOfComponents);
  writer.raw(suffix);
  const key = writer.copy();
  writer.length = length;
  return { key, isHashed: false };
}

export const endMark = Buffer.of(endOfComponents);

/** Bounds of a scan that also cover hashed keys: cut to what those keep. */
export function cutLower(bound: Buffer): Buffer {
  return bound.length > keptSize ? bound.subarray(0, keptSize) : bound;
}

export function cutUpper(bound: Buffer): Buffer {
  if (bound.length <= keptSize) return bound;
  return Buffer.concat([bound.subarray(0, keptSize), Buffer.of(aboveAll, aboveAll)]);
}

function writeBody(writer: BsonWriter, value: BsonValue): void {
  const { bytes, start, end } = value;
  switch (value.type) {
    case bsonType.int:
    case bsonType.long:
    case bsonType.double:
      writeNumber(writer, numberOf(value));
      break;
    case bsonType.decimal:
      throw unsupportedDecimal();
    case bsonType.string:
    case bsonType.symbol:
    case bsonType.javascript:
      writeText(writer, bytes, start + 4, end - 1);
      break;
    case bsonType.object:
    case bsonType.array:
      writeMembers(writer, value);
      break;
    case bsonType.binData: {
      const at = writer.reserve(4);
      writer.bytes.writeInt32BE(bytes.readInt32LE(start), at);
      writer.raw(bytes, start + 4, end);
      break;
    }
    case bsonType.date:
    case bsonType.timestamp:
      writeTime(writer, value);
      break;
    default:
      writer.raw(bytes, start, end);
  }
}

/** The greatest byte first; dates are signed, and the earliest of them has to come first. */
function writeTime(writer: BsonWriter, { type, bytes, end }: BsonValue): void {
  const at = writer.reserve(8);
  for (let index = 0; index < 8; index++) writer.bytes[at + index] = bytes[end - 1 - index] ?? 0;
  if (type === bsonType.date) writer.bytes[at] = (writer.bytes[at] ?? 0) ^ 0x80;
}

/** Zero bytes are escaped, so that the terminating zero sorts a text before its continuations. */
function writeText(writer: BsonWriter, bytes: Buffer, start: number, end: number): void {
  let from = start;
  for (let zero = bytes.indexOf(0, from); zero >= 0 && zero < end; zero = bytes.indexOf(0, from)) {
    writer.raw(bytes, from, zero + 1);
    writer.byte(0xff);
    from = zero + 1;
  }
  writer.raw(bytes, from, end);
  writer.byte(0);
}

function writeMembers(writer: BsonWriter, value: BsonValue): void {
  for (const element of elementsOf(value)) {
    writer.byte(rankOf(element.type));
    if (value.type === bsonType.object) {
      const name = Buffer.from(element.name);
      writeText(writer, name, 0, name.length);
    }
    writeBody(writer, element);
  }
  writer.byte(0);
}

const remainder = { size: 2, offset: 8 };

/** The greatest double not above the number, then what a Long has beyond it: exact for all three types. */
function writeNumber(writer: BsonWriter, number: number | bigint): void {
  const at = writer.reserve(remainder.offset + remainder.size);
  const { bytes } = writer;
  let floor = Number(number);
  let rest = 0;
  if (typeof number === 'bigint') {
    if (BigInt(floor) > number) floor = previousDouble(floor);
    rest = Number(number - BigInt(floor));
  }
  // -0 equals 0; not a number sorts below every number
  bytes.writeDoubleBE(floor === 0 ? 0 : floor, at);
  bytes.writeUInt16BE(rest, at + remainder.offset);
  if (Number.isNaN(floor)) bytes.fill(0, at, at + remainder.offset);
  else if ((bytes[at] ?? 0) >= 0x80) for (let i = at; i < at + 8; i++) bytes[i] = 0xff - (bytes[i] ?? 0);
  else bytes[at] = (bytes[at] ?? 0) | 0x80;
}

function previousDouble(number: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, number);
  view.setBigInt64(0, view.getBigInt64(0) + (number > 0 ? -1n : 1n));
  return view.getFloat64(0);
}
