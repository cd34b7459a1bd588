import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import type { Media } from '../core/media.ts';

/** Answers bytes. A stream that breaks off breaks the connection off, so that nobody takes a part for the whole. */
export async function sendMedia(response: Response, { mimeType, content, options }: Media): Promise<void> {
  const { status, fileName, cacheControl, isCrossOrigin, contentSecurityPolicy } = options;
  response.status(status ?? 200).set('Content-Type', mimeType);
  response.set('X-Content-Type-Options', 'nosniff');
  if (fileName === undefined) response.set('Content-Disposition', 'inline');
  else response.attachment(fileName).set('Content-Type', mimeType);
  if (isCrossOrigin) response.set('Cross-Origin-Resource-Policy', 'cross-origin');
  if (cacheControl !== undefined) response.set('Cache-Control', cacheControl);
  if (contentSecurityPolicy !== undefined) response.set('Content-Security-Policy', contentSecurityPolicy);
  if (!(content instanceof Readable)) {
    response.send(content);
    return;
  }
  // who has gone away is no failure of ours, and nobody is left to be told
  await pipeline(content, response).catch(() => response.destroy());
}
