import { chmodSync } from 'node:fs';
import path from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { makeDirectory, requireSound } from './data-directory.ts';
import { StorageFailure } from './errors.ts';

type Lmdb = Database<Buffer, Buffer>;

export interface Entry {
  key: Buffer;
  value: Buffer;
}

/** A range of keys: from `start` (inclusive) to `end` (exclusive), walked upwards or downwards. */
export interface KeyRange {
  start: Buffer;
  end: Buffer;
}

/** One sorted table of bytes. Writes are allowed within `Storage.write` only and are undone when it fails. */
export interface Table {
  get(key: Buffer): Buffer | undefined;
  /** `before` is what the key held, undefined for a new key. */
  put(key: Buffer, value: Buffer, before?: Buffer): void;
  remove(key: Buffer, before: Buffer): void;
  /** Entries of a range. Release the iterator with `return()`: an open one pins its snapshot. */
  scan(range: KeyRange, isReverse?: boolean): Iterator<Entry>;
}

export interface Storage {
  catalogue: Table;
  documents: Table;
  indexes: Table;
  /** Runs in a write transaction, all of it or nothing; resolves once the result is on disk. */
  write<Result>(run: () => Result): Promise<Result>;
  /** Called in reverse order when the running write fails, to take back changes in memory. */
  onUndo(undo: () => void): void;
  /** Holds off every other process's writes while `run` works. For taking over a directory only. */
  exclusively<Result>(run: () => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

/** Opens (or creates) the database files of a directory, which gets mode 0700. */
export function openStorage(directory: string): Storage {
  makeDirectory(directory);
  chmodSync(directory, 0o700);
  const file = path.join(directory, 'embedded.mdb');
  requireSound(file);
  const root: RootDatabase<Buffer, Buffer> = open({
    path: file,
    noSubdir: true,
    encoding: 'binary',
    keyEncoding: 'binary',
    maxDbs: 4,
  });
  let undos: (() => void)[] = [];
  const onUndo = (undo: () => void) => void undos.push(undo);
  const table = (name: string) =>
    createTable(root.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' }), onUndo);

  function attempt<Result>(run: () => Result): { result: Result } | { failure: unknown } {
    undos = [];
    try {
      return { result: run() };
    } catch (failure) {
      // a throw would keep what the transaction already holds, and other commands' writes are in it too
      for (const undo of undos.reverse()) undo();
      return { failure };
    } finally {
      undos = [];
    }
  }

  return {
    catalogue: table('catalogue'),
    documents: table('documents'),
    indexes: table('indexes'),
    onUndo,

    async write(run) {
      const outcome = await toDisk(root, () => attempt(run));
      if ('failure' in outcome) throw outcome.failure;
      return outcome.result;
    },

    exclusively: (run) => Promise.resolve(root.transactionSync(run)),

    close: () => root.close(),
  };
}

async function toDisk<Result>(root: RootDatabase<Buffer, Buffer>, run: () => Result): Promise<Result> {
  try {
    const result = await root.transaction(run);
    await root.flushed;
    // whoever is answered now must not read from an older snapshot
    root.resetReadTxn();
    return result;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StorageFailure(`a write could not be stored: ${reason}`, { cause: error });
  }
}

function createTable(lmdb: Lmdb, onUndo: (undo: () => void) => void): Table {
  return {
    get: (key) => lmdb.getBinary(key),

    put(key, value, before) {
      onUndo(() => void (before === undefined ? lmdb.remove(key) : lmdb.put(key, before)));
      void lmdb.put(key, value);
    },

    remove(key, before) {
      onUndo(() => void lmdb.put(key, before));
      void lmdb.remove(key);
    },

    scan({ start, end }, isReverse = false) {
      const range = isReverse
        ? { start: end, end: start, reverse: true, exclusiveStart: true, inclusiveEnd: true }
        : { start, end };
      return lmdb.getRange(range)[Symbol.iterator]();
    },
  };
}
