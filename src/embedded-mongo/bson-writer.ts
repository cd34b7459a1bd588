import { type BsonValue, bsonType, isNumber, numberOf, stringOf, valuesOf } from './bson-value.ts';

/** What replies are built from: raw values and documents go in unchanged, a bigint becomes a Long. */
export type Encodable =
  | null
  | string
  | number
  | bigint
  | boolean
  | Date
  | Buffer
  | BsonValue
  | readonly Encodable[]
  | { readonly [name: string]: Encodable | undefined };

/** Up to here a loop copies faster than a call does. */
const shortCopy = 24;

/** Bytes that grow as they are written. A Buffer in an encodable stands for a whole raw document. */
export class BsonWriter {
  bytes: Buffer;
  length = 0;

  constructor(size = 512) {
    this.bytes = Buffer.allocUnsafe(size);
  }

  reserve(size: number): number {
    const at = this.length;
    this.length = at + size;
    if (this.length > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.length, this.bytes.length * 2));
      this.bytes.copy(grown, 0, 0, at);
      this.bytes = grown;
    }
    return at;
  }

  header(type: number, name: string): void {
    const at = this.reserve(1 + name.length);
    this.bytes[at] = type;
    if (!this.ascii(at + 1, name)) {
      this.length = at + 1;
      const start = this.reserve(Buffer.byteLength(name));
      this.bytes.write(name, start);
    }
    this.byte(0);
  }

  /** Writes what is a name nearly always, without a call; false when it is more than ASCII. */
  private ascii(start: number, name: string): boolean {
    for (let index = 0; index < name.length; index++) {
      const unit = name.charCodeAt(index);
      if (unit > 0x7f) return false;
      this.bytes[start + index] = unit;
    }
    return true;
  }

  raw(source: Buffer, start = 0, end = source.length): void {
    const at = this.reserve(end - start);
    if (end - start > shortCopy) source.copy(this.bytes, at, start, end);
    else for (let index = start; index < end; index++) this.bytes[at + index - start] = source[index] ?? 0;
  }

  byte(byte: number): void {
    // reserved first, since that may replace the buffer
    const at = this.reserve(1);
    this.bytes[at] = byte;
  }

  value(name: string, { type, bytes, start, end }: BsonValue): void {
    this.header(type, name);
    this.raw(bytes, start, end);
  }

  /** Opens a document or array; returns where it began, for `close`. */
  open(): number {
    return this.reserve(4);
  }

  close(begin: number): void {
    this.byte(0);
    this.bytes.writeInt32LE(this.length - begin, begin);
  }

  finish(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  /** What is written so far, in bytes of its own. */
  copy(): Buffer {
    const copied = Buffer.allocUnsafe(this.length);
    this.bytes.copy(copied, 0, 0, this.length);
    return copied;
  }
}

const isRaw = (value: object): value is BsonValue => 'bytes' in value && 'start' in value;

function writeEncodable(writer: BsonWriter, name: string, value: Encodable): void {
  if (value === null) {
    writer.header(bsonType.null, name);
  } else if (typeof value === 'string') {
    writer.header(bsonType.string, name);
    const size = Buffer.byteLength(value);
    const at = writer.reserve(size + 5);
    writer.bytes.writeInt32LE(size + 1, at);
    writer.bytes.write(value, at + 4);
    writer.bytes[at + 4 + size] = 0;
  } else if (typeof value === 'boolean') {
    writer.header(bsonType.bool, name);
    writer.byte(value ? 1 : 0);
  } else if (typeof value === 'number' || typeof value === 'bigint') {
    writeNumber(writer, name, value);
  } else if (value instanceof Date) {
    writer.header(bsonType.date, name);
    const at = writer.reserve(8);
    writer.bytes.writeBigInt64LE(BigInt(value.getTime()), at);
  } else if (Buffer.isBuffer(value)) {
    writer.header(bsonType.object, name);
    writer.raw(value);
  } else if (isRaw(value)) {
    writer.value(name, value);
  } else {
    writer.header(Array.isArray(value) ? bsonType.array : bsonType.object, name);
    writeEntries(writer, value);
  }
}

function writeNumber(writer: BsonWriter, name: string, value: number | bigint): void {
  if (typeof value === 'bigint') {
    writer.header(bsonType.long, name);
    const at = writer.reserve(8);
    writer.bytes.writeBigInt64LE(value, at);
  } else if (Number.isInteger(value) && (value | 0) === value) {
    writer.header(bsonType.int, name);
    const at = writer.reserve(4);
    writer.bytes.writeInt32LE(value, at);
  } else {
    writer.header(bsonType.double, name);
    const at = writer.reserve(8);
    writer.bytes.writeDoubleLE(value, at);
  }
}

function writeEntries(writer: BsonWriter, value: object): void {
  const begin = writer.open();
  for (const [name, member] of Object.entries(value)) {
    if (member !== undefined) writeEncodable(writer, name, member);
  }
  writer.close(begin);
}

/** Encodes a reply or a stored record as one BSON document. Integral numbers of 32 bits become Int32. */
export function encodeDocument(value: { readonly [name: string]: Encodable | undefined }): Buffer {
  const writer = new BsonWriter();
  writeEntries(writer, value);
  return writer.finish();
}

/** One value by itself, as it would lie in a document. */
export function encodeValue(value: Encodable): BsonValue {
  const bytes = encodeDocument({ v: value });
  return { type: bytes[4] ?? 0, bytes, start: 7, end: bytes.length - 1 };
}

/** A double stays a double, however integral. */
export function encodeDouble(value: number): BsonValue {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeDoubleLE(value);
  return { type: bsonType.double, bytes, start: 0, end: 8 };
}

/** How mongod shows a value in an error message. */
export function describeValue(value: BsonValue): string {
  if (value.type === bsonType.string) return JSON.stringify(stringOf(value));
  if (isNumber(value) && value.type !== bsonType.decimal) return String(numberOf(value));
  if (value.type === bsonType.objectId)
    return `ObjectId('${value.bytes.toString('hex', value.start, value.end)}')`;
  if (value.type === bsonType.bool) return String(value.bytes[value.start] === 1);
  if (value.type === bsonType.date) return `new Date(${value.bytes.readBigInt64LE(value.start)})`;
  if (value.type === bsonType.array) return `[ ${valuesOf(value).map(describeValue).join(', ')} ]`;
  if (value.type === bsonType.null || value.type === bsonType.undefined) return 'null';
  if (value.type === bsonType.binData) {
    const subtype = value.bytes[value.start + 4] ?? 0;
    return `BinData(${subtype}, ${value.bytes.toString('hex', value.start + 5, value.end).toUpperCase()})`;
  }
  return '{ … }';
}
