import { expect } from 'chai';
import mongoose from 'mongoose';
import { createHeadStore } from '../../src/features/conversations/heads.store.ts';
import { createHeads } from '../../src/features/conversations/heads.ts';
import { createLogAges } from '../../src/features/conversations/log-ages.ts';
import { createExpiredMessageStore } from '../../src/features/messages/expired-messages.store.ts';
import { createHiddenMessageStore } from '../../src/features/messages/hidden-messages.store.ts';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { createMessageStore } from '../../src/features/messages/messages.store.ts';
import { createRetention } from '../../src/features/retention/retention.ts';
import { createTermStore } from '../../src/features/search/terms.store.ts';
import { buildFriends, type TestUser } from '../support/builders.ts';
import type { TestSocket } from '../support/clients.ts';
import { searchAll, untilIndexed } from '../support/message-search.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const { ObjectId } = mongoose.Types;
const dayMs = 86_400_000;
const keptForMs = 2 * dayMs;

function createStores(database: mongoose.Connection) {
  return {
    heads: createHeadStore(database),
    log: createMessageStore(database),
    hidden: createHiddenMessageStore(database),
    terms: createTermStore(database),
    expired: createExpiredMessageStore(database),
  };
}

describe('retention: MESSAGE_RETENTION_DAYS', () => {
  let app: TestApp;
  let database: mongoose.Connection;
  let forgotten: string[];
  let stores: ReturnType<typeof createStores>;

  interface Sweeper {
    sweep(): Promise<void>;
    /** Breaks off as a crash would when the next message is to be removed. */
    crashNext(): void;
  }

  before(async () => {
    app = await startApp({ history: { shownForMs: keptForMs, keptForMs } });
    database = await mongoose.createConnection(app.mongodbUri).asPromise();
    forgotten = [];
    stores = createStores(database);
  });
  after(async () => {
    await database.close();
    await app.close();
  });

  function createSweeper(): Sweeper {
    let isCrashing = false;
    const { findHeadsAbove, findHeadsAt } = stores.log;
    const heads = createHeads({ store: stores.heads, findHeadsAbove, onFailure: () => {} });
    const { sweep } = createRetention({
      keptForMs,
      logs: stores.heads,
      findYoung: createLogAges({ findHeads: heads.of, findHeadsAt }),
      messages: {
        ...stores.expired,
        remove(ids) {
          if (isCrashing) return Promise.reject(new Error('crashed'));
          return stores.expired.remove(ids);
        },
      },
      async forget(messageIds) {
        forgotten.push(...messageIds);
        await Promise.all([stores.terms.remove(messageIds), stores.hidden.forget(messageIds)]);
      },
    });
    return {
      sweep,
      crashNext() {
        isCrashing = true;
      },
    };
  }

  const sweep = () => createSweeper().sweep();
  const messages = () => database.collection('messages');
  const inLog = (conversationId: string) => ({ conversationId: new ObjectId(conversationId) });

  async function makeOlder(conversationId: string, days: readonly number[]): Promise<void> {
    for (const [index, age] of days.entries()) {
      const createdAt = new Date(Date.now() - age * dayMs);
      await messages().updateOne({ ...inLog(conversationId), seq: index + 1 }, { $set: { createdAt } });
    }
    // as if it had not been looked at for long
    await database
      .collection('conversations')
      .updateOne({ _id: new ObjectId(conversationId) }, { $unset: { keptSince: '' } }, { upsert: true });
  }

  interface Talk {
    ann: TestUser;
    bob: TestUser;
    annSocket: TestSocket;
    bobSocket: TestSocket;
    sent: Message[];
    conversationId: string;
    close(): void;
  }

  /** A conversation of so many messages, which are so many days old. */
  async function talk(days: readonly number[]): Promise<Talk> {
    const [ann, bob] = await buildFriends(app.url);
    const [annSocket, bobSocket] = await Promise.all([ann.connect(), bob.connect()]);
    const sent: Message[] = [];
    for (const [index] of days.entries())
      sent.push(
        await annSocket.call('private_message', {
          receiverId: bob.id,
          content: `kakapo ${index + 1}`,
          clientMessageId: `kakapo-${index + 1}`,
        }),
      );
    const conversationId = sent[0]?.conversationId ?? '';
    await untilIndexed(ann, annSocket, bob.id);
    await makeOlder(conversationId, days);
    const close = () => {
      annSocket.close();
      bobSocket.close();
    };
    return { ann, bob, annSocket, bobSocket, sent, conversationId, close };
  }

  const keptSeqs = async (conversationId: string) =>
    (await messages().find(inLog(conversationId)).sort({ seq: 1 }).toArray()).map(({ seq }) => seq as number);

  it('deletes for good what is too old, with its terms and what was deleted for oneself', async () => {
    const { bob, bobSocket, ann, conversationId, sent, close } = await talk([9, 8, 7, 1, 0.5]);
    const [, second] = sent;
    const hidden = { userId: bob.id, messageId: second?.id ?? '', conversationId, seq: 2, isOwn: false };
    await stores.hidden.hide(hidden);
    await sweep();
    expect(await keptSeqs(conversationId)).to.deep.equal([3, 4, 5, 6]);
    expect(await messages().countDocuments({ ...inLog(conversationId), content: 'kakapo 3' })).to.equal(0);
    const termRows = database.collection('message_terms').countDocuments(inLog(conversationId));
    expect(await termRows).to.equal(3);
    expect(await database.collection('hidden_messages').countDocuments(inLog(conversationId))).to.equal(0);
    expect(forgotten).to.include.members(sent.slice(0, 3).map(({ id }) => id));
    expect(forgotten).not.to.include(sent[3]?.id);
    const { items } = await bobSocket.call('message_history', { friendId: ann.id, after: 0 });
    expect(items.map(({ seq }) => seq)).to.deep.equal([4, 5, 6]);
    expect((await searchAll(bob, { q: 'kakapo' })).map(({ seq }) => seq)).to.deep.equal([5, 4]);
    close();
  });

  it('keeps counts of unread messages right, and tells clients with an older place to start anew', async () => {
    const { bobSocket, conversationId, close } = await talk([9, 8, 7, 1, 0.5]);
    await sweep();
    const fresh = await bobSocket.call('sync', {});
    expect(fresh.items.map(({ conversation }) => conversation.unread)).to.deep.equal([3]);
    const late = await bobSocket.call('sync', { conversations: { [conversationId]: 1 } });
    expect(late.items[0]?.reset).to.equal('cursor_expired');
    expect(late.items[0]?.entries.map(({ seq }) => seq)).to.deep.equal([4, 5, 6]);
    close();
  });

  it('lets an emptied log go on from where it was, and keys be used again that are no longer kept', async () => {
    const { annSocket, bobSocket, ann, bob, sent, conversationId, close } = await talk([9, 8, 7]);
    await makeOlder(conversationId, [9, 8, 7, 6]);
    await sweep();
    expect(await keptSeqs(conversationId)).to.deep.equal([4]);
    const { items } = await bobSocket.call('message_history', { friendId: ann.id });
    expect(items).to.deep.equal([]);
    const again = await annSocket.call('private_message', {
      receiverId: bob.id,
      content: 'kakapo again',
      clientMessageId: 'kakapo-1',
    });
    expect(again.seq).to.equal(5);
    expect(again.id).not.to.equal(sent[0]?.id);
    const { items: synced } = await bobSocket.call('sync', {});
    expect(synced.map(({ conversation }) => conversation.unread)).to.deep.equal([1]);
    await makeOlder(conversationId, [9, 9, 9, 9, 8]);
    await sweep();
    expect(await keptSeqs(conversationId)).to.deep.equal([5]);
    close();
  });

  it('goes on after a crash between the floor and the deletion; till then nobody sees what lies below', async () => {
    const { bobSocket, ann, conversationId, close } = await talk([9, 8, 7, 1]);
    const crashing = createSweeper();
    crashing.crashNext();
    const failure = await crashing.sweep().catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(Error);
    expect(await keptSeqs(conversationId)).to.deep.equal([1, 2, 3, 4, 5]);
    const { items } = await bobSocket.call('message_history', { friendId: ann.id });
    expect(items.map(({ seq }) => seq)).to.deep.equal([4, 5]);
    await sweep();
    expect(await keptSeqs(conversationId)).to.deep.equal([3, 4, 5]);
    close();
  });

  it('is done by several at once as by one, and touches nothing young', async () => {
    const talks = await Promise.all([talk([9, 8, 1]), talk([1, 0.9, 0.8]), talk([9, 8, 7])]);
    const [one, other] = [createSweeper(), createSweeper()];
    await Promise.all([one.sweep(), other.sweep(), sweep()]);
    const kept = await Promise.all(talks.map(({ conversationId }) => keptSeqs(conversationId)));
    expect(kept).to.deep.equal([
      [2, 3, 4],
      [1, 2, 3, 4],
      [3, 4],
    ]);
    for (const { close } of talks) close();
  });

  it('looks at a log again only when its oldest entry has become too old', async () => {
    const { conversationId, close } = await talk([9, 1.5, 0.5]);
    await sweep();
    const kept = await database.collection('conversations').findOne({ _id: new ObjectId(conversationId) });
    expect(kept?.floorSeq).to.equal(2);
    const second = await messages().findOne({ ...inLog(conversationId), seq: 2 });
    expect(kept?.keptSince).to.deep.equal(second?.createdAt);
    close();
  });
});

describe('retention: the server', () => {
  it('sweeps by itself: what is too old is gone when it starts, and soon after it has become so', async () => {
    const app = await startApp({ history: { shownForMs: 1500, keptForMs: 1500 } });
    const [ann, bob] = await buildFriends(app.url);
    const socket = await ann.connect();
    const first = await socket.call('private_message', { receiverId: bob.id, content: 'gone soon' });
    await socket.call('private_message', { receiverId: bob.id, content: 'gone soon, too' });
    const database = await mongoose.createConnection(app.mongodbUri).asPromise();
    const reactions = database.collection('reactions');
    await reactions.insertOne({ messageId: new ObjectId(first.id), emoji: '👍', isUnnamed: true, rev: 2 });
    const deadline = Date.now() + 8000;
    const withContent = () => database.collection('messages').countDocuments({ content: { $ne: null } });
    while ((await withContent()) > 0 && Date.now() < deadline);
    expect(await withContent()).to.equal(0);
    expect(await reactions.countDocuments()).to.equal(0);
    expect((await socket.call('message_history', { friendId: bob.id })).items).to.deep.equal([]);
    const next = await socket.call('private_message', { receiverId: bob.id, content: 'next' });
    expect(next.seq).to.equal(3);
    socket.close();
    await database.close();
    await app.close();
  }).timeout(15_000);
});
