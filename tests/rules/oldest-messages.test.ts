import { expect } from 'chai';
import fc from 'fast-check';
import type { Entry } from '../../src/features/messages/messages.rules.ts';
import { createOldestMessages, type Stretch } from '../../src/features/messages/oldest-messages.ts';

/** An entry of a log: its sender, and how much later than the one below it. */
const step = fc.record({ isPeer: fc.boolean(), laterMs: fc.integer({ min: 0, max: 5 }) });
const logs = fc.array(fc.array(step, { minLength: 1, maxLength: 60 }), { maxLength: 30 });

const idOf = (index: number) => index.toString(16).padStart(24, '0');

function toLog(steps: readonly { isPeer: boolean; laterMs: number }[], index: number): Entry[] {
  let at = 0;
  return steps.map(({ isPeer, laterMs }, below) => {
    at += laterMs;
    return {
      id: `${index}-${below + 1}`,
      conversationId: idOf(index),
      seq: below + 1,
      messageCount: below + 1,
      lowCount: 0,
      type: 'private',
      senderId: isPeer ? 'peer' : 'me',
      receiverId: isPeer ? 'me' : 'peer',
      clientMessageId: null,
      requestHash: '',
      contentType: 'text',
      content: '',
      rev: 1,
      createdAt: new Date(at),
    };
  });
}

function stretchOf(log: readonly Entry[], aboveSeq: number): Stretch {
  const messages = log.filter(({ seq, senderId }) => seq > aboveSeq && senderId === 'peer');
  return {
    conversationId: log[0]?.conversationId ?? '',
    senderId: 'peer',
    aboveSeq,
    uptoSeq: log.length,
    messageCount: messages.length,
  };
}

/** A store that counts what is read of it. */
function storeOf(all: readonly Entry[]) {
  const reads: number[] = [];
  return {
    reads,
    async findWithin(parts: readonly { conversationId: string; aboveSeq: number; uptoSeq: number }[]) {
      const found = all.filter(({ conversationId, seq }) =>
        parts.some(
          (part) => part.conversationId === conversationId && seq > part.aboveSeq && seq <= part.uptoSeq,
        ),
      );
      reads.push(found.length);
      return found.reverse();
    },
  };
}

describe('the oldest messages over several logs', () => {
  it('are those of the peers above the marks, in their order of time and place, as many as wanted', async () => {
    await fc.assert(
      fc.asyncProperty(logs, fc.nat(20), fc.integer({ min: 1, max: 40 }), async (steps, mark, limit) => {
        const entries = steps.map(toLog);
        const stretches = entries.map((log) => stretchOf(log, Math.min(mark, log.length)));
        const store = storeOf(entries.flat());
        const oldest = await createOldestMessages(store)(stretches, limit);
        const wanted = entries
          .flatMap((log) => log.filter(({ seq, senderId }) => seq > mark && senderId === 'peer'))
          .sort(
            (one, other) =>
              one.createdAt.getTime() - other.createdAt.getTime() ||
              one.conversationId.localeCompare(other.conversationId) ||
              one.seq - other.seq,
          );
        expect(oldest.map(({ createdAt }) => createdAt)).to.deep.equal(
          wanted.slice(0, limit).map(({ createdAt }) => createdAt),
        );
        for (const conversationId of new Set(oldest.map((message) => message.conversationId))) {
          const seqs = oldest.filter((message) => message.conversationId === conversationId);
          expect(seqs.map(({ seq }) => seq)).to.deep.equal(
            wanted
              .filter((entry) => entry.conversationId === conversationId)
              .slice(0, seqs.length)
              .map(({ seq }) => seq),
          );
        }
      }),
    );
  });

  it('are one read of a few short logs, and never many entries at once', async () => {
    const short = Array.from({ length: 5 }, (_, index) =>
      toLog(Array(50).fill({ isPeer: true, laterMs: 1 }), index),
    );
    const store = storeOf(short.flat());
    await createOldestMessages(store)(
      short.map((log) => stretchOf(log, 0)),
      500,
    );
    expect(store.reads).to.deep.equal([250]);

    const many = Array.from({ length: 700 }, (_, index) =>
      toLog(Array(20).fill({ isPeer: true, laterMs: 1 }), index),
    );
    const large = storeOf(many.flat());
    const oldest = await createOldestMessages(large)(
      many.map((log) => stretchOf(log, 0)),
      500,
    );
    expect(oldest).to.have.length(500);
    expect(Math.max(...large.reads)).to.be.at.most(500);
    expect(large.reads).to.have.length(2);
  });

  it('does not read on when everything of the sender is found', async () => {
    const log = toLog([{ isPeer: true, laterMs: 1 }, ...Array(5000).fill({ isPeer: false, laterMs: 1 })], 0);
    const store = storeOf(log);
    expect(await createOldestMessages(store)([stretchOf(log, 0)], 500)).to.have.length(1);
    expect(store.reads).to.deep.equal([500]);
  });
});
