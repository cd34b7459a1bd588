import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import type { ByteRange, FileStorage } from '../../src/core/file-storage.ts';
import { createDatabase } from '../../src/platform/database.ts';
import { createFileStorage } from '../../src/platform/file-storage/file-storage.ts';
import { freshDatabaseUri } from '../support/database.ts';
import { startS3Double } from './s3-double.ts';

interface Setup {
  storage: FileStorage;
  /** Files and parts of files that are kept. */
  countKept(): Promise<number>;
  close(): Promise<void>;
}

async function inDatabase(): Promise<Setup> {
  const { connection, open, close } = createDatabase(freshDatabaseUri());
  const storage = createFileStorage({ s3: null, connection });
  await open();
  const count = (name: string) => connection.collection(name).countDocuments();
  return {
    storage,
    countKept: async () => (await count('files.files')) + (await count('files.chunks')),
    async close() {
      await connection.dropDatabase();
      await close();
    },
  };
}

async function inBucket(): Promise<Setup> {
  const { connection } = createDatabase(freshDatabaseUri());
  const { settings, objects, uploads, close } = await startS3Double();
  const storage = createFileStorage({ s3: settings, connection });
  return { storage, countKept: async () => objects.size + uploads.size, close };
}

const pieceBytes = 64 * 1024;
const kib = 1024;
const mib = 1024 * kib;

/** Content in pieces, as it comes over a network. */
function streamOf(bytes: Buffer): Readable {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes));
  return Readable.from(pieces);
}

/** Content that breaks off after so many bytes. */
function brokenStream(size: number, breakOff: (stream: Readable) => void): Readable {
  let left = size;
  return new Readable({
    read() {
      if (left <= 0) return breakOff(this);
      const length = Math.min(left, pieceBytes);
      left -= length;
      this.push(randomBytes(length));
    },
  });
}

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

async function rejectionOf(work: Promise<unknown>): Promise<Error> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('it did not reject with an error');
}

for (const [where, setUp] of Object.entries({ 'the database': inDatabase, 'an S3 bucket': inBucket })) {
  describe(`file storage in ${where}`, () => {
    let setup: Setup;
    let storage: FileStorage;
    let keys = 0;
    const freshKey = () => `tests/key-${keys++}_A`;
    before(async () => {
      setup = await setUp();
      storage = setup.storage;
    });
    after(() => setup.close());

    async function read(key: string, range?: ByteRange): Promise<Buffer> {
      const file = await storage.get(key, range);
      if (file === null) throw new Error('there is no such file');
      return buffer(file.content);
    }

    for (const [size, name] of [
      [0, 'nothing'],
      [1, 'one byte'],
      [255 * kib, '255 KiB'],
      [300 * kib, '300 KiB'],
      [5 * mib, '5 MiB'],
      [12 * mib, '12 MiB'],
    ] as const) {
      it(`gives back ${name} as it was put`, async () => {
        const [key, bytes] = [freshKey(), randomBytes(size)];
        await storage.put(key, streamOf(bytes), 'audio/mp4');
        const file = await storage.get(key);
        expect(file).to.include({ mimeType: 'audio/mp4', size });
        expect(digest(await read(key))).to.equal(digest(bytes));
        file?.content.destroy();
      });
    }

    it('takes pieces of any size', async () => {
      const [key, bytes] = [freshKey(), randomBytes(11 * mib)];
      const pieces = [bytes.subarray(0, 3), bytes.subarray(3, 7 * mib), bytes.subarray(7 * mib)];
      await storage.put(key, Readable.from(pieces), 'video/mp4');
      expect(digest(await read(key))).to.equal(digest(bytes));
    });

    it('gives ranges, both ends inclusive', async () => {
      const [key, bytes] = [freshKey(), randomBytes(600 * kib)];
      const chunk = 255 * kib;
      const last = bytes.length - 1;
      await storage.put(key, streamOf(bytes), 'text/plain');
      const ranges = [
        [0, 0],
        [0, last],
        [last, last],
        [5, 9],
        [chunk - 1, chunk],
        [chunk, 2 * chunk - 1],
        [chunk - 1, chunk - 1],
        [10, 2 * chunk + 10],
      ] as const;
      for (const [start, end] of ranges) {
        const part = await read(key, { start, end });
        expect(digest(part), `${start}-${end}`).to.equal(digest(bytes.subarray(start, end + 1)));
      }
      expect((await read(key, { start: last - 1, end: last + 100 })).length).to.equal(2);
      const file = await storage.get(key, { start: 1, end: 2 });
      expect(file?.size).to.equal(bytes.length);
      file?.content.destroy();
    });

    it('refuses a range that begins past the end', async () => {
      const key = freshKey();
      await storage.put(key, streamOf(Buffer.from('abc')), 'text/plain');
      expect(await rejectionOf(storage.get(key, { start: 3, end: 4 }))).to.be.instanceOf(RangeError);
    });

    it('replaces a file that is put again, and leaves nothing of the old one', async () => {
      const key = freshKey();
      await storage.put(key, streamOf(randomBytes(700 * kib)), 'image/png');
      const kept = await setup.countKept();
      for (const text of ['second', 'third']) {
        await storage.put(key, streamOf(Buffer.from(text)), 'text/plain');
        expect((await read(key)).toString()).to.equal(text);
      }
      expect(await storage.get(key).then((file) => file?.mimeType)).to.equal('text/plain');
      expect(await setup.countKept()).to.be.at.most(kept);
      await storage.remove(key);
    });

    it('removes a file, once and again', async () => {
      const key = freshKey();
      const kept = await setup.countKept();
      await storage.put(key, streamOf(randomBytes(600 * kib)), 'image/png');
      await storage.remove(key);
      expect(await storage.get(key)).to.equal(null);
      await storage.remove(key);
      expect(await setup.countKept()).to.equal(kept);
    });

    it('knows nothing of a file that was never put', async () => {
      expect(await storage.get(freshKey())).to.equal(null);
      expect(await storage.get(freshKey(), { start: 0, end: 1 })).to.equal(null);
      await storage.remove(freshKey());
    });

    const breaks: Record<string, (stream: Readable) => void> = {
      fails: (stream) => stream.destroy(new Error('the client went away')),
      'is cut off': (stream) => stream.destroy(),
    };
    for (const [how, breakOff] of Object.entries(breaks)) {
      for (const size of [0, 700 * kib, 11 * mib]) {
        it(`keeps nothing of content that ${how} after ${size} bytes`, async () => {
          const key = freshKey();
          const kept = await setup.countKept();
          await rejectionOf(storage.put(key, brokenStream(size, breakOff), 'video/mp4'));
          expect(await storage.get(key)).to.equal(null);
          expect(await setup.countKept()).to.equal(kept);
        });
      }
    }

    it('rejects content that was over before it began', async () => {
      const [failed, cutOff] = [brokenStream(0, () => {}), brokenStream(0, () => {})];
      failed.on('error', () => {}).destroy(new Error('the client went away'));
      cutOff.destroy();
      for (const content of [failed, cutOff]) {
        await rejectionOf(storage.put(freshKey(), content, 'text/plain'));
      }
    });

    it('keeps the file that is there when its replacement breaks off', async () => {
      const key = freshKey();
      await storage.put(key, streamOf(Buffer.from('old')), 'text/plain');
      const content = brokenStream(mib, (stream) => stream.destroy());
      await rejectionOf(storage.put(key, content, 'video/mp4'));
      expect((await read(key)).toString()).to.equal('old');
    });

    it('leaves one whole file of several that are put at once', async () => {
      const key = freshKey();
      const kept = await setup.countKept();
      const contents = Array.from({ length: 4 }, () => randomBytes(600 * kib));
      await Promise.all(contents.map((bytes) => storage.put(key, streamOf(bytes), 'image/png')));
      expect(contents.map(digest)).to.include(digest(await read(key)));
      await storage.remove(key);
      expect(await storage.get(key)).to.equal(null);
      expect(await setup.countKept()).to.equal(kept);
    });

    it('goes on after a reader who leaves in the middle', async () => {
      const [key, bytes] = [freshKey(), randomBytes(8 * mib)];
      await storage.put(key, streamOf(bytes), 'video/mp4');
      const file = await storage.get(key);
      for await (const piece of file?.content ?? []) {
        expect(piece.length).to.be.above(0);
        break;
      }
      expect((await read(key, { start: 0, end: 9 })).equals(bytes.subarray(0, 10))).to.equal(true);
    });
  });
}
