import { expect } from 'chai';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { buildFriends, buildUser, logInAgain } from '../support/builders.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { buildTalk, closeAll, logOf, unfriend } from '../support/talk.ts';

describe('messages: reactions and deletions for oneself', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  describe('message_react', () => {
    it('sets one of each emoji per person, withdraws it, and tells every device', async () => {
      const { ann, bob, mouth, ear, message } = await buildTalk(app.url);
      const react = { messageId: message.id, emoji: '👍🏽', active: true };
      await ear.call('message_react', react);
      expect(await mouth.next('message_reacted')).to.deep.equal({
        ...react,
        conversationId: message.conversationId,
        seq: 2,
        messageSeq: 1,
        rev: 2,
        userId: bob.id,
      });
      await ear.next('message_reacted');
      const { reactions } = await mouth.call('message_react', react);
      expect(reactions).to.deep.equal([{ emoji: '👍🏽', count: 2, userIds: [bob.id, ann.id] }]);
      const path = `/api/messages/${message.id}/reactions/${encodeURIComponent('👍🏽')}`;
      const repeated = await ann.rest('PUT', path);
      expect(repeated.body.reactions).to.deep.equal(reactions);
      await ann.rest('DELETE', path);
      const { body } = await bob.rest('DELETE', path);
      expect(body).not.to.have.property('reactions');
      expect((await bob.rest('DELETE', path)).status).to.equal(200);
      expect((await logOf(ann)).map(({ seq }) => seq)).to.deep.equal([1, 2, 3, 4, 5]);
      closeAll(mouth, ear);
    });

    it('takes one emoji and nothing else', async () => {
      const { mouth, ear, message } = await buildTalk(app.url);
      for (const emoji of ['', 'a', '1', '👍👍', '👍\u0301', ' 👍', '👍'.repeat(40), '$where', null, 5])
        await mouth.refused(
          'message_react',
          { messageId: message.id, emoji, active: true },
          'validation_failed',
        );
      for (const emoji of ['❤', '❤️', '👩‍🚀', '🇨🇳', '1️⃣', '🏴󠁧󠁢󠁥󠁮󠁧󠁿'])
        await mouth.call('message_react', { messageId: message.id, emoji, active: true });
      closeAll(mouth, ear);
    });

    it('stops at twenty emojis per message', async () => {
      const { mouth, ear, message } = await buildTalk(app.url);
      const emojis = [...'😀😁😂😃😄😅😆😇😈😉😊😋😌😍😎😏😐😑😒😓'];
      for (const emoji of emojis)
        await mouth.call('message_react', { messageId: message.id, emoji, active: true });
      const more = { messageId: message.id, emoji: '👍', active: true };
      await mouth.refused('message_react', more, 'limit_reached');
      await ear.call('message_react', { ...more, emoji: emojis[0] as string });
      closeAll(mouth, ear);
    });

    it('is refused to strangers, ex-friends, after a recall and of what is no message', async () => {
      const { ann, bob, mouth, ear, message } = await buildTalk(app.url);
      const eve = await (await buildUser(app.url)).connect();
      const react = { messageId: message.id, emoji: '👍', active: true };
      await eve.refused('message_react', react, 'not_found');
      await mouth.call('message_recall', { messageId: message.id });
      await ear.refused('message_react', react, 'message_recalled');
      const entryId = (await logOf(ann))[1]?.id;
      await ear.refused('message_react', { ...react, messageId: entryId }, 'not_found');
      const other = await mouth.call('private_message', { receiverId: bob.id, content: 'other' });
      await unfriend(ann, bob);
      await ear.refused('message_react', { ...react, messageId: other.id }, 'not_allowed');
      closeAll(mouth, ear, eve);
    });

    it('loses nothing when both react at the same time, over and over', async () => {
      const { ann, bob, mouth, ear, message } = await buildTalk(app.url);
      const emojis = [...'😀😁😂😃😄😅😆😇'];
      await Promise.all(
        emojis.flatMap((emoji) =>
          [mouth, ear].map((socket) =>
            socket.call('message_react', { messageId: message.id, emoji, active: true }),
          ),
        ),
      );
      const log = await logOf(ann);
      expect(log.map(({ seq }) => seq)).to.deep.equal(log.map((_, index) => index + 1));
      expect(log).to.have.length(1 + 2 * emojis.length);
      for (const { count, userIds } of log[0]?.reactions ?? []) {
        expect(count).to.equal(2);
        expect(userIds).to.have.members([ann.id, bob.id]);
      }
      expect(log[0]?.rev).to.equal(1 + 2 * emojis.length);
      const revs = log.slice(1).map(({ content }) => (content as { data: { rev: number } }).data.rev);
      expect(revs).to.deep.equal(revs.map((_, index) => index + 2));
      closeAll(mouth, ear);
    });
  });

  describe('message_delete', () => {
    it('hides a message from me alone, on every device, and keeps its place in the log', async () => {
      const { ann, bob, mouth, ear, message } = await buildTalk(app.url);
      await mouth.call('private_message', { receiverId: bob.id, content: 'second' });
      const elsewhere = await (await logInAgain(app.url, bob)).connect();
      await ear.call('message_delete', { messageId: message.id });
      expect(await elsewhere.next('message_deleted')).to.deep.equal({
        messageId: message.id,
        conversationId: message.conversationId,
        messageSeq: 1,
      });
      expect((await bob.rest('DELETE', `/api/messages/${message.id}`)).status).to.equal(204);
      expect((await logOf(bob)).map(({ content }) => content)).to.deep.equal([null, 'second']);
      const history = (await ear.call('message_history', { friendId: ann.id })).items;
      expect(history.map(({ content }) => content)).to.deep.equal(['second']);
      const others = (await mouth.call('message_history', { friendId: bob.id })).items;
      expect(others.map(({ content }) => content)).to.deep.equal(['hello', 'second']);
      await mouth.call('message_edit', { messageId: message.id, content: 'changed' });
      expect(JSON.stringify(await logOf(bob))).not.to.contain('changed');
      const react = { messageId: message.id, emoji: '👍', active: true };
      await ear.refused('message_react', react, 'not_found');
      closeAll(mouth, ear, elsewhere);
    });

    it('is not found for a stranger, and pages go on beyond what is deleted', async () => {
      const [ann, bob] = await buildFriends(app.url);
      const socket = await ann.connect();
      const sent: Message[] = [];
      for (let index = 0; index < 30; index++)
        sent.push(await socket.call('private_message', { receiverId: bob.id, content: `m${index}` }));
      await (await buildUser(app.url)).rest('DELETE', `/api/messages/${sent[0]?.id}`).then(({ status }) => {
        expect(status).to.equal(404);
      });
      for (const { id } of sent.slice(5, 25)) await socket.call('message_delete', { messageId: id });
      const seen: unknown[] = [];
      let before: number | undefined;
      for (;;) {
        const page = await socket.call('message_history', { friendId: bob.id, limit: 2, before });
        expect(page.items).not.to.be.empty;
        seen.unshift(...page.items.map(({ content }) => content));
        if (page.nextCursor === null) break;
        before = page.nextCursor;
      }
      const kept = [...sent.slice(0, 5), ...sent.slice(25)].map(({ content }) => content);
      expect(seen).to.deep.equal(kept);
      socket.close();
    });
  });
});
