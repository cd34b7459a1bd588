import { expect } from 'chai';
import fc from 'fast-check';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { buildFriends, type TestUser } from '../support/builders.ts';
import type { TestSocket } from '../support/clients.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { Storage } from '../support/storage.ts';

/** What one of two people may do; `at` picks one of the other's messages. */
type Step = { by: 0 | 1 } & (
  | { do: 'send' | 'readAll' | 'clear' | 'hide' | 'pin' }
  | { do: 'read' | 'delivered' | 'recall' | 'delete'; at: number }
  | { do: 'showReads'; isShown: boolean }
);

const by = fc.constantFrom<0 | 1>(0, 1);
const at = fc.nat(9);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ by, do: fc.constant('send' as const) }) },
  { weight: 5, arbitrary: fc.record({ by, do: fc.constantFrom('read' as const, 'delivered'), at }) },
  { weight: 2, arbitrary: fc.record({ by, do: fc.constantFrom('recall' as const, 'delete'), at }) },
  {
    weight: 3,
    arbitrary: fc.record({ by, do: fc.constantFrom('readAll' as const, 'clear', 'hide', 'pin') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ by, do: fc.constant('showReads' as const), isShown: fc.boolean() }),
  },
);

/** One side, as the documents say it has to be. */
class Side {
  read = 0;
  delivered = 0;
  toldRead = 0;
  toldDelivered = 0;
  cleared = 0;
  hidden = 0;
  isPinned = false;
  showsReads = true;
  deleted = new Set<number>();
}

interface Written {
  by: 0 | 1;
  message: Message;
  isRecalled: boolean;
}

class Model {
  readonly sides: [Side, Side] = [new Side(), new Side()];
  readonly log: Written[] = [];

  get head(): number {
    return this.log.length;
  }

  raise(by: 0 | 1, seq: number, status: 'read' | 'delivered'): void {
    const [side, other] = [this.sides[by], this.sides[1 - by] as Side];
    const isNews = seq > (status === 'read' ? side.read : side.delivered);
    if (seq <= side.cleared || !isNews) return;
    side.delivered = Math.max(side.delivered, seq);
    side.toldDelivered = Math.max(side.toldDelivered, seq);
    if (status === 'delivered') return;
    side.read = seq;
    if (side.showsReads && other.showsReads) side.toldRead = seq;
  }

  /** What one side has to be shown. */
  shownTo(by: 0 | 1) {
    const [side, other] = [this.sides[by], this.sides[1 - by] as Side];
    const peerReadSeq = side.showsReads ? other.toldRead : 0;
    const isShown = (_: Written, index: number) => index >= side.cleared && !side.deleted.has(index + 1);
    const statusOf = (seq: number, read: number, delivered: number) => {
      if (seq <= read) return 'read';
      return seq <= delivered ? 'delivered' : 'sent';
    };
    const shown = this.log.filter(isShown).map(({ by: author, message: { seq } }) => ({
      seq,
      status:
        author === by
          ? statusOf(seq, peerReadSeq, other.toldDelivered)
          : statusOf(seq, side.read, side.delivered),
    }));
    const unread = this.log.filter(
      (written, index) =>
        isShown(written, index) && written.by !== by && !written.isRecalled && index >= side.read,
    ).length;
    return {
      shown,
      isHidden: side.hidden === this.head,
      conversation: {
        unread,
        readSeq: side.read,
        deliveredSeq: side.delivered,
        peerReadSeq,
        peerDeliveredSeq: other.toldDelivered,
        clearedSeq: side.cleared,
        pinned: side.isPinned,
        headSeq: this.head,
      },
    };
  }
}

describe('conversations: any course of sending, marking, clearing and hiding', () => {
  let app: TestApp;
  let storage: Storage;
  before(async () => {
    app = await startApp();
    storage = await Storage.of(app);
  });
  after(async () => {
    await storage.close();
    await app.close();
  });

  interface Scene {
    model: Model;
    users: [TestUser, TestUser];
    sockets: [TestSocket, TestSocket];
  }

  async function take(step: Step, { model, users, sockets }: Scene): Promise<void> {
    const [side, socket, user] = [model.sides[step.by], sockets[step.by], users[step.by]];
    const friendId = users[1 - step.by]?.id ?? '';
    if (step.do === 'send') {
      const message = await socket.call('private_message', { receiverId: friendId, content: 'x' });
      model.log.push({ by: step.by, message, isRecalled: false });
      return;
    }
    if (step.do === 'showReads') {
      await user.rest('PATCH', '/api/users/me', { privacy: { readReceipts: step.isShown } });
      side.showsReads = step.isShown;
      return;
    }
    if ('at' in step) return takeOnMessage(step, { model, users, sockets });
    const conversationId = model.log[0]?.message.conversationId;
    if (conversationId === undefined) return;
    switch (step.do) {
      case 'readAll':
        await socket.call('conversation_read', { friendId });
        return model.raise(step.by, model.head, 'read');
      case 'clear':
        await socket.call('conversation_clear', { conversationId });
        side.cleared = side.read = side.delivered = model.head;
        return;
      case 'hide':
        await socket.call('conversation_hide', { conversationId });
        if (side.hidden < model.head) side.isPinned = false;
        side.hidden = model.head;
        return;
      case 'pin':
        await socket.call('conversation_update', { conversationId, pinned: true });
        side.isPinned = true;
        side.hidden = -1;
        return;
    }
  }

  type StepOnMessage = Extract<Step, { at: number }>;

  async function takeOnMessage(step: StepOnMessage, { model, users, sockets }: Scene): Promise<void> {
    const [side, socket, user] = [model.sides[step.by], sockets[step.by], users[step.by]];
    const theirs = model.log.filter(({ by }) => by !== step.by);
    const target = theirs[step.at % theirs.length];
    if (!target) return;
    const { message } = target;
    if (step.do === 'recall') {
      await storage.recall(message);
      target.isRecalled = true;
    } else if (step.do === 'delete') {
      await storage.deleteFor(user, message);
      side.deleted.add(message.seq);
    } else {
      await socket.emit('message_status_update', { messageId: message.id, status: step.do });
      model.raise(step.by, message.seq, step.do);
    }
  }

  async function check({ model, users }: Scene, by: 0 | 1): Promise<void> {
    const expected = model.shownTo(by);
    const socket = await users[by].connect();
    const [listed, synced, counted, history] = await Promise.all([
      socket.call('conversation_list', {}),
      socket.call('sync', {}),
      socket.call('unread_count', {}),
      socket.call('message_history', { friendId: users[1 - by]?.id ?? '', limit: 100 }),
    ]);
    socket.close();
    const [item] = synced.items;
    expect(item?.conversation).to.include(expected.conversation);
    expect(item?.conversation.hidden === true).to.equal(expected.isHidden);
    expect(listed.items.map(({ id }) => id)).to.deep.equal(expected.isHidden ? [] : [item?.conversation.id]);
    for (const conversation of listed.items) expect(conversation).to.include(expected.conversation);
    expect(counted.total).to.equal(expected.isHidden ? 0 : expected.conversation.unread);
    expect(history.items.map(({ seq, status }) => ({ seq, status }))).to.deep.equal(expected.shown);
    expect(item?.conversation.deletedSeqs).to.deep.equal(
      [...model.sides[by].deleted]
        .filter((seq) => seq > expected.conversation.clearedSeq)
        .sort((a, b) => a - b),
    );
  }

  it('leaves both sides with the marks, counts and receipts that a simple model has, wherever they look', async () => {
    const course = fc.array(step, { minLength: 5, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(course, async (steps) => {
        const users = await buildFriends(app.url);
        const sockets = await Promise.all([users[0].connect(), users[1].connect()] as const);
        const scene: Scene = { model: new Model(), users, sockets };
        for (const step of steps) await take(step, scene);
        for (const socket of sockets) socket.close();
        if (scene.model.head === 0) return;
        await check(scene, 0);
        await check(scene, 1);
      }),
      { numRuns: 12, endOnFailure: true },
    );
  });
});
