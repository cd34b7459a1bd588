import { expect } from 'chai';
import fc from 'fast-check';
import mongoose from 'mongoose';
import { type Collection, startTestDatabase, type TestDatabase } from './support.ts';

const { Binary, ObjectId } = mongoose.mongo;

describe('embedded-mongo query plans', () => {
  let database: TestDatabase;
  before(async () => {
    database = await startTestDatabase();
  });
  after(() => database.close());

  const scalar = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.constantFrom('', 'a', 'ab', 'b', null, true, false, 1.5, new Date(0), new Date(5)),
    fc.constantFrom(new ObjectId('507f1f77bcf86cd799439011'), new Binary(Buffer.of(1, 2))),
  );
  const value = fc.oneof(
    { weight: 4, arbitrary: scalar },
    { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  );
  const thing = fc.record({ a: value, b: scalar, c: scalar }, { requiredKeys: [] });
  const condition = fc.oneof(
    scalar,
    fc.record({ $in: fc.array(scalar, { maxLength: 4 }) }),
    fc
      .tuple(fc.constantFrom('$gt', '$gte', '$lt', '$lte', '$ne'), scalar)
      .map(([name, operand]) => ({ [name]: operand })),
    fc.tuple(scalar, scalar).map(([$gte, $lt]) => ({ $gte, $lt })),
    fc.boolean().map(($exists) => ({ $exists })),
  );
  const clause = fc.record({ a: condition, b: condition, c: condition }, { requiredKeys: [] });
  const filter = fc.oneof(
    clause,
    fc.array(clause, { minLength: 1, maxLength: 4 }).map(($or) => ({ $or })),
  );
  const direction = fc.constantFrom<1 | -1>(1, -1);
  const sort = fc.oneof(fc.constant(undefined), fc.tuple(fc.constantFrom('a', 'b', 'c'), direction));

  it('finds through any index what a full scan finds, in the same order', async () => {
    const indexed = database.collection();
    const plain: Collection = database.collection();
    await indexed.createIndexes([
      { key: { a: 1, b: -1 } },
      { key: { b: -1, c: 1 } },
      { key: { c: 1 }, name: 'partial', partialFilterExpression: { c: { $gt: 0 } } },
      { key: { b: 1 }, name: 'sparse', sparse: true },
      { key: { c: -1, a: 1 }, name: 'present', partialFilterExpression: { a: { $exists: true } } },
    ]);
    const documents = fc
      .sample(thing, { numRuns: 150, seed: 7 })
      .map((document, _id) => ({ _id, ...document }));
    for (const things of [indexed, plain]) await things.insertMany(documents as never[]);
    for (const [_id, changed] of fc.sample(fc.tuple(fc.nat(149), thing), { numRuns: 80, seed: 5 })) {
      for (const things of [indexed, plain]) {
        if (_id % 10 === 0) await things.deleteOne({ _id } as never);
        else
          await things.updateOne({ _id } as never, { $set: { touched: 1, ...changed }, $unset: { d: '' } });
      }
    }
    await fc.assert(
      fc.asyncProperty(filter, sort, async (wanted, order) => {
        const ids = async (things: Collection) => {
          const found = things.find(wanted, { projection: { _id: 1 } });
          const sorted = order === undefined ? found.sort({ _id: 1 }) : found.sort([order, ['_id', 1]]);
          return (await sorted.toArray()).map(({ _id }) => _id);
        };
        expect(await ids(indexed)).to.deep.equal(await ids(plain));
      }),
      { numRuns: 250, seed: 11 },
    );
  });
});
