import { expect } from 'chai';
import fc from 'fast-check';
import { createOwnCounts } from '../../src/features/messages/own-counts.ts';

const conversationId = 'a'.repeat(24);

describe('messages: counts of what somebody has written', () => {
  /** A log in which every second message is theirs, and how many entries were looked at. */
  function open() {
    const looked: number[] = [];
    const between = (aboveSeq: number, upToSeq: number) => Math.floor(upToSeq / 2) - Math.floor(aboveSeq / 2);
    const count = createOwnCounts(async (_userId, stretches) => {
      looked.push(...stretches.map(({ aboveSeq, upToSeq }) => upToSeq - aboveSeq));
      return new Map(
        stretches.map((stretch) => [stretch.conversationId, between(stretch.aboveSeq, stretch.upToSeq)]),
      );
    });
    const ask = async (userId: string, aboveSeq: number, upToSeq: number) => {
      const stretch = { conversationId, aboveSeq, upToSeq, messageCount: upToSeq - aboveSeq };
      return (await count(userId, [stretch])).get(conversationId);
    };
    return { ask, looked, between };
  }

  it('are right whoever asks for whichever part, in any order', async () => {
    const part = fc.record({
      userId: fc.constantFrom('ann', 'bob'),
      aboveSeq: fc.constantFrom(0, 1, 300),
      length: fc.nat(900),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 30 }), async (parts) => {
        const { ask, between } = open();
        for (const { userId, aboveSeq, length } of parts)
          expect(await ask(userId, aboveSeq, aboveSeq + length)).to.equal(
            between(aboveSeq, aboveSeq + length),
          );
      }),
    );
  });

  it('look only at what came since, where much was written', async () => {
    const { ask, looked } = open();
    expect(await ask('ann', 0, 5000)).to.equal(2500);
    expect(await ask('ann', 0, 5000)).to.equal(2500);
    expect(await ask('ann', 0, 5004)).to.equal(2502);
    expect(looked).to.deep.equal([5000, 4]);
    expect(await ask('ann', 5000, 5004)).to.equal(2);
  });
});
