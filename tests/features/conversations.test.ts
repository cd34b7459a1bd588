import { expect } from 'chai';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { buildUser } from '../support/builders.ts';
import { buildWriter, describePair, idsOf, listOf, only, send } from '../support/conversations.ts';

describe('conversations', () => {
  const pair = describePair();

  describe('conversation_list', () => {
    it('has a conversation from its first message on, for both, and for nobody else', async () => {
      const { app, ann, bob, mouth, ear } = pair;
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
      const { app, bob, mouth, ear } = pair;
      const { conversationId: oldest } = await send(mouth, bob.id);
      const others = [
        await buildWriter(app, bob),
        await buildWriter(app, bob),
        await buildWriter(app, bob),
      ].map(({ message }) => message.conversationId) as [string, string, string];
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
      const { bob, mouth, ear } = pair;
      await send(mouth, bob.id);
      const { body } = await bob.rest('GET', '/api/conversations');
      expect((await bob.rest('GET', '/api/message/conversations')).body).to.deep.equal(body);
      expect(body.items).to.deep.equal(await listOf(ear));
    });

    it('shows a recalled message as the last one, as recalled', async () => {
      const { storage, bob, mouth, ear } = pair;
      await storage.recall(await send(mouth, bob.id));
      const { lastMessage } = await only(ear);
      expect(lastMessage).to.include({ content: null, seq: 1 });
      expect(lastMessage?.recalledAt).to.be.a('string');
    });

    it('keeps a conversation with who is no friend any more', async () => {
      const { storage, ann, bob, mouth, ear } = pair;
      await send(mouth, bob.id);
      await storage.unfriend(ann, bob);
      expect((await only(ear)).peer).to.include({ id: ann.id, relation: 'none' });
    });

    it('refuses a foreign cursor and a limit of 101', async () => {
      const { ear } = pair;
      await ear.refused('conversation_list', { cursor: 'bm90IG91cnM' }, 'validation_failed');
      await ear.refused('conversation_list', { limit: 101 }, 'validation_failed');
    });
  });

  describe('unread_count', () => {
    it('leaves muted conversations out of the total, and names all that have something', async () => {
      const { app, bob, mouth, ear } = pair;
      const { conversationId } = await send(mouth, bob.id);
      await send(mouth, bob.id);
      const { message } = await buildWriter(app, bob);
      const { user: readOne } = await buildWriter(app, bob);
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
      const { storage, ann, bob, mouth, ear } = pair;
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
      const { bob, mouth, ear } = pair;
      const { conversationId } = await send(mouth, bob.id);
      await ear.call('conversation_hide', { conversationId });
      expect(await ear.call('unread_count', {})).to.deep.equal({ total: 0, conversations: [] });
      await send(mouth, bob.id);
      expect((await ear.call('unread_count', {})).total).to.equal(2);
    });
  });
});
