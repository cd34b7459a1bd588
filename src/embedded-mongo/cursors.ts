import { randomBytes } from 'node:crypto';
import { MongoError } from './errors.ts';

/** What a cursor still has to give. */
export interface DocumentSource {
  next(): Buffer | undefined;
  suspend(): void;
}

export interface Batch {
  documents: Buffer[];
  cursorId: bigint;
}

interface Cursor {
  namespace: string;
  source: DocumentSource;
  /** Read ahead by one, so that the last batch closes the cursor. */
  pending: Buffer | undefined;
  usedAt: number;
}

const idleMs = 10 * 60_000;
const maxBatchBytes = 16 * 1024 * 1024;

/** Cursors between batches. Those idle for ten minutes are dropped by `expire`. */
export function createCursors() {
  const cursors = new Map<bigint, Cursor>();

  function fill(cursor: Cursor, batchSize: number): Buffer[] {
    const documents: Buffer[] = [];
    let bytes = 0;
    let next = cursor.pending ?? cursor.source.next();
    while (next !== undefined && documents.length < batchSize) {
      if (bytes > 0 && bytes + next.length > maxBatchBytes) break;
      documents.push(next);
      bytes += next.length;
      next = cursor.source.next();
    }
    cursor.pending = next;
    cursor.source.suspend();
    return documents;
  }

  return {
    /** The first batch; a cursor is kept when there is more and it is wanted. */
    open(namespace: string, source: DocumentSource, batchSize: number, isSingleBatch = false): Batch {
      const cursor: Cursor = { namespace, source, pending: undefined, usedAt: Date.now() };
      const documents = fill(cursor, batchSize);
      if (cursor.pending === undefined || isSingleBatch) return { documents, cursorId: 0n };
      const cursorId = randomBytes(8).readBigInt64LE() & 0x7fffffffffffffffn || 1n;
      cursors.set(cursorId, cursor);
      return { documents, cursorId };
    },

    /** Throws CursorNotFound. */
    next(namespace: string, cursorId: bigint, batchSize: number): Batch {
      const cursor = cursors.get(cursorId);
      if (cursor === undefined || cursor.namespace !== namespace) {
        throw new MongoError('CursorNotFound', `cursor id ${cursorId} not found`);
      }
      cursor.usedAt = Date.now();
      try {
        const documents = fill(cursor, batchSize);
        if (cursor.pending === undefined) cursors.delete(cursorId);
        return { documents, cursorId: cursor.pending === undefined ? 0n : cursorId };
      } catch (error) {
        cursors.delete(cursorId);
        throw error;
      }
    },

    kill: (cursorId: bigint): boolean => cursors.delete(cursorId),

    expire(now = Date.now()): void {
      for (const [cursorId, { usedAt }] of cursors) if (now - usedAt > idleMs) cursors.delete(cursorId);
    },
  };
}

export type Cursors = ReturnType<typeof createCursors>;
