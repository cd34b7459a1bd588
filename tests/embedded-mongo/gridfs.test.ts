import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { expect } from 'chai';
import mongoose from 'mongoose';
import { failureOf, startTestDatabase, type TestDatabase } from './support.ts';

const { GridFSBucket, MongoClient, ObjectId } = mongoose.mongo;

const chunkBytes = 255 * 1024;
const mib = 1024 * 1024;

describe("embedded-mongo under the driver's GridFS", () => {
  let database: TestDatabase;
  let buckets = 0;
  before(async () => {
    database = await startTestDatabase();
  });
  after(() => database.close());

  function bucketOf(client = database.client) {
    const bucketName = `bucket${++buckets}`;
    const db = client.db();
    return {
      bucket: new GridFSBucket(db, { bucketName }),
      files: db.collection(`${bucketName}.files`),
      chunks: db.collection(`${bucketName}.chunks`),
    };
  }
  type Bucket = ReturnType<typeof bucketOf>['bucket'];

  async function upload(bucket: Bucket, name: string, bytes: Buffer) {
    const stream = bucket.openUploadStream(name, { metadata: { mimeType: 'video/mp4' } });
    await pipeline(Readable.from([bytes]), stream);
    return stream.id;
  }

  it('keeps a file that takes more than one reply to give back', async () => {
    const { bucket, chunks } = bucketOf();
    const bytes = randomBytes(40 * mib + 1);
    const id = await upload(bucket, 'film', bytes);
    expect(await chunks.countDocuments({ files_id: id })).to.equal(Math.ceil(bytes.length / chunkBytes));
    expect((await buffer(bucket.openDownloadStream(id))).equals(bytes)).to.equal(true);
    expect((await buffer(bucket.openDownloadStreamByName('film'))).equals(bytes)).to.equal(true);
  });

  it('gives parts of a file', async () => {
    const { bucket } = bucketOf();
    const bytes = randomBytes(3 * chunkBytes);
    const id = await upload(bucket, 'song', bytes);
    const ranges = [
      [0, 1],
      [chunkBytes - 1, chunkBytes + 1],
      [chunkBytes, 2 * chunkBytes],
      [5, 3 * chunkBytes],
    ] as const;
    for (const [start, end] of ranges) {
      const part = await buffer(bucket.openDownloadStream(id, { start, end }));
      expect(part.equals(bytes.subarray(start, end)), `${start}-${end}`).to.equal(true);
    }
  });

  it('makes the indexes that the driver asks for, once, and holds them', async () => {
    const client = await new MongoClient(database.mongo.uri, { monitorCommands: true }).connect();
    const commands: string[] = [];
    client.on('commandStarted', ({ commandName }) => commands.push(commandName));
    const { bucket, files, chunks } = bucketOf(client);
    const id = await upload(bucket, 'empty', Buffer.alloc(0));
    expect(commands).to.deep.equal([
      'find',
      'listIndexes',
      'createIndexes',
      'listIndexes',
      'createIndexes',
      'insert',
    ]);
    const listed = [...(await files.indexes()), ...(await chunks.indexes())];
    expect(listed.map(({ key, unique = false }) => ({ key, unique }))).to.deep.equal([
      { key: { _id: 1 }, unique: false },
      { key: { filename: 1, uploadDate: 1 }, unique: false },
      { key: { _id: 1 }, unique: false },
      { key: { files_id: 1, n: 1 }, unique: true },
    ]);
    expect((await buffer(bucket.openDownloadStream(id))).length).to.equal(0);
    await chunks.insertOne({ files_id: id, n: 0 });
    expect((await failureOf(chunks.insertOne({ files_id: id, n: 0 }))).code).to.equal(11000);
    await client.close();
  });

  it('finds, renames and deletes files, and forgets what is given up', async () => {
    const { bucket, files, chunks } = bucketOf();
    const [first, second] = [
      await upload(bucket, 'a', randomBytes(9)),
      await upload(bucket, 'a', randomBytes(99)),
    ];
    const found = await bucket.find({ filename: 'a' }).sort({ length: -1 }).toArray();
    expect(found.map(({ _id, length, chunkSize }) => ({ _id, length, chunkSize }))).to.deep.equal([
      { _id: second, length: 99, chunkSize: chunkBytes },
      { _id: first, length: 9, chunkSize: chunkBytes },
    ]);
    expect(found[0]).to.deep.include({ filename: 'a', metadata: { mimeType: 'video/mp4' } });
    await bucket.rename(first, 'b');
    expect(await files.countDocuments({ filename: 'b' })).to.equal(1);
    await bucket.delete(second);
    expect(await chunks.distinct('files_id')).to.deep.equal([first]);
    const missing = await bucket.delete(new ObjectId()).catch((error: Error) => error.message);
    expect(missing).to.match(/File not found/);

    const aborted = bucket.openUploadStream('c');
    await new Promise((resolve) => aborted.write(randomBytes(2 * chunkBytes), resolve));
    expect(await chunks.countDocuments({ files_id: aborted.id })).to.equal(2);
    await aborted.abort();
    expect(await chunks.countDocuments({ files_id: aborted.id })).to.equal(0);
    await bucket.drop();
    expect(await files.estimatedDocumentCount()).to.equal(0);
  });
});
