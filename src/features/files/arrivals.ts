import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { TextDecoder } from 'node:util';
import type { IncomingFile } from '../../core/actor.ts';
import { AppError, invalidField } from '../../core/errors.ts';
import type { FileStorage } from '../../core/file-storage.ts';
import { keyOf } from './blobs.ts';
import { classify, type FileKind, isMarkup, isPlain } from './files.rules.ts';

interface Picture {
  bytes: Buffer;
  mimeType: string;
  width: number;
  height: number;
  /** WebP. */
  thumbnail: Buffer;
}

interface ArrivalsDeps {
  storage: FileStorage;
  /** What the first bytes of a file are recognised as. */
  recognise(start: Buffer): Promise<string | undefined>;
  /**
   * Decodes a picture and encodes it anew when its turn comes. It is not read before, and its turn lasts until it is
   * kept. Throws `image_invalid`.
   */
  encodePicture<T>(read: () => Promise<Buffer>, keep: (picture: Picture) => Promise<T>): Promise<T>;
  maxBytes: { image: number; other: number };
}

/** What was stored of a file that has arrived. */
interface Arrived {
  size: number;
  mimeType: string;
  width?: number;
  height?: number;
  thumbnailSize: number | null;
}

/** Where an office document says what it is, and where text shows that it is none. */
const startBytes = 64 * 1024;
/** A body is longer than its file by the frame around it. */
const frameMaxBytes = 64 * 1024;

/** Takes files in: streamed into the storage, bounded by their kind, pictures encoded anew. */
export function createArrivals({ storage, recognise, encodePicture, maxBytes }: ArrivalsDeps) {
  async function storePicture(blobId: string): Promise<Arrived> {
    const raw = keyOf(blobId, 'raw');
    const read = async (): Promise<Buffer> => {
      const stored = await storage.get(raw);
      if (!stored) throw new AppError('unavailable');
      return buffer(stored.content);
    };
    return encodePicture(read, async ({ bytes, mimeType, width, height, thumbnail }) => {
      await storage.put(keyOf(blobId, 'whole'), Readable.from([bytes]), mimeType);
      await storage.put(keyOf(blobId, 'thumbnail'), Readable.from([thumbnail]), 'image/webp');
      await storage.remove(raw);
      return { size: bytes.length, mimeType, width, height, thumbnailSize: thumbnail.length };
    });
  }

  /**
   * Stores a file as it arrives. Throws `payload_too_large` as soon as it is known, `unsupported_media_type`,
   * `image_invalid`, and `validation_failed` for an empty one; what was stored then is the caller's to remove.
   */
  return async (file: IncomingFile, blobId: string): Promise<Arrived> => {
    if ((file.mostBytes ?? 0) > Math.max(...Object.values(maxBytes)) + frameMaxBytes)
      throw new AppError('payload_too_large');
    const { start, all } = await readStart(file.content);
    if (start.length === 0) throw invalidField('file', { en: 'The file is empty', zh: '文件为空' });
    const { kind, mimeType } = classify(await recognise(start), file.mimeType);
    if (kind === 'text' && isMarkup(start.toString())) throw new AppError('unsupported_media_type');
    const limit = kind === 'image' ? maxBytes.image : maxBytes.other;
    const counted = { size: 0 };
    const content = Readable.from(inspect(all, { kind, limit, counted }), { objectMode: false });
    await storage.put(keyOf(blobId, kind === 'image' ? 'raw' : 'whole'), content, mimeType);
    if (kind === 'image') return storePicture(blobId);
    return { size: counted.size, mimeType, thumbnailSize: null };
  };
}

/** The first bytes of a stream, and the whole of it. */
async function readStart(content: Readable) {
  const chunks = content[Symbol.asyncIterator]() as AsyncIterableIterator<Buffer>;
  const taken: Buffer[] = [];
  let size = 0;
  while (size < startBytes) {
    const { value, done } = await chunks.next();
    if (done) break;
    taken.push(value);
    size += value.length;
  }
  async function* all(): AsyncGenerator<Buffer> {
    yield* taken.splice(0);
    yield* chunks;
  }
  return { start: Buffer.concat(taken), all: all() };
}

interface Inspection {
  kind: FileKind;
  limit: number;
  counted: { size: number };
}

/** Passes bytes on as long as they are as many, and such, as may be. */
async function* inspect(
  chunks: AsyncIterable<Buffer>,
  { kind, limit, counted }: Inspection,
): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const check = (chunk?: Buffer) => {
    if (kind === 'text' && !isPlain(decode(decoder, chunk))) throw new AppError('unsupported_media_type');
  };
  for await (const chunk of chunks) {
    counted.size += chunk.length;
    if (counted.size > limit) throw new AppError('payload_too_large');
    check(chunk);
    yield chunk;
  }
  check();
}

function decode(decoder: TextDecoder, chunk?: Buffer): string {
  try {
    return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
  } catch (error) {
    throw new AppError('unsupported_media_type', { cause: error });
  }
}
