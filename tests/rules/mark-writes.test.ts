import { expect } from 'chai';
import { createMarkWrites } from '../../src/features/receipts/mark-writes.ts';
import { createTurns } from '../../src/platform/turns.ts';

describe('receipts: writes of marks', () => {
  /** Every write is done when the test says so, and answers the highest mark of its key. */
  function open() {
    const writes: { mark: string; seq: number; done(): void; fail(): void }[] = [];
    const reached = new Map<string, number>();
    const move = createMarkWrites({
      keyOf: ({ mark }: { mark: string; seq: number }) => mark,
      merge: (one, other) => ({ ...one, seq: Math.max(one.seq, other.seq) }),
      write: ({ mark, seq }) =>
        new Promise<number>((resolve, reject) => {
          const done = () => {
            reached.set(mark, Math.max(reached.get(mark) ?? 0, seq));
            resolve(reached.get(mark) ?? 0);
          };
          writes.push({ mark, seq, done, fail: () => reject(new Error('away')) });
        }),
      inTurn: createTurns(),
    });
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    return { writes, move, turn };
  }

  it('are one for all that comes while another is under way, and answer everybody', async () => {
    const { writes, move, turn } = open();
    const answers = [5, 3, 9, 7].map((seq) => move({ mark: 'read', seq }));
    await turn();
    expect(writes.map(({ seq }) => seq)).to.deep.equal([5]);
    writes[0]?.done();
    await turn();
    expect(writes.map(({ seq }) => seq)).to.deep.equal([5, 9]);
    const late = move({ mark: 'read', seq: 11 });
    writes[1]?.done();
    await turn();
    expect(writes.map(({ seq }) => seq)).to.deep.equal([5, 9, 11]);
    writes[2]?.done();
    expect(await Promise.all(answers)).to.deep.equal([5, 9, 9, 9]);
    expect(await late).to.equal(11);
  });

  it('of different marks do not wait for each other', async () => {
    const { writes, move, turn } = open();
    const both = [move({ mark: 'read', seq: 1 }), move({ mark: 'delivered', seq: 2 })];
    await turn();
    expect(writes.map(({ mark }) => mark)).to.have.members(['read', 'delivered']);
    for (const { done } of writes) done();
    expect(await Promise.all(both)).to.deep.equal([1, 2]);
  });

  it('fail for those who waited for them, and go on', async () => {
    const { writes, move, turn } = open();
    const first = move({ mark: 'read', seq: 1 });
    const next = [2, 3].map((seq) => move({ mark: 'read', seq }));
    await turn();
    writes[0]?.fail();
    expect(await first.catch((error: Error) => error.message)).to.equal('away');
    await turn();
    writes[1]?.done();
    expect(await Promise.all(next)).to.deep.equal([3, 3]);
  });
});
