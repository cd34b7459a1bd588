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
  /** Puts a key that is not there yet; false, and nothing done, when it is. */
  add(key: Buffer, value: Buffer): boolean;
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
  /** Within a write: a part of it that is done as a whole or, when it throws, not at all. */
  allOrNothing(run: () => void): void;
  /** Called in reverse order when the running write fails, to take back changes in memory. */
  onUndo(undo: () => void): void;
  /** Holds off every other process's writes while `run` works. For taking over a directory only. */
  exclusively<Result>(run: () => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

/** What takes back one change of the running write: of a key, or in memory. */
type Undo = { lmdb: Lmdb; key: Buffer; before: Buffer | undefined } | (() => void);

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
  const undos: Undo[] = [];
  const table = (name: string) =>
    createTable(root.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' }), undos);

  function allOrNothing<Result>(run: () => Result): Result {
    const start = undos.length;
    try {
      return run();
    } catch (failure) {
      while (undos.length > start) takeBack(undos.pop());
      throw failure;
    }
  }

  function attempt<Result>(run: () => Result): { result: Result } | { failure: unknown } {
    undos.length = 0;
    try {
      return { result: allOrNothing(run) };
    } catch (failure) {
      // a throw would keep what the transaction already holds, and other commands' writes are in it too
      return { failure };
    } finally {
      undos.length = 0;
    }
  }

  return {
    catalogue: table('catalogue'),
    documents: table('documents'),
    indexes: table('indexes'),
    allOrNothing,
    onUndo: (undo) => void undos.push(undo),

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

function takeBack(undo: Undo | undefined): void {
  if (undo === undefined) return;
  if (typeof undo === 'function') undo();
  else if (undo.before === undefined) void undo.lmdb.remove(undo.key);
  else void undo.lmdb.put(undo.key, undo.before);
}

function createTable(lmdb: Lmdb, undos: Undo[]): Table {
  return {
    get(key) {
      // lmdb reads into one long buffer for all and sets its length
      const found = lmdb.getBinaryFast(key);
      if (found === undefined) return undefined;
      const value = Buffer.allocUnsafe(found.length);
      value.set(found.subarray(0, found.length));
      return value;
    },

    put(key, value, before) {
      undos.push({ lmdb, key, before });
      void lmdb.put(key, value);
    },

    add(key, value) {
      // within a transaction lmdb answers at once
      const isAdded = lmdb.putSync(key, value, onlyNew) as unknown as boolean;
      if (isAdded) undos.push({ lmdb, key, before: undefined });
      return isAdded;
    },

    remove(key, before) {
      undos.push({ lmdb, key, before });
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

const onlyNew = { noOverwrite: true };
