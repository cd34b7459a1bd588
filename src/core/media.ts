import type { Readable } from 'node:stream';
import { z } from 'zod';

interface MediaOptions {
  /** HTTP status; 200 unless said. */
  status?: number;
  /** Name under which a browser saves it; shown in place without. */
  fileName?: string;
  cacheControl?: string;
  /** Pages of other origins may show it. */
  isCrossOrigin?: boolean;
  /** For pages that need other rules than the server's own. */
  contentSecurityPolicy?: string;
}

/** What an operation answers where it is no JSON: a picture, a page, an archive. Served over REST alone. */
export class Media {
  readonly mimeType: string;
  readonly content: Buffer | Readable;
  readonly options: MediaOptions;

  constructor(mimeType: string, content: Buffer | Readable, options: MediaOptions = {}) {
    this.mimeType = mimeType;
    this.content = content;
    this.options = options;
  }
}

/** The output of operations that answer bytes. */
export const media = z.instanceof(Media);
