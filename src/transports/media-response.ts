import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import { AppError } from '../core/errors.ts';
import type { ByteRange } from '../core/file-storage.ts';
import type { Media, PartialContent } from '../core/media.ts';
import type { Exchange } from './multipart.ts';

/** Who takes nothing for so long is cut off; what waits for them is some chunks. */
const stallsAfterMs = 30_000;

/**
 * Answers bytes, or the part of them that is asked for. A stream that breaks off breaks the connection off, so that
 * nobody takes a part for the whole.
 */
export async function sendMedia(exchange: Exchange, media: Media, stallMs = stallsAfterMs): Promise<void> {
  const { request, response } = exchange;
  const { content, options } = media;
  if (options.etag !== undefined) response.set('ETag', options.etag);
  if (options.etag !== undefined && has(request, options.etag)) {
    setHeaders(response, media);
    response.status(304).end();
  } else if (Buffer.isBuffer(content)) {
    setHeaders(response, media);
    response.send(content);
  } else {
    // headers follow when nothing can be refused any more
    const stream = content instanceof Readable ? content : await openPart(exchange, content, options.etag);
    setHeaders(response, media);
    if (stream === null) response.end();
    else await send(stream, response, stallMs);
  }
}

/** Not `request.fresh`: scripts of browsers that ask with a version of their own get `no-cache` added, and the whole. */
function has(request: Request, etag: string): boolean {
  const known = request.get('If-None-Match')?.split(',') ?? [];
  return known.some((one) => one.trim().replace(/^W\//, '') === etag);
}

async function send(stream: Readable, response: Response, stallMs: number): Promise<void> {
  response.setTimeout(stallMs);
  await pipeline(stream, response).catch(() => {
    // who has gone away is no failure of ours, and nobody is left to be told
    stream.destroy();
    response.destroy();
  });
}

function setHeaders(response: Response, { mimeType, options }: Media): void {
  const { status, fileName, disposition, cacheControl, isCrossOrigin, contentSecurityPolicy } = options;
  if (status !== undefined) response.status(status);
  response.set('X-Content-Type-Options', 'nosniff');
  if (fileName === undefined) response.set('Content-Disposition', disposition ?? 'inline');
  else response.attachment(fileName);
  if (fileName !== undefined && disposition === 'inline') {
    const named = response.get('Content-Disposition') ?? '';
    response.set('Content-Disposition', named.replace(/^attachment/, 'inline'));
  }
  // after the name, by whose ending Express would guess
  response.set('Content-Type', mimeType);
  if (isCrossOrigin) response.set('Cross-Origin-Resource-Policy', 'cross-origin');
  if (cacheControl !== undefined) response.set('Cache-Control', cacheControl);
  if (contentSecurityPolicy !== undefined) response.set('Content-Security-Policy', contentSecurityPolicy);
}

/** The stream that has to follow the headers; `null` if they are all that was asked for. */
async function openPart(
  exchange: Exchange,
  { size, read }: PartialContent,
  etag: string | undefined,
): Promise<Readable | null> {
  const { request, response } = exchange;
  const range = rangeOf(exchange, size, etag);
  const stream = request.method === 'HEAD' ? null : await read(range);
  const length = range ? range.end - range.start + 1 : size;
  response.set({ 'Accept-Ranges': 'bytes', 'Content-Length': String(length) });
  if (range) response.status(206).set('Content-Range', `bytes ${range.start}-${range.end}/${size}`);
  return stream;
}

/** One range as it was asked for; several are answered by the whole, as are ranges of another version. */
function rangeOf({ request, response }: Exchange, size: number, etag?: string): ByteRange | undefined {
  const ifRange = request.get('If-Range');
  if (request.method !== 'GET' || (ifRange !== undefined && ifRange !== etag)) return undefined;
  // the parser refuses the end of a file that is longer than the file, which means the whole (RFC 9110, 14.1.2)
  if (Number(/^bytes=-(\d+)$/.exec(request.get('Range') ?? '')?.[1] ?? 0) > size)
    return { start: 0, end: size - 1 };
  const ranges = request.range(size);
  if (ranges === -1) {
    response.set('Content-Range', `bytes */${size}`);
    throw new AppError('range_not_satisfiable');
  }
  const isOne = Array.isArray(ranges) && ranges.type === 'bytes' && ranges.length === 1;
  return isOne ? ranges[0] : undefined;
}
