import { expect } from 'chai';
import fc from 'fast-check';
import { type Collection, failureOf, startTestDatabase, type TestDatabase } from './support.ts';

describe('embedded-mongo index entries', () => {
  let database: TestDatabase;
  before(async () => {
    database = await startTestDatabase();
  });
  after(() => database.close());

  /** How many entries an index has in all. */
  async function entryCount(things: Collection, hint: Record<string, 1 | -1>): Promise<number> {
    const { executionStats } = await things.find({}).hint(hint).explain();
    return executionStats.totalKeysExamined;
  }

  const member = fc.oneof(
    fc.constantFrom(1, 2, 'a', 'b', null, 'x'.repeat(1000), `${'x'.repeat(1200)}1`, `${'x'.repeat(1200)}2`),
    fc.array(fc.constantFrom(1, 'a'), { maxLength: 2 }),
    fc.record({ at: fc.constantFrom(1, 2) }),
  );
  const field = fc.oneof(member, fc.array(member, { maxLength: 4 }));
  const thing = fc.record({ a: field, b: field, kind: fc.constantFrom('x', 'y') }, { requiredKeys: [] });
  const bothArrays = ({ a, b }: { a?: unknown; b?: unknown }) => Array.isArray(a) && Array.isArray(b);
  const hints: Record<string, 1 | -1>[] = [{ a: 1, b: -1 }, { 'a.at': -1 }, { b: -1, a: 1, _id: -1 }];

  it('find what a scan finds, whatever was written, and go with their documents', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(thing, thing), { minLength: 1, maxLength: 6 }), async (pairs) => {
        const [indexed, plain] = [database.collection(), database.collection()];
        await indexed.createIndexes(hints.map((key) => ({ key })));
        await indexed.createIndex({ kind: 1, a: -1 }, { partialFilterExpression: { kind: 'x' } });
        const valid = pairs.filter((pair) => !pair.some(bothArrays));
        for (const [_id, [before, after]] of valid.entries()) {
          for (const things of [indexed, plain]) {
            await things.insertOne({ _id, ...before } as never);
            await things.replaceOne({ _id: _id as never }, after);
          }
        }
        for (const value of [1, 'a', null, `${'x'.repeat(1200)}2`, [], [1], { at: 1 }]) {
          for (const filter of [{ a: value }, { b: value }, { 'a.at': value }, { kind: 'x', a: value }]) {
            const matches = (things: Collection) => things.find(filter).sort({ _id: 1 }).toArray();
            expect(await matches(indexed)).to.deep.equal(await matches(plain));
          }
        }
        await indexed.deleteMany({});
        for (const hint of hints) expect(await entryCount(indexed, hint)).to.equal(0);
      }),
      { numRuns: 40, seed: 11 },
    );
  });

  it('are one for members that repeat, and all gone when one of them is taken', async () => {
    const things = database.collection();
    await things.createIndex({ names: 1 }, { unique: true });
    await things.createIndex({ tags: 1, at: -1 });
    await things.insertOne({ names: ['a', 'b', 'a'], tags: ['t', 'u', 't'], at: 1 });
    expect(await entryCount(things, { names: 1 })).to.equal(2);
    expect(await entryCount(things, { tags: 1, at: -1 })).to.equal(2);
    const result = await things
      .insertMany([{ names: ['c', 'b'] }, { names: ['d'] }, { names: ['e', 'a'] }], { ordered: false })
      .catch((error) => error);
    expect(result.code).to.equal(11000);
    expect(result.writeErrors.map(({ index }: { index: number }) => index)).to.deep.equal([0, 2]);
    expect(await entryCount(things, { names: 1 })).to.equal(3);
    await things.insertOne({ names: ['c', 'e'] });
    expect(await things.countDocuments({ names: 'c' })).to.equal(1);
  });

  it('are the same for the same members after a long value, in whatever order', async () => {
    const things = database.collection();
    await things.createIndex({ text: 1, tags: 1 }, { unique: true });
    const text = 'x'.repeat(1200);
    await things.insertOne({ text, tags: ['a', 'b'] });
    expect(await entryCount(things, { text: 1, tags: 1 })).to.equal(2);
    for (const tag of ['a', 'b']) {
      expect((await failureOf(things.insertOne({ text, tags: tag }))).code).to.equal(11000);
      expect((await failureOf(things.insertOne({ text, tags: ['c', tag] }))).code).to.equal(11000);
    }
    await things.insertOne({ text, tags: 'c' });
  });

  it('stay as they were when the second of two unique keys is taken', async () => {
    const things = database.collection();
    await things.createIndex({ a: 1 }, { unique: true });
    await things.createIndex({ b: 1 }, { unique: true });
    await things.insertMany([
      { a: 1, b: 1 },
      { a: 2, b: 2 },
    ]);
    expect((await failureOf(things.insertOne({ a: 3, b: 1 }))).code).to.equal(11000);
    expect((await failureOf(things.updateOne({ a: 2 }, { $set: { a: 3, b: 1 } }))).code).to.equal(11000);
    expect(await things.findOne({ a: 2 })).to.include({ b: 2 });
    await things.insertOne({ a: 3, b: 3 });
    expect(await things.find({ a: { $gte: 0 } }).toArray()).to.have.length(3);
    expect(await things.find({ b: { $gte: 0 } }).toArray()).to.have.length(3);
  });
});
