import { expect } from 'chai';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { befriend, buildFriends, buildUser, type TestUser } from '../support/builders.ts';
import type { TestSocket } from '../support/clients.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { Storage } from '../support/storage.ts';

const nobody = 'f'.repeat(24);
const withoutRequestId = (problem: object) => ({ ...problem, requestId: '' });

async function send(socket: TestSocket, receiverId: string, content = 'hello'): Promise<Message> {
  return socket.call('private_message', { receiverId, content });
}

describe('conversations', () => {
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

  /** Somebody else who has sent Bob a message. */
  async function buildWriter(): Promise<{ user: TestUser; message: Message }> {
    const user = await buildUser(app.url);
    await befriend(user, bob);
    const { body } = await user.rest('POST', `/api/messages/private/${bob.id}`, { content: 'hi' });
    return { user, message: body as unknown as Message };
  }

  const listOf = async (socket: TestSocket) => (await socket.call('conversation_list', {})).items;
  const idsOf = async (socket: TestSocket) => (await listOf(socket)).map(({ id }) => id);

  async function only(socket: TestSocket) {
    const [conversation] = await listOf(socket);
    if (!conversation) throw new Error('no conversation');
    return conversation;
  }

  describe('conversation_list', () => {
    it('has a conversation from its first message on, for both, and for nobody else', async () => {
      const eve = await (await buildUser(app.url)).connect();
      expect(await idsOf(ear)).to.deep.equal([]);
      const sent = await send(mouth, bob.id);
      const { clientMessageId: _, ...message } = sent;
      expect(await only(ear)).to.deep.include({
        id: sent.conversationId,
        type: 'private',
        lastMessage: message,
        headSeq: 1,
        unread: 1,
        mentioned: 0,
        readSeq: 0,
        deliveredSeq: 0,
        peerReadSeq: 0,
        peerDeliveredSeq: 0,
        clearedSeq: 0,
        pinned: false,
        muted: false,
        updatedAt: sent.createdAt,
      });
      expect((await only(ear)).peer).to.include({ id: ann.id, relation: 'friend' });
      expect(await only(ear)).not.to.have.property('hidden');
      expect((await only(mouth)).unread).to.equal(0);
      expect(await idsOf(eve)).to.deep.equal([]);
      eve.close();
    });

    it('has pinned ones first and then the latest, and leads through them by pages', async () => {
      const { conversationId: oldest } = await send(mouth, bob.id);
      const others = [await buildWriter(), await buildWriter(), await buildWriter()].map(
        ({ message }) => message.conversationId,
      ) as [string, string, string];
      const [second, third, latest] = others;
      await ear.call('conversation_update', { conversationId: second, pinned: true });
      expect(await idsOf(ear)).to.deep.equal([second, latest, third, oldest]);
      await send(mouth, bob.id);
      const order = [second, oldest, latest, third];
      expect(await idsOf(ear)).to.deep.equal(order);

      const first = await ear.call('conversation_list', { limit: 1 });
      const rest = await ear.call('conversation_list', { limit: 2, cursor: first.nextCursor ?? '' });
      const end = await ear.call('conversation_list', { limit: 2, cursor: rest.nextCursor ?? '' });
      const paged = [first, rest, end].flatMap(({ items }) => items.map(({ id }) => id));
      expect([paged, end.nextCursor]).to.deep.equal([order, null]);
    });

    it('answers alike by its older name', async () => {
      await send(mouth, bob.id);
      const { body } = await bob.rest('GET', '/api/conversations');
      expect((await bob.rest('GET', '/api/message/conversations')).body).to.deep.equal(body);
      expect(body.items).to.deep.equal(await listOf(ear));
    });

    it('shows a recalled message as the last one, as recalled', async () => {
      await storage.recall(await send(mouth, bob.id));
      const { lastMessage } = await only(ear);
      expect(lastMessage).to.include({ content: null, seq: 1 });
      expect(lastMessage?.recalledAt).to.be.a('string');
    });

    it('keeps a conversation with who is no friend any more', async () => {
      await send(mouth, bob.id);
      await storage.unfriend(ann, bob);
      expect((await only(ear)).peer).to.include({ id: ann.id, relation: 'none' });
    });

    it('refuses a foreign cursor and a limit of 101', async () => {
      await ear.refused('conversation_list', { cursor: 'bm90IG91cnM' }, 'validation_failed');
      await ear.refused('conversation_list', { limit: 101 }, 'validation_failed');
    });
  });

  describe('unread_count', () => {
    it('leaves muted conversations out of the total, and names all that have something', async () => {
      const { conversationId } = await send(mouth, bob.id);
      await send(mouth, bob.id);
      const { message } = await buildWriter();
      const { user: readOne } = await buildWriter();
      await ear.call('conversation_read', { friendId: readOne.id });
      await ear.call('conversation_update', { conversationId, muted: true });
      const { total, conversations } = await ear.call('unread_count', {});
      expect(total).to.equal(1);
      expect(conversations).to.have.deep.members([
        { conversationId, unread: 2, mentioned: 0 },
        { conversationId: message.conversationId, unread: 1, mentioned: 0 },
      ]);
      for (const path of ['/api/messages/unread-count', '/api/message/unread-count'])
        expect((await bob.rest('GET', path)).body).to.deep.equal({ total, conversations });
    });

    it('is others’ messages that are neither recalled nor deleted nor cleared, the same wherever it is shown', async () => {
      const sent: Message[] = [];
      for (let count = 0; count < 6; count++) sent.push(await send(mouth, bob.id));
      await send(ear, ann.id);
      const [, second, third, fourth] = sent as [Message, Message, Message, Message];
      await ear.call('message_status_update', { messageId: sent[0]?.id ?? '', status: 'read' });
      await storage.recall(second);
      await storage.recall(third);
      await storage.deleteFor(bob, third);
      await storage.deleteFor(bob, fourth);
      await storage.deleteFor(ann, sent[4] as Message);
      expect((await ear.call('unread_count', {})).total).to.equal(2);
      expect((await only(ear)).unread).to.equal(2);
      expect((await ear.call('sync', {})).items[0]?.conversation.unread).to.equal(2);
      expect((await only(mouth)).unread).to.equal(1);
      await ear.call('conversation_clear', { conversationId: second.conversationId });
      expect(await ear.call('unread_count', {})).to.deep.equal({ total: 0, conversations: [] });
    });

    it('leaves out what I have hidden, until it comes back', async () => {
      const { conversationId } = await send(mouth, bob.id);
      await ear.call('conversation_hide', { conversationId });
      expect(await ear.call('unread_count', {})).to.deep.equal({ total: 0, conversations: [] });
      await send(mouth, bob.id);
      expect((await ear.call('unread_count', {})).total).to.equal(2);
    });
  });

  describe('conversation_update', () => {
    it('pins and mutes for me alone, and tells my other devices', async () => {
      const elsewhere = await bob.connect();
      const { conversationId } = await send(mouth, bob.id);
      const pinned = await ear.call('conversation_update', { conversationId, pinned: true });
      expect(pinned).to.include({ pinned: true, muted: false, unread: 1 });
      expect(await elsewhere.next('conversation_updated')).to.deep.equal(pinned);
      const { body } = await bob.rest('PATCH', `/api/conversations/${conversationId}`, { muted: true });
      expect(body).to.include({ pinned: true, muted: true });
      for (const socket of [elsewhere, ear])
        expect(await socket.next('conversation_updated')).to.deep.equal(body);
      expect(await only(mouth)).to.include({ pinned: false, muted: false });
      expect(ear.untaken('conversation_updated')).to.deep.equal([]);
      elsewhere.close();
    });

    it('repeated changes nothing and tells nobody', async () => {
      const elsewhere = await bob.connect();
      const { conversationId } = await send(mouth, bob.id);
      const change = { conversationId, pinned: true, muted: true };
      const first = await ear.call('conversation_update', change);
      const { since } = await ear.call('sync', {});
      expect(await ear.call('conversation_update', change)).to.deep.equal(first);
      const { items } = await ear.call('sync', { conversations: { [conversationId]: 1 }, since });
      expect(items).to.deep.equal([]);
      await ear.call('conversation_update', { conversationId, pinned: false });
      expect((await elsewhere.next('conversation_updated')).pinned).to.equal(true);
      expect((await elsewhere.next('conversation_updated')).pinned).to.equal(false);
      elsewhere.close();
    });

    it('pins fifty at the most, whatever is asked at the same time', async () => {
      const { conversationId } = await send(mouth, bob.id);
      await ear.call('conversation_update', { conversationId, pinned: true });
      const { message } = await buildWriter();
      const { message: third } = await buildWriter();
      await storage.addPinned(bob, 48);
      const asked = [message, third].map(({ conversationId }) =>
        ear.emit('conversation_update', { conversationId, pinned: true }),
      );
      const answers = await Promise.all(asked);
      expect(answers.map(({ ok }) => ok).sort()).to.deep.equal([false, true]);
      expect(answers.flatMap((answer) => (answer.ok ? [] : [answer.error.code]))).to.deep.equal([
        'limit_reached',
      ]);
      // what is pinned already stays so, and muting has no limit
      await ear.call('conversation_update', { conversationId, pinned: true, muted: true });
      expect((await listOf(ear)).filter(({ pinned }) => pinned)).to.have.length(2);
    });

    it('of a conversation that is not mine is like one that is none, for all that I could do with it', async () => {
      const { conversationId } = await send(mouth, bob.id);
      const eve = await (await buildUser(app.url)).connect();
      const problems = [];
      for (const id of [conversationId, nobody]) {
        const about = { conversationId: id };
        problems.push(
          await eve.refused('conversation_update', { ...about, pinned: true }, 'not_found'),
          await eve.refused('conversation_update', { ...about, muted: true }, 'not_found'),
          await eve.refused('conversation_hide', about, 'not_found'),
          await eve.refused('conversation_clear', about, 'not_found'),
        );
      }
      for (const problem of problems)
        expect(withoutRequestId(problem)).to.deep.equal(withoutRequestId(problems[0] ?? {}));
      expect(await only(ear)).to.include({ clearedSeq: 0, pinned: false });
      eve.close();
    });

    const refused: [string, object][] = [
      ['no change at all', {}],
      ['a pin that is no boolean', { pinned: 1 }],
      ['an unknown field', { pinned: true, hidden: true }],
    ];
    for (const [what, input] of refused)
      it(`refuses ${what}`, async () => {
        await ear.refused('conversation_update', { conversationId: nobody, ...input }, 'validation_failed');
      });
  });

  describe('conversation_hide', () => {
    it('takes it out of my list, with its pin, until the next message, whoever writes it', async () => {
      const elsewhere = await bob.connect();
      const { conversationId } = await send(mouth, bob.id);
      for (const writer of [() => send(mouth, bob.id), () => send(ear, ann.id)]) {
        await ear.call('conversation_update', { conversationId, pinned: true });
        expect((await elsewhere.next('conversation_updated')).pinned).to.equal(true);
        expect((await bob.rest('DELETE', `/api/conversations/${conversationId}`)).status).to.equal(204);
        expect(await elsewhere.next('conversation_updated')).to.include({ hidden: true, pinned: false });
        expect(await idsOf(ear)).to.deep.equal([]);
        expect(await idsOf(mouth)).to.deep.equal([conversationId]);
        await writer();
        expect(await idsOf(ear)).to.deep.equal([conversationId]);
        expect(await only(ear)).to.include({ pinned: false });
      }
      elsewhere.close();
    });

    it('repeated is harmless, and pinning brings it back', async () => {
      const { conversationId } = await send(mouth, bob.id);
      await ear.call('conversation_hide', { conversationId });
      await ear.call('conversation_hide', { conversationId });
      const back = await ear.call('conversation_update', { conversationId, pinned: true });
      expect(back).not.to.have.property('hidden');
      expect(await idsOf(ear)).to.deep.equal([conversationId]);
      await ear.call('conversation_hide', { conversationId });
      expect(await idsOf(ear)).to.deep.equal([]);
    });

    it('hides one that is cleared', async () => {
      const { conversationId } = await send(mouth, bob.id);
      await ear.call('conversation_clear', { conversationId });
      await ear.call('conversation_hide', { conversationId });
      expect(await idsOf(ear)).to.deep.equal([]);
    });
  });

  describe('conversation_clear', () => {
    it('forgets everything for me and nothing for the other', async () => {
      const elsewhere = await bob.connect();
      const first = await send(mouth, bob.id);
      const { conversationId } = first;
      await send(ear, ann.id);
      const before = await mouth.call('message_history', { friendId: bob.id });
      expect((await bob.rest('DELETE', `/api/conversations/${conversationId}/messages`)).status).to.equal(
        204,
      );
      const cleared = {
        clearedSeq: 2,
        readSeq: 2,
        deliveredSeq: 2,
        unread: 0,
        lastMessage: null,
        headSeq: 2,
      };
      expect(await elsewhere.next('conversation_updated')).to.include(cleared);
      expect(await only(ear)).to.include(cleared);
      expect((await ear.call('message_history', { friendId: ann.id })).items).to.deep.equal([]);
      expect(await mouth.call('message_history', { friendId: bob.id })).to.deep.equal(before);
      expect(await only(mouth)).to.include({ clearedSeq: 0, peerReadSeq: 0, peerDeliveredSeq: 0 });
      expect(mouth.untaken('message_read')).to.deep.equal([]);

      await send(mouth, bob.id, 'after');
      const after = await only(ear);
      expect(after).to.include({ unread: 1, readSeq: 2 });
      expect(after.lastMessage).to.include({ content: 'after', seq: 3 });
      const { items } = await ear.call('message_history', { friendId: ann.id });
      expect(items.map(({ seq }) => seq)).to.deep.equal([3]);
      elsewhere.close();
    });

    it('repeated is harmless and tells nobody', async () => {
      const elsewhere = await bob.connect();
      const { conversationId } = await send(mouth, bob.id);
      await ear.call('conversation_clear', { conversationId });
      await ear.call('conversation_clear', { conversationId });
      await ear.call('conversation_update', { conversationId, muted: true });
      expect((await elsewhere.next('conversation_updated')).muted).to.equal(false);
      expect((await elsewhere.next('conversation_updated')).muted).to.equal(true);
      elsewhere.close();
    });
  });
});
