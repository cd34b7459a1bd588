import { validateDocument } from './bson-validation.ts';
import { type BsonValue, bsonType, fieldOf, valuesOf } from './bson-value.ts';
import { MongoError } from './errors.ts';

export const maxMessageSize = 48_000_000;
export const headerSize = 16;

const opcodes = { reply: 1, query: 2004, message: 2013 };
const flags = { checksumPresent: 1, moreToCome: 2 };

export interface Request {
  requestId: number;
  isLegacy: boolean;
  /** Whether the client waits for a reply. */
  isAcknowledged: boolean;
  body: BsonValue;
  command: string;
  database: string;
  field(name: string): BsonValue | undefined;
  /** A list of documents from the body or from a document sequence. */
  list(name: string): BsonValue[] | undefined;
}

/** The frame is not the protocol's: its connection is closed, as nothing after it can be trusted. */
export class ProtocolError extends Error {}

/** Parses one whole frame. Throws ProtocolError, or MongoError InvalidBSON. */
export function parseRequest(frame: Buffer): Request {
  const requestId = frame.readInt32LE(4);
  const opcode = frame.readInt32LE(12);
  try {
    if (opcode === opcodes.message) return parseMessage(frame, requestId);
    if (opcode === opcodes.query) return parseQuery(frame, requestId);
  } catch (error) {
    if (error instanceof MongoError) throw new ProtocolError(error.message);
    throw error;
  }
  throw new ProtocolError(`unknown opcode ${opcode}`);
}

function parseMessage(frame: Buffer, requestId: number): Request {
  if (frame.length < headerSize + 4) throw new ProtocolError('the frame is too short');
  const flagBits = frame.readUInt32LE(headerSize);
  if (flagBits & 0xffff & ~(flags.checksumPresent | flags.moreToCome))
    throw new ProtocolError('unknown required flag');
  const limit = frame.length - (flagBits & flags.checksumPresent ? 4 : 0);
  const sequences = new Map<string, BsonValue[]>();
  let body: BsonValue | undefined;
  let at = headerSize + 4;
  while (at < limit) {
    const kind = frame[at];
    if (kind === 0 && body === undefined) {
      const end = validateDocument(frame, at + 1, limit);
      body = { type: bsonType.object, bytes: frame, start: at + 1, end };
      at = end;
    } else if (kind === 1) {
      at = parseSequence(frame, { at: at + 1, limit, sequences });
    } else {
      throw new ProtocolError('unknown section');
    }
  }
  if (body === undefined) throw new ProtocolError('no body');
  const isAcknowledged = (flagBits & flags.moreToCome) === 0;
  return toRequest({ requestId, isLegacy: false, isAcknowledged, body }, sequences);
}

interface Sequence {
  at: number;
  limit: number;
  sequences: Map<string, BsonValue[]>;
}

function parseSequence(frame: Buffer, { at, limit, sequences }: Sequence): number {
  if (at + 5 > limit) throw new ProtocolError('a document sequence is cut off');
  const end = at + frame.readInt32LE(at);
  const nameEnd = frame.indexOf(0, at + 4);
  if (end > limit || nameEnd < 0 || nameEnd >= end)
    throw new ProtocolError('a document sequence has a wrong length');
  const documents: BsonValue[] = [];
  for (let start = nameEnd + 1; start < end; ) {
    const next = validateDocument(frame, start, end);
    documents.push({ type: bsonType.object, bytes: frame, start, end: next });
    start = next;
  }
  sequences.set(frame.toString('utf8', at + 4, nameEnd), documents);
  return end;
}

/** The legacy query: drivers still open a connection with it. */
function parseQuery(frame: Buffer, requestId: number): Request {
  const nameEnd = frame.indexOf(0, headerSize + 4);
  if (nameEnd < 0 || nameEnd + 9 > frame.length) throw new ProtocolError('the query is cut off');
  const start = nameEnd + 9;
  const end = validateDocument(frame, start, frame.length);
  const [database = ''] = frame.toString('utf8', headerSize + 4, nameEnd).split('.');
  const body = { type: bsonType.object, bytes: frame, start, end };
  return { ...toRequest({ requestId, isLegacy: true, isAcknowledged: true, body }, new Map()), database };
}

type Parsed = Pick<Request, 'requestId' | 'isLegacy' | 'isAcknowledged' | 'body'>;

const names = new Map<string, Buffer>();

function encodedName(name: string): Buffer {
  const encoded = names.get(name) ?? Buffer.from(name);
  names.set(name, encoded);
  return encoded;
}

function toRequest(parsed: Parsed, sequences: Map<string, BsonValue[]>): Request {
  const { bytes, start, end } = parsed.body;
  const field = (name: string) => fieldOf(parsed.body, encodedName(name));
  const database = field('$db');
  return {
    ...parsed,
    command: end - start > 5 ? bytes.toString('utf8', start + 5, bytes.indexOf(0, start + 5)) : '',
    database:
      database?.type === bsonType.string
        ? database.bytes.toString('utf8', database.start + 4, database.end - 1)
        : '',
    field,
    list(name) {
      const value = field(name);
      return sequences.get(name) ?? (value?.type === bsonType.array ? valuesOf(value) : undefined);
    },
  };
}

let nextResponseId = 1;

/** Frames a reply document for the request. */
export function frameReply(request: Pick<Request, 'requestId' | 'isLegacy'>, document: Buffer): Buffer {
  const prefixSize = request.isLegacy ? 20 : 5;
  const frame = Buffer.allocUnsafe(headerSize + prefixSize + document.length);
  frame.writeInt32LE(frame.length);
  frame.writeInt32LE(nextResponseId, 4);
  nextResponseId = (nextResponseId + 1) & 0x7fffffff;
  frame.writeInt32LE(request.requestId, 8);
  frame.writeInt32LE(request.isLegacy ? opcodes.reply : opcodes.message, 12);
  frame.fill(0, headerSize, headerSize + prefixSize);
  if (request.isLegacy) {
    frame.writeInt32LE(8, headerSize);
    frame.writeInt32LE(1, headerSize + 16);
  }
  document.copy(frame, headerSize + prefixSize);
  return frame;
}
