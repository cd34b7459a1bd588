import { Readable } from 'node:stream';
import type { FileStorage } from '../../core/file-storage.ts';
import { createS3Client, type S3Answer, type S3Client, S3Failure, textOf } from './s3-client.ts';
import type { S3Settings } from './s3-settings.ts';

/** The smallest that S3 takes, the last part apart; it takes 10,000 of them. */
const partBytes = 5 * 1024 * 1024;

interface S3Options {
  /** How long S3 may be silent before a request is given up. */
  stallMs?: number;
}

/**
 * Keeps files in a bucket. The key needs the permissions to get, put, delete, abort multipart uploads – and to list
 * the bucket: without it S3 answers 403 for a file that is not there. `get` rejects with a RangeError for a range
 * past the end. In the bucket, a lifecycle rule should end unfinished multipart uploads: a process that is killed
 * leaves its own behind.
 */
export function createS3Storage(settings: S3Settings, { stallMs = 10_000 }: S3Options = {}): FileStorage {
  const client = createS3Client(settings, stallMs);

  return {
    async put(key, content, mimeType) {
      const parts = partsOf(content);
      const headers = { 'content-type': mimeType };
      try {
        const { value: first } = await parts.next();
        if (first?.isLast) await client.send({ method: 'PUT', key, headers, body: first.bytes });
        else if (first) await putInParts(client, { key, headers, first: first.bytes, rest: parts });
      } finally {
        content.destroy();
      }
    },

    async get(key, range) {
      const headers: Record<string, string> = range ? { range: `bytes=${range.start}-${range.end}` } : {};
      const answer = await client.open({ method: 'GET', key, headers }).catch(ifAbsent(null));
      if (answer === null) return null;
      const mimeType = answer.headers.get('content-type') ?? 'application/octet-stream';
      return { content: toReadable(answer), mimeType, size: sizeOf(answer, range !== undefined) };
    },

    async remove(key) {
      await client.send({ method: 'DELETE', key }).catch(ifAbsent(null));
    },
  };
}

/** A bucket that is not there is a fault. */
function ifAbsent<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof S3Failure && error.status === 404 && error.code !== 'NoSuchBucket') return value;
    if (error instanceof S3Failure && error.status === 416)
      throw new RangeError('The file has no such range');
    throw error;
  };
}

function sizeOf({ headers, status, watch }: S3Answer, isRange: boolean): number {
  const text = isRange ? headers.get('content-range')?.split('/')[1] : headers.get('content-length');
  const size = Number(text ?? Number.NaN);
  if (Number.isSafeInteger(size) && (status === 206) === isRange) return size;
  watch.cancel();
  throw new Error('S3 did not say how large the file is, or gave another range');
}

/** Only waiting for S3 is timed, not how slowly a client reads. */
function toReadable({ body, watch }: S3Answer): Readable {
  if (body === null) return Readable.from([]);
  const reader = body.getReader();
  return new Readable({
    read() {
      watch.whileWaiting(reader.read()).then(
        ({ value }) => this.push(value ?? null),
        (error: Error) => this.destroy(error),
      );
    },
    destroy(error, callback) {
      watch.cancel();
      callback(error);
    },
  });
}

interface Part {
  bytes: Buffer;
  isLast: boolean;
}

/** Parts of the same size, and a last one of the rest, which is empty only if everything is. */
async function* partsOf(content: Readable): AsyncGenerator<Part, undefined> {
  let pending: Buffer[] = [];
  let size = 0;
  for await (const bytes of content) {
    pending.push(bytes);
    size += bytes.length;
    while (size > partBytes) {
      const all = Buffer.concat(pending);
      yield { bytes: all.subarray(0, partBytes), isLast: false };
      pending = [all.subarray(partBytes)];
      size -= partBytes;
    }
  }
  yield { bytes: Buffer.concat(pending), isLast: true };
}

interface PartedFile {
  key: string;
  headers: Record<string, string>;
  first: Buffer;
  rest: AsyncIterable<Part>;
}

/** One part after the other, so that none is under way any more when all are given up. */
async function putInParts(client: S3Client, { key, headers, first, rest }: PartedFile): Promise<void> {
  const begun = await client.send({ method: 'POST', key, headers, query: { uploads: '' } });
  const uploadId = textOf(begun.text, 'UploadId');
  if (uploadId === undefined) throw new Error('S3 began a multipart upload without an id');
  const query = { uploadId };
  const tags: string[] = [];
  const putPart = async (body: Buffer): Promise<void> => {
    const partNumber = String(tags.length + 1);
    const { headers: told } = await client.send({
      method: 'PUT',
      key,
      query: { partNumber, uploadId },
      body,
    });
    tags.push(told.get('etag') ?? '');
  };
  try {
    await putPart(first);
    for await (const { bytes } of rest) await putPart(bytes);
    await client.send({ method: 'POST', key, query, body: completion(tags) });
  } catch (error) {
    // the first failure says more than one of the clean-up
    await client.send({ method: 'DELETE', key, query }).catch(() => {});
    throw error;
  }
}

function completion(tags: string[]): Buffer {
  const parts = tags.map((tag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${tag}</ETag></Part>`);
  return Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`);
}
