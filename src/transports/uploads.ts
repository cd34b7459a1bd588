import type { Readable } from 'node:stream';
import type { IncomingFile } from '../core/actor.ts';
import { AppError } from '../core/errors.ts';
import type { Upload } from '../core/operation.ts';
import { type Exchange, readMultipart } from './multipart.ts';

/** What all buffered uploads together may hold in memory. Who sends nothing holds nothing. */
const mostHeldBytes = 128 * 1024 * 1024;
/** Streams hold little, but a bucket's parts may be 5 MiB. */
const mostStreams = 64;
const repeatAfterMs = 1000;

/** By kind of upload: how many of one person at a time, and how long a client may take. */
const usual = {
  buffer: { perPerson: 1, patience: { idleWithinMs: 10_000, arrivesWithinMs: 60_000 } },
  // 50 MiB over a slow line
  stream: { perPerson: 3, patience: { idleWithinMs: 15_000, arrivesWithinMs: 15 * 60_000 } },
};

/** A server that takes uploads must not end a request before this. */
export const slowestUploadMs = usual.stream.patience.arrivesWithinMs;

export type Uploads = ReturnType<typeof createUploads>;

interface Receiving<T> {
  userId: string;
  /** Asked when everything has arrived, as the session may have ended meanwhile. */
  readmit(): Promise<void>;
  use(file: Buffer | IncomingFile): Promise<T>;
}

/** Reads multipart bodies: one file in one field, of people who are known, a few at a time per person. */
export function createUploads(kinds = usual) {
  const ofPerson = new Map<string, number>();
  let streams = 0;
  let heldBytes = 0;

  async function collect({ content }: IncomingFile, maxBytes: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of content as Readable & AsyncIterable<Buffer>) {
        size += chunk.length;
        heldBytes += chunk.length;
        if (size > maxBytes) throw new AppError('payload_too_large');
        if (heldBytes > mostHeldBytes) throw tooMany();
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    } finally {
      heldBytes -= size;
    }
  }

  /** Takes a place for an upload; answers how to give it back. */
  function enter({ field, as }: Upload, userId: string): () => void {
    const key = `${field} ${userId}`;
    const count = ofPerson.get(key) ?? 0;
    if (count >= kinds[as].perPerson)
      throw new AppError('rate_limited', { extra: { retryAfterMs: repeatAfterMs } });
    if (as === 'stream' && streams >= mostStreams) throw tooMany();
    ofPerson.set(key, count + 1);
    if (as === 'stream') streams++;
    return () => {
      const left = (ofPerson.get(key) ?? 1) - 1;
      if (left > 0) ofPerson.set(key, left);
      else ofPerson.delete(key);
      if (as === 'stream') streams--;
    };
  }

  return {
    /** Answers what `use` makes of the file. Throws what is wrong with the upload. */
    async receive<T>(exchange: Exchange, upload: Upload, { userId, readmit, use }: Receiving<T>): Promise<T> {
      if (!exchange.request.is('multipart/form-data')) throw new AppError('unsupported_media_type');
      const leave = enter(upload, userId);
      try {
        return await readMultipart(exchange, {
          field: upload.field,
          patience: kinds[upload.as].patience,
          readmit,
          use: async (file) => use(upload.as === 'stream' ? file : await collect(file, upload.maxBytes)),
        });
      } finally {
        leave();
      }
    },
  };
}

function tooMany(): AppError {
  return new AppError('unavailable', { extra: { retryAfterMs: repeatAfterMs } });
}
