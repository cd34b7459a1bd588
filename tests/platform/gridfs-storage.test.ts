import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { expect } from 'chai';
import mongoose from 'mongoose';
import { asAppError } from '../../src/core/run-operation.ts';
import { startEmbeddedMongo } from '../../src/embedded-mongo/index.ts';
import { createDatabase } from '../../src/platform/database.ts';
import { createGridFsStorage } from '../../src/platform/file-storage/gridfs.store.ts';
import { temporaryDirectory } from '../embedded-mongo/support.ts';
import { freshDatabaseUri } from '../support/database.ts';

const chunkBytes = 255 * 1024;

async function openStorage(uri: string) {
  const database = createDatabase(uri);
  const storage = createGridFsStorage(database.connection);
  await database.open();
  return { database, storage };
}

const rejectionOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => expect.fail('it did not reject'),
    (error: unknown) => error,
  );

describe('file storage in GridFS', () => {
  it('has an index for files by key, and for chunks by file', async () => {
    const { database, storage } = await openStorage(freshDatabaseUri());
    const { connection } = database;
    await storage.put('k', Readable.from([Buffer.alloc(2 * chunkBytes)]), 'video/mp4');
    const [files, chunks] = [connection.collection('files.files'), connection.collection('files.chunks')];
    expect((await files.indexes()).map(({ key }) => key)).to.deep.equal([
      { _id: 1 },
      { filename: 1, uploadDate: 1 },
    ]);
    expect((await chunks.indexes()).map(({ key }) => key)).to.deep.equal([{ _id: 1 }, { files_id: 1, n: 1 }]);
    const file = await files.findOne({ filename: 'k' });
    expect(file).to.include({ length: 2 * chunkBytes, chunkSize: chunkBytes });
    await connection.dropDatabase();
    await database.close();
  });

  it('fails the stream when a part of the file is missing', async () => {
    const { database, storage } = await openStorage(freshDatabaseUri());
    await storage.put('k', Readable.from([Buffer.alloc(3 * chunkBytes)]), 'video/mp4');
    await database.connection.collection('files.chunks').deleteOne({ n: 2 });
    const file = await storage.get('k');
    expect(await rejectionOf(buffer(file?.content ?? Readable.from([])))).to.match(/incomplete/);
    await database.connection.dropDatabase();
    await database.close();
  });

  it('finds the parts of a file whose process was killed; one that arrives is left alone', async () => {
    const { database, storage } = await openStorage(freshDatabaseUri());
    const { connection } = database;
    const [files, chunks] = [connection.collection('files.files'), connection.collection('files.chunks')];
    for (const isKilled of [false, true]) {
      const content = new PassThrough();
      const kept = storage.put('k', content, 'video/mp4');
      content.write(Buffer.alloc(2 * chunkBytes));
      while ((await chunks.countDocuments()) < 2) await new Promise(setImmediate);
      expect(await storage.get('k')).to.equal(null);
      if (isKilled) await files.updateMany({}, { $set: { uploadDate: new Date(0) } });
      await storage.remove('k');
      expect([await files.countDocuments(), await chunks.countDocuments()]).to.deep.equal(
        isKilled ? [0, 0] : [1, 2],
      );
      content.end();
      await kept;
      expect((await storage.get('k'))?.size).to.equal(2 * chunkBytes);
      await storage.remove('k');
      expect(await files.countDocuments()).to.equal(0);
    }
    await connection.dropDatabase();
    await database.close();
  });

  it('rejects before the database is open', async () => {
    const database = createDatabase(freshDatabaseUri());
    const storage = createGridFsStorage(database.connection);
    const works = [storage.get('k'), storage.remove('k'), storage.put('k', Readable.from([]), 'a/b')];
    for (const failure of await Promise.all(works.map(rejectionOf))) {
      expect(database.isOutage(failure)).to.equal(true);
    }
  });

  it('rejects, and fails what is being read, when the database goes away', async () => {
    const { directory, remove } = await temporaryDirectory();
    const mongo = await startEmbeddedMongo({ directory });
    const { isOutage } = createDatabase(mongo.uri);
    // gives up sooner than the server would
    const options = { serverSelectionTimeoutMS: 200, autoIndex: false, autoCreate: false };
    const connection = await mongoose.createConnection(mongo.uri, options).asPromise();
    const storage = createGridFsStorage(connection);
    await storage.put('k', Readable.from([Buffer.alloc(4 * chunkBytes)]), 'video/mp4');
    const file = await storage.get('k');
    if (file === null) throw new Error('there is no such file');
    await once(file.content, 'readable');

    async function* pieces() {
      yield Buffer.alloc(2 * chunkBytes);
      await mongo.close();
      yield Buffer.alloc(2 * chunkBytes);
    }
    const interrupted = await rejectionOf(storage.put('other', Readable.from(pieces()), 'a/b'));
    const content = Readable.from([Buffer.alloc(chunkBytes), Buffer.alloc(chunkBytes)]);
    const works = [
      buffer(file.content),
      storage.put('k', content, 'a/b'),
      storage.get('k'),
      storage.remove('k'),
    ];
    const failures = [interrupted, ...(await Promise.all(works.map(rejectionOf)))];
    for (const failure of failures) {
      const problem = asAppError(failure, isOutage);
      expect(problem.code, inspect(failure)).to.equal('unavailable');
    }
    expect(content.destroyed).to.equal(true);
    await connection.close();
    await remove();
    // the driver tries for a while before it gives up
  }).timeout(60_000);
});
