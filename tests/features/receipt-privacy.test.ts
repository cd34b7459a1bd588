import { expect } from 'chai';
import { Types } from 'mongoose';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { befriend, buildFriends, buildUser, type TestUser } from '../support/builders.ts';
import type { TestSocket } from '../support/clients.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { Storage } from '../support/storage.ts';

const nobody = 'f'.repeat(24);
const withoutRequestId = (problem: object) => ({ ...problem, requestId: '' });

async function send(socket: TestSocket, receiverId: string): Promise<Message> {
  return socket.call('private_message', { receiverId, content: 'hello' });
}

/** What a sender sees of the other's marks, wherever they look. */
async function seenOf(socket: TestSocket, friendId: string) {
  const [listed] = (await socket.call('conversation_list', {})).items;
  const [synced] = (await socket.call('sync', {})).items;
  const statuses = (await socket.call('message_history', { friendId })).items.map(({ status }) => status);
  expect(synced?.entries.map(({ status }) => status)).to.deep.equal(statuses);
  const { deletedSeqs, ...conversation } = synced?.conversation ?? {};
  expect(deletedSeqs).to.deep.equal([]);
  expect(conversation).to.deep.equal(listed);
  return { read: listed?.peerReadSeq, delivered: listed?.peerDeliveredSeq, statuses };
}

describe('receipts: what the other may know', () => {
  let app: TestApp;
  let storage: Storage;
  let ann: TestUser;
  let bob: TestUser;
  let mouth: TestSocket;
  let ear: TestSocket;

  before(async () => {
    app = await startApp();
    storage = await Storage.of(app);
  });
  beforeEach(async () => {
    [ann, bob] = await buildFriends(app.url);
    [mouth, ear] = await Promise.all([ann.connect(), bob.connect()]);
  });
  afterEach(() => {
    mouth.close();
    ear.close();
  });
  after(async () => {
    await storage.close();
    await app.close();
  });

  const hide = (user: TestUser, isHidden = true) =>
    user.rest('PATCH', '/api/users/me', { privacy: { readReceipts: !isHidden } });

  it('is delivered and no more where the reader hides what they read', async () => {
    await hide(bob);
    const message = await send(mouth, bob.id);
    const marks = await ear.call('message_status_update', { messageId: message.id, status: 'read' });
    expect(marks).to.include({ readSeq: 1, deliveredSeq: 1 });
    expect((await mouth.next('message_delivered')).messageId).to.equal(message.id);
    expect(mouth.untaken('message_read')).to.deep.equal([]);
    expect(await seenOf(mouth, bob.id)).to.deep.equal({ read: 0, delivered: 1, statuses: ['delivered'] });
    expect((await mouth.call('message_readers', { messageId: message.id })).count).to.equal(0);
  });

  it('is delivered and no more where the sender hides what they read themselves', async () => {
    await hide(ann);
    await send(mouth, bob.id);
    await ear.call('conversation_read', { friendId: ann.id });
    await mouth.next('message_delivered');
    expect(mouth.untaken('message_read')).to.deep.equal([]);
    expect(await seenOf(mouth, bob.id)).to.deep.equal({ read: 0, delivered: 1, statuses: ['delivered'] });
  });

  it('stays untold when hiding ends, until something is read in the open', async () => {
    await hide(bob);
    await send(mouth, bob.id);
    await ear.call('conversation_read', { friendId: ann.id });
    await hide(bob, false);
    await ear.call('conversation_read', { friendId: ann.id });
    expect(await seenOf(mouth, bob.id)).to.include({ read: 0, delivered: 1 });
    await send(mouth, bob.id);
    await ear.call('conversation_read', { friendId: ann.id });
    expect(await seenOf(mouth, bob.id)).to.deep.equal({ read: 2, delivered: 2, statuses: ['read', 'read'] });
  });

  it('is not shown to who hides their own, though it was told, and is again when they do not', async () => {
    const message = await send(mouth, bob.id);
    await ear.call('conversation_read', { friendId: ann.id });
    await hide(ann);
    expect(await seenOf(mouth, bob.id)).to.deep.equal({ read: 0, delivered: 1, statuses: ['delivered'] });
    expect((await mouth.call('message_readers', { messageId: message.id })).items).to.deep.equal([]);
    await hide(ann, false);
    expect(await seenOf(mouth, bob.id)).to.deep.equal({ read: 1, delivered: 1, statuses: ['read'] });
  });

  it('is frozen when the two are no friends any more; the reader’s own marks go on', async () => {
    const first = await send(mouth, bob.id);
    await ear.call('message_status_update', { messageId: first.id, status: 'read' });
    const second = await send(mouth, bob.id);
    await mouth.next('message_read');
    await storage.unfriend(ann, bob);
    const marks = await ear.call('message_status_update', { messageId: second.id, status: 'read' });
    expect(marks).to.include({ readSeq: 2, deliveredSeq: 2 });
    expect((await ear.call('unread_count', {})).total).to.equal(0);
    expect(await seenOf(mouth, bob.id)).to.deep.equal({ read: 1, delivered: 1, statuses: ['read', 'sent'] });
    await befriend(ann, bob);
    await mouth.next('friend_request_accepted');
    expect(mouth.untaken('message_read')).to.deep.equal([]);
    expect(mouth.untaken('message_delivered')).to.deep.equal([]);
    expect(await seenOf(mouth, bob.id)).to.include({ read: 1, delivered: 1 });
  });

  it('is not that I cleared', async () => {
    const { conversationId } = await send(mouth, bob.id);
    await ear.call('conversation_clear', { conversationId });
    await ear.call('conversation_read', { friendId: ann.id });
    expect(await seenOf(mouth, bob.id)).to.deep.equal({ read: 0, delivered: 0, statuses: ['sent'] });
    await send(mouth, bob.id);
    await ear.call('conversation_read', { friendId: ann.id });
    expect((await mouth.next('message_read')).upToSeq).to.equal(1);
  });

  it('takes a change of a message for no message', async () => {
    const message = await send(mouth, bob.id);
    const messages = storage.connection.collection('messages');
    const document = await messages.findOne({ _id: new Types.ObjectId(message.id) });
    const _id = new Types.ObjectId();
    const change = {
      event: 'message_edited',
      messageId: message.id,
      messageSeq: 1,
      rev: 2,
      editedAt: new Date(),
    };
    await messages.insertOne({ ...document, _id, clientMessageId: _id, seq: 2, lastMessageSeq: 1, change });
    const messageId = _id.toHexString();
    await ear.refused('message_status_update', { messageId, status: 'read' }, 'not_found');
    await mouth.refused('message_status_update', { messageId, status: 'read' }, 'not_found');
    await mouth.refused('message_readers', { messageId }, 'not_found');
    expect(await ear.call('conversation_read', { friendId: ann.id })).to.include({ readSeq: 2 });
    expect((await mouth.next('message_read')).upToSeq).to.equal(1);
  });

  describe('message_readers', () => {
    it('names the other once they have read', async () => {
      const message = await send(mouth, bob.id);
      const path = `/api/messages/${message.id}/readers`;
      const none = { items: [], nextCursor: null, count: 0 };
      expect((await ann.rest('GET', path)).body).to.deep.equal(none);
      await ear.call('message_status_update', { messageId: message.id, status: 'delivered' });
      expect((await ann.rest('GET', path)).body).to.deep.equal(none);
      await ear.call('message_status_update', { messageId: message.id, status: 'read' });
      const readers = await mouth.call('message_readers', { messageId: message.id });
      expect(readers.count).to.equal(1);
      expect(readers.items.map(({ id }) => id)).to.deep.equal([bob.id]);
    });

    it('is for the sender: not allowed to who received, and to others like a message that is none', async () => {
      const message = await send(mouth, bob.id);
      await ear.refused('message_readers', { messageId: message.id }, 'not_allowed');
      const stranger = await (await buildUser(app.url)).connect();
      const hidden = await stranger.refused('message_readers', { messageId: message.id }, 'not_found');
      const none = await stranger.refused('message_readers', { messageId: nobody }, 'not_found');
      expect(withoutRequestId(hidden)).to.deep.equal(withoutRequestId(none));
      await ear.call('conversation_clear', { conversationId: message.conversationId });
      await ear.refused('message_readers', { messageId: message.id }, 'not_found');
      stranger.close();
    });

    it('refuses an unknown field and a limit of 101', async () => {
      await mouth.refused('message_readers', { messageId: nobody, all: true }, 'validation_failed');
      await mouth.refused('message_readers', { messageId: nobody, limit: 101 }, 'validation_failed');
    });
  });
});
