import { expect } from 'chai';
import fc from 'fast-check';
import { type Collection, startTestDatabase, type TestDatabase } from './support.ts';

describe('embedded-mongo: sorting by an index whose first fields have several values', () => {
  let database: TestDatabase;
  let things: Collection;
  let documents: { _id: number; group: number; tags: string[]; at: number }[];

  before(async () => {
    database = await startTestDatabase();
    things = database.collection();
    await things.createIndex({ group: 1, tags: 1, at: 1, _id: 1 });
    const tags = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 3 });
    const thing = fc.record({ group: fc.nat(9), tags, at: fc.nat(40) });
    documents = fc
      .sample(thing, { numRuns: 600, seed: 3 })
      .map((document, _id) => ({ _id, ...document, tags: [...document.tags] }));
    await things.insertMany(documents as never[]);
  });
  after(() => database.close());

  const groups = fc.uniqueArray(fc.nat(11), { minLength: 1, maxLength: 8 });
  const wantedTags = fc.uniqueArray(fc.constantFrom('a', 'b', 'x'), { minLength: 1 });
  const direction = fc.constantFrom<1 | -1>(1, -1);

  it('gives every document once and in order, in batches of any size and both directions', async () => {
    await fc.assert(
      fc.asyncProperty(
        groups,
        wantedTags,
        fc.record({ direction, below: fc.nat(45), batchSize: fc.integer({ min: 1, max: 300 }) }),
        async (inGroups, withTags, { direction: way, below, batchSize }) => {
          const found = await things
            .find(
              { group: { $in: inGroups }, tags: { $in: withTags }, at: { $lt: below } },
              { projection: { at: 1 }, batchSize },
            )
            .sort({ at: way, _id: way })
            .toArray();
          const expected = documents
            .filter(({ group, at }) => inGroups.includes(group) && at < below)
            .filter(({ tags }) => withTags.some((tag) => tags.includes(tag)))
            .sort((one, other) => way * (one.at - other.at || one._id - other._id))
            .map(({ _id, at }) => ({ _id, at }));
          expect(found).to.deep.equal(expected);
        },
      ),
      { numRuns: 150, seed: 5 },
    );
  });

  it('looks at no more than what it gives, however many match', async () => {
    const plan = await things
      .find({ group: { $in: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] }, tags: { $in: ['a', 'b'] } })
      .sort({ at: -1, _id: -1 })
      .limit(5)
      .explain();
    expect(plan.queryPlanner.winningPlan.stage).to.equal('SORT_MERGE');
    expect(plan.executionStats.nReturned).to.equal(5);
    expect(plan.executionStats.totalKeysExamined).to.be.below(11);
  });

  it('sorts in memory where the order is by a field of several values itself', async () => {
    const found = await things
      .find({ group: { $in: [3, 1] }, tags: 'a' })
      .sort({ group: -1, at: 1, _id: 1 })
      .toArray();
    const expected = documents
      .filter(({ group, tags }) => (group === 3 || group === 1) && tags.includes('a'))
      .sort((one, other) => other.group - one.group || one.at - other.at || one._id - other._id);
    expect(found).to.deep.equal(expected);
  });
});
