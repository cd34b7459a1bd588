import { expect } from 'chai';
import mongoose from 'mongoose';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { buildFriends, type TestUser } from '../support/builders.ts';
import type { TestSocket } from '../support/clients.ts';
import { searchAll, untilIndexed } from '../support/message-search.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const { ObjectId } = mongoose.Types;
const dayMs = 86_400_000;

/** Makes the first entries of a log so many days older than they are. */
async function makeOlder(app: TestApp, conversationId: string, days: readonly number[]): Promise<void> {
  const database = await mongoose.createConnection(app.mongodbUri).asPromise();
  for (const [index, age] of days.entries()) {
    const entry = { conversationId: new ObjectId(conversationId), seq: index + 1 };
    const createdAt = new Date(Date.now() - age * dayMs);
    await database.collection('messages').updateOne(entry, { $set: { createdAt } });
    await database.collection('message_terms').updateOne(entry, { $set: { at: createdAt } });
  }
  await database.close();
}

async function say(socket: TestSocket, receiverId: string, contents: readonly string[]): Promise<Message[]> {
  const sent: Message[] = [];
  for (const content of contents) sent.push(await socket.call('private_message', { receiverId, content }));
  return sent;
}

describe('roaming: MESSAGE_ROAMING_DAYS', () => {
  let app: TestApp;
  let ann: TestUser;
  let bob: TestUser;
  let socket: TestSocket;
  let peer: TestSocket;
  let conversationId: string;
  let tooOld: string;

  before(async () => {
    app = await startApp({ history: { shownForMs: 1.5 * dayMs, keptForMs: 0 } });
    [ann, bob] = await buildFriends(app.url);
    socket = await ann.connect();
    peer = await bob.connect();
    const sent = await say(socket, bob.id, ['jackal 1', 'jackal 2', 'jackal 3', 'jackal 4', 'jackal 5']);
    conversationId = sent[0]?.conversationId ?? '';
    tooOld = sent[1]?.id ?? '';
    await untilIndexed(ann, socket, bob.id);
    await makeOlder(app, conversationId, [10, 3, 1.6, 1.4, 0.5]);
  });
  after(async () => {
    socket.close();
    peer.close();
    await app.close();
  });

  it('bounds history to a fraction of a day, in both directions', async () => {
    const seqsOf = async (range: object) =>
      (await peer.call('message_history', { friendId: ann.id, ...range })).items.map(({ seq }) => seq);
    expect(await seqsOf({})).to.deep.equal([4, 5, 6]);
    expect(await seqsOf({ after: 0 })).to.deep.equal([4, 5, 6]);
    expect(await seqsOf({ before: 4 })).to.deep.equal([]);
  });

  it('bounds search', async () => {
    const contents = (await searchAll(bob, { q: 'jackal' })).map(({ content }) => content);
    expect(contents).to.deep.equal(['jackal 5', 'jackal 4']);
    const since = new Date(Date.now() - 30 * dayMs).toISOString();
    expect(await searchAll(bob, { q: 'jackal', since })).to.have.length(2);
  });

  it('moves no mark to what is not shown, and changes nothing of it', async () => {
    const marks = { messageId: tooOld, status: 'read' } as const;
    await peer.refused('message_status_update', marks, 'not_found');
    await peer.refused('message_react', { messageId: tooOld, emoji: '👍', active: true }, 'not_found');
    const { items } = await peer.call('sync', {});
    expect(items.map(({ conversation }) => conversation.readSeq)).to.deep.equal([0]);
  });

  it('bounds what is unread', async () => {
    const { items } = await peer.call('sync', {});
    expect(items.map(({ conversation }) => conversation.unread)).to.deep.equal([3]);
  });

  it('tells a client whose place is older to start anew, with what it may see', async () => {
    const { items } = await peer.call('sync', { conversations: { [conversationId]: 2 } });
    expect(items[0]?.reset).to.equal('cursor_expired');
    expect(items[0]?.entries.map(({ seq }) => seq)).to.deep.equal([4, 5, 6]);
    const next = await peer.call('sync', { conversations: { [conversationId]: 3 } });
    expect(next.items[0]).not.to.have.property('reset');
    expect(next.items[0]?.entries.map(({ seq }) => seq)).to.deep.equal([4, 5, 6]);
  });

  it('shows a conversation without its last message when that is too old, and goes on from it', async () => {
    const [carol, dan] = await buildFriends(app.url);
    const mouth = await carol.connect();
    const ear = await dan.connect();
    const [, last] = await say(mouth, dan.id, ['old', 'older']);
    await makeOlder(app, last?.conversationId ?? '', [9, 2]);
    const { items } = await ear.call('sync', {});
    const [{ conversation, entries }] = items as [(typeof items)[0]];
    expect([conversation.lastMessage, conversation.unread, conversation.headSeq]).to.deep.equal([null, 0, 2]);
    expect(entries).to.deep.equal([]);
    const history = await ear.call('message_history', { friendId: carol.id });
    expect(history).to.deep.equal({ items: [], nextCursor: null });
    const [fresh] = await say(mouth, dan.id, ['fresh']);
    expect(fresh?.seq).to.equal(3);
    expect(
      (await ear.call('message_history', { friendId: carol.id })).items.map(({ seq }) => seq),
    ).to.deep.equal([3]);
    mouth.close();
    ear.close();
  });
});
