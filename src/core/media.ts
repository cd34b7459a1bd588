import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { ByteRange } from './file-storage.ts';

interface MediaOptions {
  /** HTTP status; 200 unless said. */
  status?: number;
  /** Name under which a browser saves it. */
  fileName?: string;
  /** Whether a browser shows it or saves it; saved if it has a name, unless said. */
  disposition?: 'inline' | 'attachment';
  cacheControl?: string;
  /** Names these very bytes: who has them already is told so. */
  etag?: string;
  /** Pages of other origins may show it. */
  isCrossOrigin?: boolean;
  /** For what needs other rules than the server's own. */
  contentSecurityPolicy?: string;
}

/** Bytes of a known number, of which clients may ask for a part. */
export interface PartialContent {
  size: number;
  /** The whole, or one range of it. Not read before it is asked for. */
  read(range?: ByteRange): Promise<Readable>;
}

/** What an operation answers where it is no JSON: a picture, a page, an archive. Served over REST alone. */
export class Media {
  readonly mimeType: string;
  readonly content: Buffer | Readable | PartialContent;
  readonly options: MediaOptions;

  constructor(mimeType: string, content: Media['content'], options: MediaOptions = {}) {
    this.mimeType = mimeType;
    this.content = content;
    this.options = options;
  }
}

/** The output of operations that answer bytes. */
export const media = z.instanceof(Media);
