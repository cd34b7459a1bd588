import { Readable } from 'node:stream';
import { type Connection, mongo, Schema } from 'mongoose';
import { withinDeadline } from '../../core/deadline.ts';
import { AppError } from '../../core/errors.ts';
import type { ByteRange, FileStorage } from '../../core/file-storage.ts';

const bucketName = 'files';
/** Whatever has not arrived by then never will: its process is gone. */
const arrivesWithinMs = 1_800_000;

interface Metadata {
  mimeType: string;
  /** Above that of every revision that was there before. */
  generation: number;
  isRemoved?: boolean;
  /** Stands for chunks that arrive, as there is no file to find them by yet. */
  arriving?: mongo.ObjectId;
}
type FileRecord = Omit<mongo.GridFSFile, 'metadata'> & { metadata: Metadata };
interface ChunkRecord {
  files_id: mongo.ObjectId;
  n: number;
  data: Buffer;
}

// the driver would make both, but goes on without them when that fails
const fileSchema = new Schema({}, { collection: `${bucketName}.files`, versionKey: false });
fileSchema.index({ filename: 1, uploadDate: 1 });
const chunkSchema = new Schema({}, { collection: `${bucketName}.chunks`, versionKey: false });
chunkSchema.index({ files_id: 1, n: 1 }, { unique: true });

const cleanUpWithinMs = 500;

/** Keeps files in the database, in chunks of 255 KiB. `get` rejects with a RangeError for a range past the end. */
export function createGridFsStorage(connection: Connection): FileStorage {
  connection.model('StoredFile', fileSchema);
  connection.model('StoredChunk', chunkSchema);
  const open = createOpener(connection);

  return {
    async put(key, content, mimeType) {
      // its error reaches us by the loop below; until that begins it must not end the process
      content.on('error', () => {});
      try {
        const store = open();
        const generation = 1 + Math.max(0, ...(await store.revisions(key)).map(generationOf));
        const metadata: Metadata = { mimeType, generation };
        const upload = store.bucket.openUploadStream(key, { metadata });
        const marker = await store.mark(key, upload.id);
        await fill(upload, content).catch(async (error: unknown) => {
          // the first failure says more than one of the clean-up, which is made up for later
          await withinDeadline(store.discard([upload.id, marker]), cleanUpWithinMs).catch(() => {});
          throw error;
        });
        await store.unmark(marker).catch(() => {});
        // the file is kept; older ones are out of sight, and go with the next put or removal
        await store.discardAllButNewest(key).catch(() => {});
      } catch (error) {
        content.destroy();
        throw error;
      }
    },

    async get(key, range) {
      const store = open();
      const file = newest((await store.revisions(key)).filter(({ metadata }) => !metadata.isRemoved));
      if (file === undefined) return null;
      const content = Readable.from(store.read(file, within(file.length, range)), { objectMode: false });
      return { content, mimeType: file.metadata.mimeType, size: file.length };
    },

    async remove(key) {
      const store = open();
      await store.discard((await store.revisions(key)).flatMap(idsOf));
    },
  };
}

type Store = ReturnType<typeof createStore>;

/** The bucket of the connection's database, made when it is first needed: the connection opens late. */
function createOpener(connection: Connection): () => Store {
  let store: Store | undefined;
  return () => {
    if (connection.db === undefined) throw new mongo.MongoNotConnectedError('The database is not open yet');
    store ??= createStore(connection.db);
    return store;
  };
}

function createStore(db: mongo.Db) {
  const bucket = new mongo.GridFSBucket(db, { bucketName });
  const files = db.collection<FileRecord>(`${bucketName}.files`);
  const chunks = db.collection<ChunkRecord>(`${bucketName}.chunks`);

  const revisions = (key: string): Promise<FileRecord[]> => files.find({ filename: key }).toArray();

  async function discard(ids: mongo.ObjectId[]): Promise<void> {
    // gone at once for readers, and still there to be discarded again if this breaks off
    await files.updateMany({ _id: { $in: ids } }, { $set: { 'metadata.isRemoved': true } });
    await chunks.deleteMany({ files_id: { $in: ids } });
    await files.deleteMany({ _id: { $in: ids } });
  }

  return {
    bucket,
    revisions,
    discard,

    /** Notes that chunks of a file are about to arrive, so that they can be found if this process is killed. */
    async mark(filename: string, arriving: mongo.ObjectId): Promise<mongo.ObjectId> {
      const metadata: Metadata = { mimeType: '', generation: 0, isRemoved: true, arriving };
      const _id = new mongo.ObjectId();
      await files.insertOne({ _id, filename, length: 0, chunkSize: 0, uploadDate: new Date(), metadata });
      return _id;
    },

    async unmark(marker: mongo.ObjectId): Promise<void> {
      await files.deleteOne({ _id: marker });
    },

    /** Whoever ends last of several that put the same key sees them all; the newest is nobody's to discard. */
    async discardAllButNewest(key: string): Promise<void> {
      const all = await revisions(key);
      const kept = newest(all);
      const others = all.filter((revision) => revision !== kept);
      if (others.length > 0) await discard(others.flatMap(idsOf));
    },

    /** Chunk by chunk: the driver's download stream holds up to 16 MiB, and ends early when chunks are missing. */
    async *read({ _id, chunkSize }: FileRecord, { start, end }: ByteRange): AsyncGenerator<Buffer> {
      for (let at = start; at <= end; ) {
        const n = Math.floor(at / chunkSize);
        // the driver may wait for ever on a connection that was made while the database went away
        const chunk = await withinDeadline(chunks.findOne({ files_id: _id, n }, { promoteBuffers: true }));
        const from = n * chunkSize;
        const wanted = chunk?.data.subarray(at - from, end + 1 - from);
        const expected = Math.min(end + 1, from + chunkSize) - at;
        if (wanted?.length !== expected) throw new Error('A stored file is incomplete');
        yield wanted;
        at += expected;
      }
    },
  };
}

/** What a revision is found by. One that arrives is left alone, unless its process must have been killed. */
function idsOf({ _id, metadata: { arriving }, uploadDate }: FileRecord): mongo.ObjectId[] {
  if (arriving === undefined) return [_id];
  return Date.now() - uploadDate.getTime() > arrivesWithinMs ? [arriving, _id] : [];
}

const generationOf = ({ metadata }: FileRecord): number => metadata.generation;

/** Of those put at the same time, the one with the highest id. */
function newest(revisions: FileRecord[]): FileRecord | undefined {
  return revisions.toSorted(
    (a, b) => generationOf(b) - generationOf(a) || b._id.toHexString().localeCompare(a._id.toHexString()),
  )[0];
}

function within(size: number, range: ByteRange | undefined): ByteRange {
  if (range === undefined) return { start: 0, end: size - 1 };
  if (range.start >= size || range.start > range.end) throw new RangeError('The file has no such range');
  return { start: range.start, end: Math.min(range.end, size - 1) };
}

/** Resolves when the file is kept. Unless it hangs, no write is under way any more when this rejects. */
async function fill(upload: mongo.GridFSBucketWriteStream, content: Readable): Promise<void> {
  // told by the callbacks as well
  upload.on('error', () => {});
  for await (const bytes of content) {
    // above a chunk's size, the driver would write several chunks at once and report the first failure
    for (let at = 0; at < bytes.length; at += upload.chunkSizeBytes) {
      const piece = bytes.subarray(at, at + upload.chunkSizeBytes);
      await settled((done) => upload.write(piece, done));
    }
  }
  await settled((done) => upload.end(done));
}

/** The driver may wait for ever on a connection that was made while the database went away, or for one that hangs. */
function settled(run: (done: (error?: Error | null) => void) => void): Promise<void> {
  const written = new Promise<void>((resolve, reject) => {
    run((error) => (error ? reject(asOutage(error)) : resolve()));
  });
  return withinDeadline(written);
}

/** When the connection breaks under a large write, the driver passes on the socket's own error. */
function asOutage(error: Error): Error {
  return 'syscall' in error ? new AppError('unavailable', { cause: error }) : error;
}
