import { expect } from 'chai';
import { createMarks } from '../../src/features/receipts/marks.ts';
import { createTurns } from '../../src/platform/turns.ts';

describe('receipts: marks of one member in a group', () => {
  /** A member who sees the group from 5 on; every write is done when the test says so. */
  function open() {
    const raised: number[] = [];
    const told: (string | null)[] = [];
    const done: (() => void)[] = [];
    const move = createMarks({
      async raiseMarks(key, { seq, alongside }) {
        expect(key.type).to.equal('group');
        expect(alongside).to.deep.equal(['deliveredSeq', 'toldReadSeq']);
        raised.push(seq);
        await new Promise<void>((resolve) => done.push(resolve));
        return { readSeq: 4, deliveredSeq: 4, toldReadSeq: 0, toldDeliveredSeq: 0, visibleFrom: 5 };
      },
      mayPass: () => Promise.reject(new Error('no receipts in groups')),
      seesReads: async () => true,
      tellReceipts: () => {
        throw new Error('no receipts in groups');
      },
      tellUpdated: (_userId, _ids, originSocketId) => void told.push(originSocketId),
      inTurn: createTurns(),
    });
    const read = (seq: number, originSocketId = 'phone') =>
      move({
        conversationId: 'group',
        readerId: 'bob',
        senderId: null,
        seq,
        status: 'read',
        originSocketId,
      });
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    return { read, raised, told, done, turn };
  }

  it('answer nothing to who asks for what they do not see, though written together with what they see', async () => {
    const { read, raised, done, turn } = open();
    const answers = [read(6), read(3), read(9)];
    await turn();
    done[0]?.();
    await turn();
    done[1]?.();
    expect(await Promise.all(answers)).to.deep.equal([
      { conversationId: 'group', readSeq: 6, deliveredSeq: 6 },
      null,
      { conversationId: 'group', readSeq: 9, deliveredSeq: 9 },
    ]);
    expect(raised).to.deep.equal([6, 9]);
  });

  it('are told to all my devices where several have moved them at once', async () => {
    const { read, told, done, turn } = open();
    const answers = [read(6), read(7), read(8, 'desk')];
    await turn();
    done[0]?.();
    await turn();
    done[1]?.();
    await Promise.all(answers);
    expect(told).to.deep.equal(['phone', null]);
  });
});
