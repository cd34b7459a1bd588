import { expect } from 'chai';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { befriend, buildFriends, buildUser, logInAgain, type TestUser } from '../support/builders.ts';
import type { TestSocket } from '../support/clients.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { Storage } from '../support/storage.ts';

const nobody = 'f'.repeat(24);
const withoutRequestId = (problem: object) => ({ ...problem, requestId: '' });

async function send(socket: TestSocket, receiverId: string, count = 1): Promise<Message[]> {
  const sent: Message[] = [];
  for (let index = 0; index < count; index++)
    sent.push(await socket.call('private_message', { receiverId, content: `m${index}` }));
  return sent;
}

async function statusesOf(socket: TestSocket, friendId: string): Promise<string[]> {
  return (await socket.call('message_history', { friendId })).items.map(({ status }) => status);
}

async function conversationOf(socket: TestSocket) {
  const [conversation] = (await socket.call('conversation_list', {})).items;
  if (!conversation) throw new Error('no conversation');
  return conversation;
}

describe('receipts: marks', () => {
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

  describe('message_status_update', () => {
    it('moves my marks up to the message: delivered alone, read with delivered', async () => {
      const [first, second] = (await send(mouth, bob.id, 3)) as [Message, Message, Message];
      const { conversationId } = first;
      expect(
        await ear.call('message_status_update', { messageId: second.id, status: 'delivered' }),
      ).to.deep.equal({ conversationId, readSeq: 0, deliveredSeq: 2 });
      expect(await ear.call('message_status_update', { messageId: first.id, status: 'read' })).to.deep.equal({
        conversationId,
        readSeq: 1,
        deliveredSeq: 2,
      });
      expect(await statusesOf(mouth, bob.id)).to.deep.equal(['read', 'delivered', 'sent']);
      expect(await statusesOf(ear, ann.id)).to.deep.equal(['read', 'delivered', 'sent']);
      expect(await conversationOf(ear)).to.include({
        readSeq: 1,
        deliveredSeq: 2,
        unread: 2,
        peerReadSeq: 0,
      });
      expect(await conversationOf(mouth)).to.include({ readSeq: 0, peerReadSeq: 1, peerDeliveredSeq: 2 });
    });

    it('is the same over REST', async () => {
      const [message] = (await send(mouth, bob.id)) as [Message];
      const path = `/api/messages/${message.id}/status`;
      const { status, body } = await bob.rest('PUT', path, { status: 'read' });
      expect(status).to.equal(200);
      expect(body).to.deep.equal({ conversationId: message.conversationId, readSeq: 1, deliveredSeq: 1 });
    });

    it('never sinks: a lower or repeated one answers where the marks stand and tells nobody', async () => {
      const [first, , third] = (await send(mouth, bob.id, 3)) as [Message, Message, Message];
      const elsewhere = await bob.connect();
      await ear.call('message_status_update', { messageId: third.id, status: 'read' });
      await elsewhere.next('conversation_updated');
      for (let seq = 1; seq <= 3; seq++) await mouth.next('message_read');
      const { since } = await ear.call('sync', {});

      const marks = { conversationId: first.conversationId, readSeq: 3, deliveredSeq: 3 };
      for (const messageId of [first.id, third.id])
        for (const status of ['delivered', 'read'] as const)
          expect(await ear.call('message_status_update', { messageId, status })).to.deep.equal(marks);
      expect(await ear.call('conversation_read', { friendId: ann.id })).to.deep.equal(marks);

      const quiet = await ear.call('sync', { conversations: { [first.conversationId]: 3 }, since });
      expect(quiet.items).to.deep.equal([]);
      const [marker] = (await send(mouth, bob.id)) as [Message];
      await ear.call('message_status_update', { messageId: marker.id, status: 'read' });
      expect((await elsewhere.next('conversation_updated')).readSeq).to.equal(4);
      expect((await mouth.next('message_read')).upToSeq).to.equal(4);
      expect(mouth.untaken('message_delivered')).to.deep.equal([]);
      elsewhere.close();
    });

    it('is for who received: of my own message not allowed', async () => {
      const [message] = (await send(mouth, bob.id)) as [Message];
      await mouth.refused('message_status_update', { messageId: message.id, status: 'read' }, 'not_allowed');
      expect(await statusesOf(mouth, bob.id)).to.deep.equal(['sent']);
    });

    it('answers alike for a message of others, one that I cleared, and none at all', async () => {
      const [message] = (await send(mouth, bob.id)) as [Message];
      const own = (await send(ear, ann.id))[0] as Message;
      await ear.call('conversation_clear', { conversationId: message.conversationId });
      const eve = await buildUser(app.url);
      const stranger = await eve.connect();
      const problems = [];
      for (const [socket, messageId] of [
        [stranger, message.id],
        [ear, message.id],
        [ear, own.id],
        [ear, nobody],
      ] as const) {
        const refusal = await socket.refused(
          'message_status_update',
          { messageId, status: 'read' },
          'not_found',
        );
        problems.push(withoutRequestId(refusal));
      }
      for (const problem of problems) expect(problem).to.deep.equal(problems[0]);
      expect(await conversationOf(mouth)).to.include({ peerReadSeq: 0, peerDeliveredSeq: 0 });
      stranger.close();
    });

    it('is not found for what was written before I could see it', async () => {
      const [first, , third] = (await send(mouth, bob.id, 3)) as [Message, Message, Message];
      await storage.letSeeFrom(bob, 3);
      for (const status of ['delivered', 'read'] as const)
        await ear.refused('message_status_update', { messageId: first.id, status }, 'not_found');
      expect(await conversationOf(mouth)).to.include({ peerReadSeq: 0, peerDeliveredSeq: 0 });
      const marks = await ear.call('message_status_update', { messageId: third.id, status: 'read' });
      expect(marks.readSeq).to.equal(3);
    });

    it('ends at the highest when devices move at the same time', async () => {
      const sent = await send(mouth, bob.id, 12);
      const devices = await Promise.all([bob.connect(), bob.connect()]);
      await Promise.all(
        sent.map(({ id }, index) =>
          (devices[index % 2] as TestSocket).call('message_status_update', {
            messageId: id,
            status: index % 3 === 0 ? 'read' : 'delivered',
          }),
        ),
      );
      expect(await conversationOf(ear)).to.include({ readSeq: 10, deliveredSeq: 12, unread: 2 });
      expect(await conversationOf(mouth)).to.include({ peerReadSeq: 10, peerDeliveredSeq: 12 });
      for (const device of devices) device.close();
    });

    it('is not moved by sending or fetching', async () => {
      await send(mouth, bob.id, 2);
      await send(ear, ann.id);
      await ear.call('message_history', { friendId: ann.id });
      await ear.call('sync', {});
      expect(await conversationOf(ear)).to.include({ readSeq: 0, deliveredSeq: 0, unread: 2 });
    });

    const refused: [string, object][] = [
      ['another status', { messageId: nobody, status: 'sent' }],
      ['no status', { messageId: nobody }],
      ['a message id that is none', { messageId: 'short', status: 'read' }],
      ['an operator for an id', { messageId: { $ne: null }, status: 'read' }],
    ];
    for (const [what, input] of refused)
      it(`refuses ${what}`, async () => {
        await ear.refused('message_status_update', input, 'validation_failed');
      });
  });

  describe('conversation_read', () => {
    it('reads all there is now, by either name', async () => {
      const { conversationId } = (await send(mouth, bob.id, 2))[0] as Message;
      const one = await bob.rest('POST', `/api/messages/private/${ann.id}/read`);
      expect(one.body).to.deep.equal({ conversationId, readSeq: 2, deliveredSeq: 2 });
      await send(mouth, bob.id);
      const other = await bob.rest('POST', `/api/message/read/${ann.id}`);
      expect(other.body).to.deep.equal({ conversationId, readSeq: 3, deliveredSeq: 3 });
      expect((await conversationOf(ear)).unread).to.equal(0);
      expect(await statusesOf(mouth, bob.id)).to.deep.equal(['read', 'read', 'read']);
    });

    it('is nothing with a friend before the first message', async () => {
      expect(await ear.call('conversation_read', { friendId: ann.id })).to.include({
        readSeq: 0,
        deliveredSeq: 0,
      });
      expect((await ear.call('conversation_list', {})).items).to.deep.equal([]);
    });

    it('answers alike for a stranger, a nobody, oneself and any group', async () => {
      const stranger = await buildUser(app.url);
      const problems = [];
      for (const input of [
        { friendId: stranger.id },
        { friendId: nobody },
        { friendId: bob.id },
        { groupId: nobody },
      ])
        problems.push(withoutRequestId(await ear.refused('conversation_read', input, 'not_found')));
      for (const problem of problems) expect(problem).to.deep.equal(problems[0]);
    });

    it('refuses none and both of friendId and groupId', async () => {
      await ear.refused('conversation_read', {}, 'validation_failed');
      await ear.refused('conversation_read', { friendId: ann.id, groupId: nobody }, 'validation_failed');
    });
  });

  describe('receipts', () => {
    it('come one by one up to twenty, each with its own seq, ascending, to all devices of the sender', async () => {
      const elsewhere = await (await logInAgain(app.url, ann)).connect();
      await send(ear, ann.id);
      const sent = await send(mouth, bob.id, 20);
      const { conversationId } = sent[0] as Message;
      await ear.call('conversation_read', { friendId: ann.id });
      for (const socket of [mouth, elsewhere]) {
        for (const { id, seq } of sent) {
          const { at, ...receipt } = await socket.next('message_read');
          expect(receipt).to.deep.equal({ messageId: id, conversationId, upToSeq: seq, readerId: bob.id });
          expect(Date.parse(at)).to.be.closeTo(Date.now(), 20_000);
        }
        expect(socket.untaken('message_delivered')).to.deep.equal([]);
      }
      elsewhere.close();
    });

    it('are one for the highest where they are more than twenty', async () => {
      const sent = await send(mouth, bob.id, 21);
      await ear.call('message_status_update', { messageId: sent[20]?.id ?? '', status: 'delivered' });
      expect((await mouth.next('message_delivered')).upToSeq).to.equal(21);
      const [marker] = (await send(mouth, bob.id)) as [Message];
      await ear.call('message_status_update', { messageId: marker.id, status: 'delivered' });
      expect((await mouth.next('message_delivered')).messageId).to.equal(marker.id);
    });

    it('tell only what is new: read after delivered, and of messages of the sender alone', async () => {
      const [first, second] = (await send(mouth, bob.id, 2)) as [Message, Message];
      await send(ear, ann.id, 3);
      const [last] = (await send(mouth, bob.id)) as [Message];
      await ear.call('message_status_update', { messageId: second.id, status: 'read' });
      await ear.call('message_status_update', { messageId: last.id, status: 'delivered' });
      await ear.call('conversation_read', { friendId: ann.id });
      for (const { id } of [first, second, last])
        expect((await mouth.next('message_read')).messageId).to.equal(id);
      expect((await mouth.next('message_delivered')).messageId).to.equal(last.id);
      expect(mouth.untaken('message_delivered')).to.deep.equal([]);
      expect(mouth.untaken('message_read')).to.deep.equal([]);
      expect(ear.untaken('message_read')).to.deep.equal([]);
    });

    it('reach neither the reader nor a third person', async () => {
      const eve = await buildUser(app.url);
      await befriend(eve, bob);
      const listener = await eve.connect();
      await send(mouth, bob.id);
      await ear.call('conversation_read', { friendId: ann.id });
      await mouth.next('message_read');
      await eve.rest('PATCH', '/api/users/me', { bio: 'marker' });
      await listener.next('profile_updated');
      for (const socket of [listener, ear]) {
        expect(socket.untaken('message_read')).to.deep.equal([]);
        expect(socket.untaken('message_delivered')).to.deep.equal([]);
      }
      listener.close();
    });
  });

  it('clears the badge on my other devices, not on the acting one; after a REST call on all', async () => {
    const elsewhere = await bob.connect();
    const [message] = (await send(mouth, bob.id)) as [Message];
    await ear.call('message_status_update', { messageId: message.id, status: 'read' });
    const told = await elsewhere.next('conversation_updated');
    expect(told).to.include({ id: message.conversationId, unread: 0, readSeq: 1 });
    expect(told).to.deep.equal(await conversationOf(ear));
    await send(mouth, bob.id);
    await bob.rest('POST', `/api/messages/private/${ann.id}/read`);
    for (const socket of [elsewhere, ear])
      expect((await socket.next('conversation_updated')).readSeq).to.equal(2);
    expect(ear.untaken('conversation_updated')).to.deep.equal([]);
    expect(mouth.untaken('conversation_updated')).to.deep.equal([]);
    elsewhere.close();
  });
});
