import { expect } from 'chai';
import { Types } from 'mongoose';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { buildUser, type TestUser } from '../support/builders.ts';
import type { TestSocket } from '../support/clients.ts';
import { onDatabase } from '../support/friendship.ts';
import { buildGroup, historyOf, invite, kick, mute, promote, say, sendTo } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { closeAll, logOf } from '../support/talk.ts';

describe('messages: changes in groups', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  async function letMinutesPass(messageId: string, minutes: number): Promise<void> {
    const createdAt = new Date(Date.now() - minutes * 60_000);
    await onDatabase(app, async (connection) => {
      const _id = new Types.ObjectId(messageId);
      await connection.collection('messages').updateOne({ _id }, { $set: { createdAt } });
    });
  }

  const recall = (user: TestUser, { id }: Pick<Message, 'id'>) =>
    user.rest('POST', `/api/messages/${id}/recall`);
  const edit = (user: TestUser, { id }: Pick<Message, 'id'>, content = 'changed') =>
    user.rest('PATCH', `/api/messages/${id}`, { content });
  const react = (user: TestUser, { id }: Pick<Message, 'id'>, method = 'PUT') =>
    user.rest(method, `/api/messages/${id}/reactions/👍`);
  const outcomeOf = async (call: ReturnType<TestUser['rest']>) => {
    const { status, body } = await call;
    return status < 300 ? 'done' : body.code;
  };
  /** A group of four: its owner, the admin Adam, Ann and Bob; and an ear of Bob’s. */
  async function buildStaffed() {
    const group = await buildGroup(app.url, { memberCount: 3 });
    const [ann, bob, adam] = group.members as [TestUser, TestUser, TestUser];
    await promote(group, adam);
    return { group, owner: group.owner, ann, bob, adam, ear: await bob.connect() };
  }

  describe('message_recall', () => {
    it('by its sender takes the content and the mentions from everybody, and tells the room', async () => {
      const { group, ann, bob, ear } = await buildStaffed();
      const { body } = await sendTo(group.id, ann, { content: 'secret', mentions: [bob.id] });
      const sent = body as unknown as Message;
      await react(bob, sent);
      const acting = await ann.connect();
      const recalled = await acting.call('message_recall', { messageId: sent.id });
      expect(recalled).to.include({ id: sent.id, content: null, recalledBy: ann.id, rev: 3 });
      expect(recalled).not.to.have.any.keys('mentions', 'reactions');
      const told = await ear.next('message_recalled');
      expect(told).to.include({ messageId: sent.id, messageSeq: sent.seq, recalledBy: ann.id, rev: 3 });
      expect(await acting.next('message_recalled')).to.deep.equal(told);
      const log = await logOf(bob);
      expect(JSON.stringify(log)).not.to.contain('secret');
      expect(log.find(({ id }) => id === sent.id)).not.to.have.any.keys('mentions', 'reactions');
      expect(log.at(-1)?.content).to.deep.equal({ event: 'message_recalled', data: told });
      closeAll(acting, ear);
    });

    it('is the sender’s for two minutes, an admin’s over members at any time, and the owner’s over everybody', async () => {
      const { group, owner, ann, bob, adam, ear } = await buildStaffed();
      const allowed: [TestUser, TestUser][] = [
        [adam, ann],
        [owner, ann],
        [owner, adam],
        [owner, owner],
      ];
      for (const [actor, author] of allowed) {
        const message = await say(group.id, author, 'old');
        await letMinutesPass(message.id, 600);
        const { body } = await recall(actor, message);
        expect(body).to.include({ content: null, senderId: author.id, recalledBy: actor.id });
        expect(await ear.next('message_recalled')).to.include({ recalledBy: actor.id });
        expect(await outcomeOf(recall(author, message))).to.equal('done');
      }
      const refused: [TestUser, TestUser, string][] = [
        [ann, bob, 'not_allowed'],
        [ann, owner, 'not_allowed'],
        [adam, owner, 'not_allowed'],
        [ann, ann, 'recall_expired'],
        [adam, adam, 'recall_expired'],
      ];
      for (const [actor, author, code] of refused) {
        const message = await say(group.id, author, 'old');
        await letMinutesPass(message.id, 3);
        expect(await outcomeOf(recall(actor, message))).to.equal(code);
      }
      ear.close();
    });

    it('between admins is refused, and reaches what was written by who has left, whatever they were', async () => {
      const { group, ann, bob, adam, ear } = await buildStaffed();
      const byBob = await say(group.id, bob, 'old');
      await promote(group, bob);
      expect(await outcomeOf(recall(adam, byBob))).to.equal('not_allowed');
      await bob.rest('POST', `/api/groups/${group.id}/leave`);
      expect(await outcomeOf(recall(ann, byBob))).to.equal('not_allowed');
      expect(await outcomeOf(recall(adam, byBob))).to.equal('done');
      ear.close();
    });

    it('stays possible for who is muted, and is over for who has left', async () => {
      const { group, ann, bob, ear } = await buildStaffed();
      const [first, second] = [await say(group.id, ann, 'first'), await say(group.id, ann, 'second')];
      await mute(group, ann);
      expect(await outcomeOf(recall(ann, first))).to.equal('done');
      await kick(group, ann);
      expect(await outcomeOf(recall(ann, second))).to.equal('not_found');
      await invite(group, ann);
      expect(await outcomeOf(recall(ann, second))).to.equal('not_found');
      expect((await historyOf(group.id, bob)).find(({ id }) => id === second.id)?.content).to.equal('second');
      ear.close();
    });

    it('does not reach what an admin may not know of, from before they came', async () => {
      const { group, ann, bob, ear } = await buildStaffed();
      const before = await say(group.id, ann, 'before');
      await kick(group, bob);
      await invite(group, bob);
      await promote(group, bob);
      expect(await outcomeOf(recall(bob, before))).to.equal('not_found');
      expect(await outcomeOf(bob.rest('DELETE', `/api/messages/${before.id}`))).to.equal('not_found');
      ear.close();
    });
  });

  describe('message_edit and message_react', () => {
    it('reach everybody in the room, the acting socket too', async () => {
      const { group, ann, bob, ear } = await buildStaffed();
      const message = await say(group.id, ann, 'hello');
      const acting = await ann.connect();
      await acting.call('message_edit', { messageId: message.id, content: 'goodbye' });
      const edited = await ear.next('message_edited');
      expect(edited).to.include({ messageId: message.id, content: 'goodbye', rev: 2 });
      expect(await acting.next('message_edited')).to.deep.equal(edited);
      await ear.call('message_react', { messageId: message.id, emoji: '👍', active: true });
      const reacted = await acting.next('message_reacted');
      expect(reacted).to.include({ messageId: message.id, userId: bob.id, emoji: '👍', active: true });
      expect(await ear.next('message_reacted')).to.deep.equal(reacted);
      expect((await historyOf(group.id, group.owner)).at(-1)).to.deep.include({
        content: 'goodbye',
        reactions: [{ emoji: '👍', count: 1, userIds: [bob.id] }],
      });
      closeAll(acting, ear);
    });

    it('are for members who may write: refused to who is muted, with the time, and not found by who has left', async () => {
      const { group, owner, ann, bob, adam, ear } = await buildStaffed();
      const message = await say(group.id, ann, 'hello');
      expect(await outcomeOf(edit(adam, message))).to.equal('not_allowed');
      await react(ann, message);
      await mute(group, ann);
      for (const call of [edit(ann, message), react(ann, message, 'DELETE')]) {
        const { status, body } = await call;
        expect([status, body.code]).to.deep.equal([403, 'muted']);
        expect(Date.parse(String(body.until))).to.be.above(Date.now());
      }
      await owner.rest('PUT', `/api/groups/${group.id}/mute`);
      expect((await react(bob, message)).body).to.include({ code: 'muted', until: null });
      expect(await outcomeOf(react(adam, message))).to.equal('done');
      await owner.rest('DELETE', `/api/groups/${group.id}/mute`);
      await kick(group, ann);
      const eve = await buildUser(app.url);
      for (const outsider of [ann, eve])
        for (const call of [edit(outsider, message), react(outsider, message)])
          expect(await outcomeOf(call)).to.equal('not_found');
      expect((await historyOf(group.id, bob)).find(({ id }) => id === message.id)).to.include({
        content: 'hello',
        rev: 3,
      });
      ear.close();
    });

    it('show the new text to nobody who came after the message, live as later', async () => {
      const { group, ann, bob, ear } = await buildStaffed();
      const message = await say(group.id, ann, 'hello');
      await kick(group, bob);
      await invite(group, bob);
      const cid = group.members[2] as TestUser;
      await kick(group, cid);
      await group.owner.rest('PATCH', `/api/groups/${group.id}`, { settings: { newcomersSeeHistory: true } });
      await invite(group, cid);
      const [earOfOwner, earOfCid] = [await group.owner.connect(), await cid.connect()];
      await edit(ann, message, 'secret');
      const told = await earOfOwner.next('message_edited');
      expect(told.content).to.equal('secret');
      expect(await earOfCid.next('message_edited')).to.deep.equal(told);
      expect(await ear.next('message_edited')).to.deep.equal({ ...told, content: null });
      expect(JSON.stringify(await logOf(bob))).not.to.contain('secret');
      expect(ear.untaken('message_edited')).to.deep.equal([]);
      closeAll(ear, earOfOwner, earOfCid);
    });

    it('are heard by nobody outside', async () => {
      const { group, ann, ear } = await buildStaffed();
      const message = await say(group.id, ann, 'hello');
      const eve = await buildUser(app.url);
      const [gone, stranger] = (await Promise.all([group.members[1].connect(), eve.connect()])) as [
        TestSocket,
        TestSocket,
      ];
      await kick(group, group.members[1]);
      await edit(ann, message, 'secret');
      await react(ann, message);
      await recall(ann, message);
      for (const [user, socket] of [
        [group.members[1], gone],
        [eve, stranger],
      ] as const) {
        await user.rest('PATCH', '/api/users/me', { bio: 'marker' });
        await socket.next('profile_updated');
        for (const event of ['message_edited', 'message_reacted', 'message_recalled'] as const)
          expect(socket.untaken(event)).to.deep.equal([]);
      }
      closeAll(gone, stranger, ear);
    });
  });

  describe('message_delete', () => {
    it('takes a message from me alone', async () => {
      const { group, ann, bob, ear } = await buildStaffed();
      const message = await say(group.id, ann, 'hello');
      await ear.call('message_delete', { messageId: message.id });
      const has = async (user: TestUser) =>
        (await historyOf(group.id, user)).some(({ id }) => id === message.id);
      expect([await has(ann), await has(bob)]).to.deep.equal([true, false]);
      expect((await logOf(bob)).find(({ id }) => id === message.id)).to.include({ content: null });
      ear.close();
    });

    it('leaves me the message before it as the last one, whatever happened to the group in between', async () => {
      const { group, ann, adam, ear } = await buildStaffed();
      const first = await say(group.id, ann, 'first');
      await kick(group, adam);
      const third = await say(group.id, ann, 'third');
      const lastMessage = async () =>
        (await ear.call('conversation_list', {})).items.find(({ id }) => id === group.id)?.lastMessage;
      await ear.call('message_delete', { messageId: third.id });
      expect(await lastMessage()).to.include({ id: first.id });
      await ear.call('message_delete', { messageId: first.id });
      expect(await lastMessage()).to.equal(null);
      ear.close();
    });
  });
});
