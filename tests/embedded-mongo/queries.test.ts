import { expect } from 'chai';
import mongoose from 'mongoose';
import { failureOf, startTestDatabase, type TestDatabase } from './support.ts';

const { Binary, Double, Int32, Long, MaxKey, MinKey, ObjectId } = mongoose.mongo;

describe('embedded-mongo queries', () => {
  let database: TestDatabase;
  before(async () => {
    database = await startTestDatabase();
  });
  after(() => database.close());

  async function matching(documents: object[], filter: object): Promise<unknown[]> {
    const things = database.collection();
    await things.insertMany(documents.map((document, _id) => ({ _id, ...document })) as never[]);
    return (await things.find(filter).sort({ _id: 1 }).toArray()).map(({ _id }) => _id);
  }

  const cases: [string, object[], object, number[]][] = [
    [
      'numbers across their types',
      [{ a: new Int32(2) }, { a: new Double(2) }, { a: Long.fromNumber(2) }, { a: '2' }],
      { a: 2 },
      [0, 1, 2],
    ],
    [
      'null as null or missing',
      [{ a: null }, {}, { a: 0 }, { a: [null] }, { a: [] }],
      { a: null },
      [0, 1, 3],
    ],
    ['members of arrays and the array', [{ a: [1, 2] }, { a: 1 }, { a: [[1, 2]] }], { a: [1, 2] }, [0, 2]],
    [
      "only values of the operand's type",
      [{ a: 1 }, { a: 'x' }, { a: null }, {}, { a: new Date() }],
      { a: { $gt: 0 } },
      [0],
    ],
    [
      'ranges by different members of an array',
      [{ a: [1, 10] }, { a: [5] }, { a: 4 }],
      { a: { $gt: 4, $lt: 6 } },
      [0, 1],
    ],
    ['ranges by one member', [{ a: [1, 10] }, { a: [5] }], { a: { $elemMatch: { $gt: 4, $lt: 6 } } }, [1]],
    [
      'documents in arrays',
      [
        {
          a: [
            { b: 1, c: 2 },
            { b: 2, c: 1 },
          ],
        },
        { a: [{ b: 1, c: 1 }] },
      ],
      { a: { $elemMatch: { b: 1, c: 1 } } },
      [1],
    ],
    [
      'paths through arrays',
      [{ a: [{ b: 1 }, { b: 2 }] }, { a: { b: 2 } }, { a: [[{ b: 2 }]] }],
      { 'a.b': 2 },
      [0, 1],
    ],
    ['positions', [{ a: [5, 6] }, { a: [6, 5] }, { a: { 1: 6 } }, { a: [0, [6]] }], { 'a.1': 6 }, [0, 2]],
    [
      'no scalar in an array as a missing field',
      [{ a: [1] }, { a: 1 }, { a: [{}] }, { a: [] }],
      { 'a.b': null },
      [1, 2],
    ],
    ['not equal means no member equal', [{ a: [1, 2] }, { a: 2 }, {}], { a: { $ne: 1 } }, [1, 2]],
    ['all of a list', [{ a: [1, 2, 3] }, { a: [1] }, { a: 1 }], { a: { $all: [1, 2] } }, [0]],
    ['sizes', [{ a: [] }, { a: [1, 2] }, { a: 2 }], { a: { $size: 2 } }, [1]],
    [
      'types, also of members',
      [{ a: 'x' }, { a: ['x'] }, { a: 1 }, { a: [] }],
      { a: { $type: ['string', 'int'] } },
      [0, 1, 2],
    ],
    ['existence', [{ a: null }, {}, { a: [] }], { a: { $exists: true } }, [0, 2]],
    ['none of several', [{ a: 1 }, { b: 1 }, {}], { $nor: [{ a: 1 }, { b: 1 }] }, [2]],
    ['the contrary', [{ a: 1 }, { a: 5 }, {}, { a: 'x' }], { a: { $not: { $gt: 2 } } }, [0, 2, 3]],
    [
      'binary data by its bytes',
      [{ a: new Binary(Buffer.of(0xff)) }, { a: new Binary(Buffer.of(0xfe)) }],
      { a: new Binary(Buffer.of(0xfe)) },
      [1],
    ],
    [
      'documents with their fields in order',
      [{ a: { b: 1, c: 2 } }, { a: { c: 2, b: 1 } }],
      { a: { b: 1, c: 2 } },
      [0],
    ],
    ['nothing in an empty list', [{ a: 1 }], { a: { $in: [] } }, []],
  ];
  for (const [what, documents, filter, expected] of cases) {
    it(`matches ${what}`, async () => {
      expect(await matching(documents, filter)).to.deep.equal(expected);
    });
  }

  it('returns documents as they were stored, types and order of fields included', async () => {
    const things = database.collection();
    const stored = {
      _id: 1,
      2: 'two',
      1: 'one',
      d: new Double(3),
      l: Long.fromNumber(4),
      n: null,
      bin: new Binary(Buffer.of(1), 4),
    };
    await things.insertOne(stored as never);
    const raw = await things.findOne({}, { promoteValues: false, promoteBuffers: false });
    expect(raw?.d).to.be.instanceOf(Double);
    expect(raw?.l).to.be.instanceOf(Long);
    expect(raw?.bin.sub_type).to.equal(4);
  });

  it("sorts all types in MongoDB's order, text by its UTF-8", async () => {
    const things = database.collection();
    const ordered = [
      new MinKey(),
      null,
      -1.5,
      0,
      7,
      '',
      'a',
      'z',
      '\uffee',
      '\u{1f600}',
      { a: 1 },
      new Binary(Buffer.of(1)),
      new ObjectId('507f1f77bcf86cd799439011'),
      false,
      true,
      new Date(0),
      new MaxKey(),
    ];
    const documents = ordered.map((value, rank) => ({ rank, value })).reverse();
    await things.insertMany(documents);
    const ranks = async () => (await things.find().sort({ value: 1 }).toArray()).map(({ rank }) => rank);
    expect(await ranks()).to.deep.equal(ordered.map((_, rank) => rank));
    await things.createIndex({ value: 1 });
    expect(await ranks()).to.deep.equal(ordered.map((_, rank) => rank));
  });

  it('projects fields in and out, also within arrays', async () => {
    const things = database.collection();
    await things.insertOne({ _id: 1, a: [{ b: 1, c: 2 }, 5], d: { e: 1, f: 2 }, g: 3 } as never);
    const project = (projection: object) => things.findOne({}, { projection: projection as never });
    expect(await project({ 'a.b': 1, 'd.e': 1 })).to.deep.equal({ _id: 1, a: [{ b: 1 }], d: { e: 1 } });
    expect(await project({ 'a.b': 0, d: 0, _id: 0 })).to.deep.equal({ a: [{ c: 2 }, 5], g: 3 });
    expect(await project({ _id: 1 })).to.deep.equal({ _id: 1 });
    expect((await failureOf(project({ a: 1, g: 0 }))).message).to.include('projection');
  });

  it('keeps its place over batches while others write', async () => {
    const things = database.collection();
    await things.createIndex({ a: 1 });
    await things.insertMany(Array.from({ length: 60 }, (_, a) => ({ a: a * 2 })));
    for (const direction of [1, -1] as const) {
      const cursor = things
        .find({ a: { $gte: 0 }, gone: null })
        .sort({ a: direction })
        .batchSize(7);
      const seen: number[] = [];
      for await (const { a } of cursor) {
        seen.push(a);
        await things.deleteOne({ a: a + 1 });
        await things.updateOne({ a }, { $set: { touched: true } });
        await things.insertOne({ a: a + 1 });
      }
      const even = seen.filter((a) => a % 2 === 0);
      expect(even).to.deep.equal([...new Set(seen)].filter((a) => a % 2 === 0));
      expect(even).to.have.length(60);
      await things.deleteMany({ a: { $in: Array.from({ length: 60 }, (_, a) => a * 2 + 1) } });
    }
  });

  it('names a cursor that is gone', async () => {
    const things = database.collection();
    await things.insertMany(Array.from({ length: 10 }, () => ({})));
    const db = database.client.db();
    const { cursor } = await db.command(
      { find: things.collectionName, batchSize: 2 },
      { promoteLongs: false },
    );
    await db.command({ killCursors: things.collectionName, cursors: [cursor.id] });
    const failure = await failureOf(db.command({ getMore: cursor.id, collection: things.collectionName }));
    expect(failure.code).to.equal(43);
  });

  it('lists distinct values, members of arrays one by one', async () => {
    const things = database.collection();
    await things.insertMany([{ a: 1 }, { a: [1, 2] }, { a: 'x' }, {}, { a: { b: 1 } }]);
    expect(await things.distinct('a')).to.have.deep.members([1, 2, 'x', { b: 1 }]);
    expect(await things.distinct('a', { a: 2 })).to.deep.equal([1, 2]);
  });

  it('counts, groups and unwinds', async () => {
    const things = database.collection();
    const ids = [new ObjectId(), new ObjectId()];
    await things.insertMany(
      Array.from({ length: 30 }, (_, n) => ({ n, owner: ids[n % 2], tags: ['a', 'b'] })),
    );
    expect(await things.countDocuments({ n: { $gte: 10 } })).to.equal(20);
    expect(await things.countDocuments({ n: { $gte: 10 } }, { skip: 5, limit: 10 })).to.equal(10);
    expect(await things.countDocuments({ n: -1 })).to.equal(0);
    expect(await things.estimatedDocumentCount()).to.equal(30);
    const grouped = await things
      .aggregate([
        { $match: { n: { $lt: 20 } } },
        { $group: { _id: '$owner', count: { $sum: 1 }, top: { $max: '$n' } } },
        { $sort: { top: -1 } },
      ])
      .toArray();
    expect(grouped).to.deep.equal([
      { _id: ids[1], count: 10, top: 19 },
      { _id: ids[0], count: 10, top: 18 },
    ]);
    const tags = await things
      .aggregate([{ $unwind: '$tags' }, { $match: { tags: 'a' } }, { $count: 'n' }])
      .toArray();
    expect(tags).to.deep.equal([{ n: 30 }]);
  });

  it('counts by the values of a field: equal numbers together, null for what is missing', async () => {
    const things = database.collection();
    const id = new ObjectId();
    const values = [1, new Double(1), Long.fromNumber(1), '1', id, id, [1], [1], null, { a: 1 }];
    await things.insertMany([...values.map((value) => ({ value })), {}]);
    const grouped = await things.aggregate([{ $group: { _id: '$value', n: { $sum: 1 } } }]).toArray();
    expect(grouped).to.have.deep.members([
      { _id: 1, n: 3 },
      { _id: '1', n: 1 },
      { _id: id, n: 2 },
      { _id: [1], n: 2 },
      { _id: null, n: 2 },
      { _id: { a: 1 }, n: 1 },
    ]);
    const none = things.aggregate([{ $match: { value: 9 } }, { $group: { _id: '$value', n: { $sum: 1 } } }]);
    expect(await none.toArray()).to.deep.equal([]);
    await things.createIndex({ value: 1 });
    const some = [{ $match: { $or: [{ value: { $gt: 0 } }, { value: '1' }] } }];
    const counted = await things
      .aggregate([...some, { $group: { _id: '$value', n: { $sum: 1 } } }])
      .toArray();
    expect(counted).to.have.deep.members([
      { _id: 1, n: 3 },
      { _id: '1', n: 1 },
      { _id: [1], n: 2 },
    ]);
  });

  it('refuses to compute with numbers it has no exact value for', async () => {
    const things = database.collection();
    await things.insertMany([{ n: 1 }, { n: Long.fromString('9007199254740993') }]);
    const failure = await failureOf(
      things.aggregate([{ $group: { _id: null, sum: { $sum: '$n' } } }]).toArray(),
    );
    expect(failure.message).to.include('Long');
    const unknown = await failureOf(
      things.aggregate([{ $match: { n: 1 } }, { $project: { a: { $nonsense: 1 } } }]).toArray(),
    );
    expect(unknown.message).to.include('$nonsense');
  });
});
