import type { Readable } from 'node:stream';

/** Both ends inclusive, in bytes. */
export interface ByteRange {
  start: number;
  end: number;
}

interface StoredFile {
  /** The whole file, or the range that was asked for. */
  content: Readable;
  mimeType: string;
  /** Of the whole file, in bytes. */
  size: number;
}

/** Where uploads are kept, outside of any web root. Keys are ours: letters, digits, `-`, `_` and `/`. */
export interface FileStorage {
  /** Streams a file in and resolves when it is kept whole. If it fails or breaks off, nothing of it remains. */
  put(key: string, content: Readable, mimeType: string): Promise<void>;
  /** `null` if there is no such file. */
  get(key: string, range?: ByteRange): Promise<StoredFile | null>;
  /** Removes a file; one that is not there counts as removed. */
  remove(key: string): Promise<void>;
}
