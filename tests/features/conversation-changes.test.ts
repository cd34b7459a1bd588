import { expect } from 'chai';
import { buildUser } from '../support/builders.ts';
import { buildWriter, describePair, idsOf, listOf, only, send } from '../support/conversations.ts';

const nobody = 'f'.repeat(24);
const withoutRequestId = (problem: object) => ({ ...problem, requestId: '' });

describe('conversations: what I change for myself', () => {
  const pair = describePair();

  describe('conversation_update', () => {
    it('pins and mutes for me alone, and tells my other devices', async () => {
      const { bob, mouth, ear } = pair;
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
      const { bob, mouth, ear } = pair;
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
      const { app, storage, bob, mouth, ear } = pair;
      const { conversationId } = await send(mouth, bob.id);
      await ear.call('conversation_update', { conversationId, pinned: true });
      const { message } = await buildWriter(app, bob);
      const { message: third } = await buildWriter(app, bob);
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
      const { app, bob, mouth, ear } = pair;
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
        const { ear } = pair;
        await ear.refused('conversation_update', { conversationId: nobody, ...input }, 'validation_failed');
      });
  });

  describe('conversation_hide', () => {
    it('takes it out of my list, with its pin, until the next message, whoever writes it', async () => {
      const { ann, bob, mouth, ear } = pair;
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
      const { bob, mouth, ear } = pair;
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
      const { bob, mouth, ear } = pair;
      const { conversationId } = await send(mouth, bob.id);
      await ear.call('conversation_clear', { conversationId });
      await ear.call('conversation_hide', { conversationId });
      expect(await idsOf(ear)).to.deep.equal([]);
    });
  });

  describe('conversation_clear', () => {
    it('forgets everything for me and nothing for the other', async () => {
      const { ann, bob, mouth, ear } = pair;
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
      const { bob, mouth, ear } = pair;
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
