import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import path from 'node:path';

/** LMDB's mark of a page that tells where everything is (lmdb.h, mdb.c: `MDB_meta`), and the version of its format. */
const metaMagic = Buffer.from([0xde, 0xc0, 0xef, 0xbe]);
const metaVersion = 2;
const metaPages = 2;

/**
 * Makes a directory, and what leads there, for this user alone. Throws where that cannot be; `mkdir` of Node.js with
 * `recursive` would try for ever in some places, such as /proc.
 */
export function makeDirectory(directory: string): void {
  if (existsSync(directory)) return;
  makeDirectory(path.dirname(directory));
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    // another process was faster
    if (!existsSync(directory)) throw error;
  }
}

/**
 * Throws if a file is there that is none of the database's, or has lost its beginning: LMDB would end the whole process on it.
 */
export function requireSound(file: string): void {
  if (!existsSync(file)) return;
  const descriptor = openSync(file, 'r');
  try {
    if (fstatSync(descriptor).size > 0 && !hasMetaPages(descriptor)) {
      throw new Error(
        `${file} is damaged, or no file of the embedded database: put back a copy, or move it away to begin anew`,
      );
    }
  } finally {
    closeSync(descriptor);
  }
}

function hasMetaPages(descriptor: number): boolean {
  const head = Buffer.alloc(256);
  let position = 0;
  for (let page = 0; page < metaPages; page++) {
    readSync(descriptor, head.fill(0), 0, head.length, position);
    const at = head.subarray(0, 32).indexOf(metaMagic);
    if (at < 0 || (head.readUInt32LE(at + 4) & 0xffff) !== metaVersion) return false;
    // behind the address and the size of the map
    position += head.readUInt32LE(at + 24);
  }
  return true;
}
