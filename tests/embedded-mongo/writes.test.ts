import { expect } from 'chai';
import mongoose from 'mongoose';
import { failureOf, startTestDatabase, type TestDatabase } from './support.ts';

const { BSON, Double, Int32, Long, MongoBulkWriteError, ObjectId } = mongoose.mongo;

describe('embedded-mongo writes', () => {
  let database: TestDatabase;
  before(async () => {
    database = await startTestDatabase();
  });
  after(() => database.close());

  async function updated(document: object, update: object): Promise<unknown> {
    const things = database.collection();
    await things.insertOne({ _id: 1, ...document } as never);
    await things.updateOne({ _id: 1 } as never, update as never);
    const { _id, ...rest } = (await things.findOne({})) ?? {};
    return rest;
  }

  const cases: [string, object, object, object][] = [
    [
      '$set, also where nothing is yet',
      { a: 1 },
      { $set: { a: 2, 'b.c.d': 3 } },
      { a: 2, b: { c: { d: 3 } } },
    ],
    ['$set in arrays', { a: [1] }, { $set: { 'a.2': 3 } }, { a: [1, null, 3] }],
    [
      '$unset, leaving null in arrays',
      { a: 1, b: [1, 2], c: 1 },
      { $unset: { a: '', 'b.0': '', 'x.y': '' } },
      { b: [null, 2], c: 1 },
    ],
    [
      '$inc and $mul',
      { a: 1, b: 3 },
      { $inc: { a: 2, n: 5 }, $mul: { b: 2, z: 4 } },
      { a: 3, b: 6, n: 5, z: 0 },
    ],
    [
      '$min and $max',
      { a: 5, b: 5, c: 5, d: 5 },
      { $min: { a: 4, b: 6 }, $max: { c: 4, d: 6, e: 1 } },
      { a: 4, b: 5, c: 5, d: 6, e: 1 },
    ],
    ['$push', { a: [1] }, { $push: { a: 2, b: 1 } }, { a: [1, 2], b: [1] }],
    [
      '$push with $each, $sort, $slice and $position',
      { a: [5, 1], b: [1] },
      { $push: { a: { $each: [3], $sort: 1, $slice: -2 }, b: { $each: [8, 9], $position: 0 } } },
      { a: [3, 5], b: [8, 9, 1] },
    ],
    [
      '$addToSet',
      { a: [1, { b: 1 }] },
      { $addToSet: { a: { $each: [1, 2, { b: 1 }] } } },
      { a: [1, { b: 1 }, 2] },
    ],
    [
      '$pull by value, by condition and by document',
      { a: [1, 2, 3], b: [1, 5], c: [{ x: 1 }, { x: 2 }] },
      { $pull: { a: 2, b: { $gt: 2 }, c: { x: 1 } } },
      { a: [1, 3], b: [1], c: [{ x: 2 }] },
    ],
    [
      '$pullAll and $pop',
      { a: [1, 2, 1], b: [1, 2], c: [1, 2] },
      { $pullAll: { a: [1] }, $pop: { b: 1, c: -1 } },
      { a: [2], b: [1], c: [2] },
    ],
    ['$rename', { a: 1, b: 2 }, { $rename: { a: 'c.d', x: 'y' } }, { b: 2, c: { d: 1 } }],
    ['a replacement', { a: 1 }, { $set: {} }, { a: 1 }],
  ];
  for (const [what, document, update, expected] of cases) {
    it(`applies ${what}`, async () => {
      expect(await updated(document, update)).to.deep.equal(expected);
    });
  }

  it('appends new fields in the order of their paths', async () => {
    expect(
      Object.keys((await updated({ z: 1 }, { $set: { c: 1, a: 1 }, $inc: { b: 1 } })) as object),
    ).to.deep.equal(['z', 'a', 'b', 'c']);
  });

  it('keeps the types of numbers', async () => {
    const things = database.collection();
    await things.insertOne({
      d: new Double(1),
      l: Long.fromNumber(1),
      i: new Int32(2147483647),
      same: new Double(3),
    });
    await things.updateOne({}, { $inc: { d: 1, l: 1, i: 1 } });
    const raw = await things.findOne({}, { promoteValues: false });
    expect(raw?.d).to.be.instanceOf(Double);
    expect(raw?.l).to.be.instanceOf(Long);
    expect(raw?.i).to.be.instanceOf(Long);
    expect(raw?.same).to.be.instanceOf(Double);
    expect(raw?.i.toString()).to.equal('2147483648');
  });

  const failures: [string, object, object, number][] = [
    ['$inc of a text', { a: 'x' }, { $inc: { a: 1 } }, 14],
    ['$inc by a text', { a: 1 }, { $inc: { a: 'x' } }, 14],
    ['conflicting paths', {}, { $set: { a: 1 }, $inc: { 'a.b': 1 } }, 40],
    ['a path through a scalar', { a: 1 }, { $set: { 'a.b': 1 } }, 28],
    ['another _id', {}, { $set: { _id: 2 } }, 66],
    ['$push to a scalar', { a: 1 }, { $push: { a: 1 } }, 2],
    ['$pop of a scalar', { a: 1 }, { $pop: { a: 1 } }, 14],
    ['a positional path', { a: [1] }, { $set: { 'a.$[]': 1 } }, 9],
  ];
  for (const [what, document, update, code] of failures) {
    it(`refuses ${what} with code ${code}, changing nothing`, async () => {
      const things = database.collection();
      await things.insertOne({ _id: 1, ...document } as never);
      expect((await failureOf(things.updateOne({}, update as never))).code).to.equal(code);
      expect(await things.findOne({})).to.deep.equal({ _id: 1, ...document });
    });
  }

  it('upserts from the equalities of the filter, and $setOnInsert only then', async () => {
    const things = database.collection();
    const upsert = () =>
      things.updateOne(
        { a: 1, 'b.c': 2, d: { $gt: 3 } },
        { $setOnInsert: { e: 4, d: 5 }, $inc: { n: 1 } },
        { upsert: true },
      );
    expect((await upsert()).upsertedCount).to.equal(1);
    expect((await upsert()).modifiedCount).to.equal(1);
    const { _id, ...rest } = (await things.findOne({})) ?? {};
    expect(_id).to.be.instanceOf(ObjectId);
    expect(rest).to.deep.equal({ a: 1, b: { c: 2 }, d: 5, e: 4, n: 2 });
  });

  it('replaces documents, keeping their _id', async () => {
    const things = database.collection();
    await things.insertOne({ _id: 1, a: 1 } as never);
    await things.replaceOne({ a: 1 }, { b: 1 });
    expect(await things.findOne({})).to.deep.equal({ _id: 1, b: 1 });
    expect((await failureOf(things.replaceOne({ b: 1 }, { _id: 2 } as never))).code).to.equal(66);
  });

  it('updates and deletes many, telling matched from modified', async () => {
    const things = database.collection();
    await things.insertMany([{ a: 1 }, { a: 1, b: 1 }, { a: 2 }]);
    expect(await things.updateMany({ a: 1 }, { $set: { b: 1 } })).to.include({
      matchedCount: 2,
      modifiedCount: 1,
    });
    expect(await things.deleteMany({ a: 1 })).to.include({ deletedCount: 2 });
    expect(await things.estimatedDocumentCount()).to.equal(1);
  });

  it('finds and changes one document, before or after', async () => {
    const things = database.collection();
    await things.insertMany([
      { _id: 1, n: 1 },
      { _id: 2, n: 2 },
    ] as never[]);
    const options = { sort: { n: -1 }, projection: { _id: 0 } } as const;
    expect(await things.findOneAndUpdate({}, { $inc: { n: 10 } }, options)).to.deep.equal({ n: 2 });
    expect(
      await things.findOneAndUpdate({}, { $inc: { n: 10 } }, { ...options, returnDocument: 'after' }),
    ).to.deep.equal({ n: 22 });
    expect(await things.findOneAndDelete({ n: 1 })).to.deep.equal({ _id: 1, n: 1 });
    expect(await things.findOneAndUpdate({ n: 1 }, { $set: { m: 1 } })).to.equal(null);
    const created = await things.findOneAndUpdate(
      { k: 1 },
      { $set: { m: 1 } },
      { upsert: true, returnDocument: 'after' },
    );
    expect(created).to.include({ k: 1, m: 1 });
  });

  it('stops an ordered insertMany at the failing document', async () => {
    const things = database.collection();
    await things.createIndex({ a: 1 }, { unique: true });
    await things.insertOne({ a: 2 });
    const failure = await things.insertMany([{ a: 1 }, { a: 2 }, { a: 3 }]).catch((error: unknown) => error);
    if (!(failure instanceof MongoBulkWriteError)) throw failure;
    expect(failure.code).to.equal(11000);
    expect(failure.insertedCount).to.equal(1);
    expect([failure.writeErrors].flat().map(({ index, code }) => [index, code])).to.deep.equal([[1, 11000]]);
    expect(await things.countDocuments({ a: 3 })).to.equal(0);
    expect(await things.estimatedDocumentCount()).to.equal(2);
  });

  it('carries on with an unordered insertMany', async () => {
    const things = database.collection();
    const documents = [{ _id: 1 }, { _id: 1 }, { _id: 2 }, { _id: 2 }, { _id: 3 }] as never[];
    const failure = await things.insertMany(documents, { ordered: false }).catch((error: unknown) => error);
    if (!(failure instanceof MongoBulkWriteError)) throw failure;
    expect([failure.writeErrors].flat().map(({ index }) => index)).to.deep.equal([1, 3]);
    expect(await things.countDocuments()).to.equal(3);
  });

  it('words a duplicate key as mongod does', async () => {
    const things = database.collection();
    await things.createIndex({ name: 1, 'at.x': -1 }, { unique: true });
    await things.insertOne({ name: 'ann', at: { x: 1 } });
    const failure = await failureOf(things.insertOne({ name: 'ann', at: { x: 1 } }));
    expect(failure).to.deep.include({
      code: 11000,
      errmsg: `E11000 duplicate key error collection: parley.${things.collectionName} index: name_1_at.x_-1 dup key: { name: "ann", at.x: 1 }`,
    });
    expect([failure.keyPattern, failure.keyValue]).to.deep.equal([
      { name: 1, 'at.x': -1 },
      { name: 'ann', 'at.x': 1 },
    ]);
  });

  it('lets one of many racing writers have a unique key', async () => {
    const things = database.collection();
    await things.createIndex({ seat: 1 }, { unique: true });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, (_, who) => things.insertOne({ seat: 1, who })),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
    const upserts = await Promise.allSettled(
      Array.from({ length: 40 }, () => things.updateOne({ seat: 2 }, { $inc: { n: 1 } }, { upsert: true })),
    );
    expect(upserts.filter(({ status }) => status === 'rejected')).to.have.length(0);
    expect(await things.findOne({ seat: 2 })).to.include({ n: 40 });
  });

  it('keeps indexes and counts right when an update hits a unique key', async () => {
    const things = database.collection();
    await things.createIndex({ a: 1 }, { unique: true });
    await things.insertMany([
      { a: 1, b: 1 },
      { a: 2, b: 1 },
    ]);
    expect((await failureOf(things.updateOne({ a: 2 }, { $set: { a: 1 } }))).code).to.equal(11000);
    expect(await things.findOne({ a: 2 })).to.include({ b: 1 });
    expect(await things.countDocuments({ a: { $gte: 0 } })).to.equal(2);
  });

  it('stores files of chunks', async () => {
    const bucket = new mongoose.mongo.GridFSBucket(database.client.db(), { bucketName: 'files' });
    const content = Buffer.alloc(1_200_000, 'parley');
    const upload = bucket.openUploadStream('a.bin');
    upload.end(content);
    await new Promise((resolve, reject) => upload.once('finish', resolve).once('error', reject));
    const read: Buffer[] = [];
    for await (const chunk of bucket.openDownloadStream(upload.id)) read.push(chunk);
    expect(Buffer.concat(read).equals(content)).to.equal(true);
  });

  it('refuses documents above 16 MB and array ids', async () => {
    const things = database.collection();
    await things.insertOne({ _id: 1, a: 'x'.repeat(9_000_000) } as never);
    expect((await failureOf(things.updateOne({}, { $set: { b: 'x'.repeat(9_000_000) } }))).code).to.equal(
      10334,
    );
    expect((await failureOf(things.insertOne({ _id: [1] } as never))).code).to.equal(53);
    expect(BSON.calculateObjectSize((await things.findOne({})) ?? {})).to.be.below(9_100_000);
  });
});
