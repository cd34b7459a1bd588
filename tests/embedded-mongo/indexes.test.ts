import { expect } from 'chai';
import mongoose from 'mongoose';
import { type Collection, failureOf, startTestDatabase, type TestDatabase } from './support.ts';

describe('embedded-mongo indexes', () => {
  let database: TestDatabase;
  before(async () => {
    database = await startTestDatabase({ sweepIntervalMs: 50 });
  });
  after(() => database.close());

  const explain = (things: Collection, filter: object, sort: Record<string, 1 | -1> = {}, limit = 0) =>
    things.find(filter).sort(sort).limit(limit).explain();

  it('reads a page of one conversation without scanning or sorting', async () => {
    const things = database.collection();
    await things.createIndex({ conversationId: 1, seq: 1 }, { unique: true });
    const documents = Array.from({ length: 5000 }, (_, n) => ({ conversationId: `c${n % 50}`, seq: n }));
    await things.insertMany(documents);
    const { queryPlanner, executionStats } = await explain(things, { conversationId: 'c7' }, { seq: -1 }, 20);
    expect(queryPlanner.winningPlan).to.deep.equal({ stage: 'IXSCAN', indexName: 'conversationId_1_seq_1' });
    expect(executionStats).to.include({ nReturned: 20, totalKeysExamined: 20, totalDocsExamined: 20 });
    const range = await explain(things, { conversationId: 'c7', seq: { $gt: 4900, $lt: 4990 } }, { seq: 1 });
    expect(range.executionStats.totalKeysExamined).to.equal(2);
  });

  it('unites the indexes of hundreds of alternatives', async () => {
    const things = database.collection();
    await things.createIndex({ conversationId: 1, seq: 1 });
    await things.insertMany(
      Array.from({ length: 3000 }, (_, n) => ({ conversationId: n % 600, seq: Math.floor(n / 600) })),
    );
    const $or = Array.from({ length: 500 }, (_, conversationId) => ({ conversationId, seq: { $gt: 2 } }));
    const { queryPlanner, executionStats } = await explain(things, { $or });
    expect(queryPlanner.winningPlan.stage).to.equal('OR');
    expect(executionStats).to.include({ nReturned: 1000, totalKeysExamined: 1000 });
    expect(
      await things.countDocuments({ $or: [{ conversationId: 1 }, { seq: { $gte: 0 }, conversationId: 1 }] }),
    ).to.equal(5);
  });

  it('uses partial and sparse indexes only where they hold every match', async () => {
    const things = database.collection();
    await things.createIndex(
      { email: 1 },
      { unique: true, partialFilterExpression: { email: { $type: 'string' } } },
    );
    await things.insertMany([{ n: 1 }, { n: 2 }, { email: 'a@b.c' }, { email: null }]);
    expect((await failureOf(things.insertOne({ email: 'a@b.c' }))).code).to.equal(11000);
    expect((await explain(things, { email: 'a@b.c' })).queryPlanner.winningPlan.stage).to.equal('IXSCAN');
    expect((await explain(things, { email: null })).queryPlanner.winningPlan.stage).to.equal('COLLSCAN');
    expect(await things.countDocuments({ email: null })).to.equal(3);
  });

  it('uses an index of what has a field where the query wants it to be there', async () => {
    const things = database.collection();
    await things.createIndex(
      { group: 1, order: 1 },
      { partialFilterExpression: { order: { $exists: true } } },
    );
    await things.insertMany([{ group: 1 }, { group: 1, order: null }, { group: 1, order: 'a' }]);
    const members = await explain(things, { group: 1, order: { $exists: true } }, { order: 1 });
    expect(members.queryPlanner.winningPlan.stage).to.equal('IXSCAN');
    expect(members.executionStats.nReturned).to.equal(2);
    for (const others of [{ group: 1 }, { group: 1, order: { $exists: false } }])
      expect((await explain(things, others)).queryPlanner.winningPlan.stage).to.equal('COLLSCAN');
  });

  it('holds an array under each of its members', async () => {
    const things = database.collection();
    await things.createIndex({ friendIds: 1, since: -1 });
    await things.insertMany(
      Array.from({ length: 100 }, (_, n) => ({ friendIds: [n % 5, 5 + (n % 3)], since: n })),
    );
    const found = await things.find({ friendIds: 6 }).sort({ since: -1 }).limit(3).toArray();
    expect(found.map(({ since }) => since)).to.deep.equal([97, 94, 91]);
    const { queryPlanner } = await explain(things, { friendIds: 6 }, { since: -1 });
    expect(queryPlanner.winningPlan.stage).to.equal('IXSCAN');
    expect((await failureOf(things.insertOne({ friendIds: [1], since: [1] }))).code).to.equal(171);
  });

  it('finds values too long for a key, and keeps them unique', async () => {
    const things = database.collection();
    await things.createIndex({ text: 1 }, { unique: true });
    const long = 'x'.repeat(3000);
    await things.insertMany([{ text: `${long}a` }, { text: `${long}b` }, { text: 'short' }]);
    expect((await failureOf(things.insertOne({ text: `${long}a` }))).code).to.equal(11000);
    expect(await things.countDocuments({ text: `${long}b` })).to.equal(1);
    expect(await things.countDocuments({ text: { $gt: `${long}a` } })).to.equal(1);
    const sorted = await things.find().sort({ text: -1 }).toArray();
    expect(sorted.map(({ text }) => text.at(-1))).to.deep.equal(['b', 'a', 't']);
  });

  it('builds an index on what is there, or fails leaving nothing', async () => {
    const things = database.collection();
    await things.insertMany([{ a: 1 }, { a: 1 }, { a: 2 }]);
    expect((await failureOf(things.createIndex({ a: 1 }, { unique: true }))).code).to.equal(11000);
    expect(await things.indexes()).to.have.length(1);
    await things.createIndex({ a: -1 });
    expect((await explain(things, { a: 1 })).executionStats).to.include({
      nReturned: 2,
      totalKeysExamined: 2,
    });
  });

  it('tells the same index from one that conflicts', async () => {
    const things = database.collection();
    await things.createIndex({ a: 1 });
    await things.createIndex({ a: 1 });
    expect((await failureOf(things.createIndex({ a: 1 }, { unique: true }))).code).to.equal(85);
    expect((await failureOf(things.createIndex({ b: 1 }, { name: 'a_1' }))).code).to.equal(86);
    expect((await failureOf(things.dropIndex('zzz'))).code).to.equal(27);
    expect((await failureOf(things.dropIndex('_id_'))).code).to.equal(72);
    expect((await failureOf(database.collection().indexes())).code).to.equal(26);
    await things.dropIndex('a_1');
    expect(await things.indexes()).to.deep.equal([{ v: 2, key: { _id: 1 }, name: '_id_' }]);
  });

  it('serves Mongoose models: createIndexes, syncIndexes, timestamps, versions', async () => {
    const connection = await mongoose.createConnection(database.mongo.uri, { autoIndex: false }).asPromise();
    const schema = new mongoose.Schema({ name: String, tags: [String] }, { timestamps: true });
    schema.index({ name: 1 }, { unique: true });
    const Thing = connection.model('Thing', schema);
    await Thing.createIndexes();
    await Thing.collection.createIndex({ old: 1 });
    expect(await Thing.syncIndexes()).to.deep.equal(['old_1']);
    const thing = await Thing.create({ name: 'one', tags: ['a'] });
    thing.tags.push('b');
    await thing.save();
    expect((await Thing.findOne({ tags: 'b' }).lean())?.name).to.equal('one');
    const failure = await Thing.create({ name: 'one' }).catch((error: unknown) => error);
    expect(failure).to.include({ code: 11000 });
    await connection.dropDatabase();
    await connection.close();
  });

  it('removes what has expired, and only that', async () => {
    const things = database.collection();
    await things.createIndex({ at: 1 }, { expireAfterSeconds: 60 });
    const old = new Date(Date.now() - 61_000);
    const expired = Array.from({ length: 1100 }, () => ({ at: old }));
    await things.insertMany([...expired, { at: new Date() }, { at: 'never' }, {}]);
    let left = Number.POSITIVE_INFINITY;
    while (left > 3) left = await things.countDocuments();
    expect(left).to.equal(3);
    expect(await things.estimatedDocumentCount()).to.equal(3);
  });
});
