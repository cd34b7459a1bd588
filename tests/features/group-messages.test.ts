import { expect } from 'chai';
import { Types } from 'mongoose';
import { pairIdOf } from '../../src/features/friends/friends.store.ts';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { buildUser, logInAgain, type TestUser } from '../support/builders.ts';
import { onDatabase } from '../support/friendship.ts';
import { buildGroup, createGroup, historyOf, kick, mute, promote, say, sendTo } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { closeAll, unfriend } from '../support/talk.ts';

const nobody = 'ffffffffffffffffffffffff';

const withoutRequest = (problem: object) => ({ ...problem, requestId: '' });
const textsOf = (messages: readonly Message[]) =>
  messages.filter(({ contentType }) => contentType !== 'system').map(({ content }) => content);

describe('messages: group_message', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  const codeOf = async (groupId: string, sender: TestUser, message: object = { content: 'hello' }) => {
    const { status, body } = await sendTo(groupId, sender, message);
    return status === 201 ? 'sent' : body.code;
  };

  it('reaches every device of all members but the acting one, whose acknowledgement carries it', async () => {
    const { id: groupId, owner, members } = await buildGroup(app.url);
    const ownerElsewhere = await logInAgain(app.url, owner);
    const acting = await owner.connect();
    const others = await Promise.all(
      [ownerElsewhere, members[0], members[0], members[1]].map((user) => user.connect()),
    );
    const sent = await acting.call('group_message', {
      groupId,
      content: 'hello',
      clientMessageId: 'first',
    });
    expect(sent).to.include({
      type: 'group',
      groupId,
      conversationId: groupId,
      seq: 2,
      senderId: owner.id,
      content: 'hello',
      clientMessageId: 'first',
      status: 'sent',
    });
    expect(sent).not.to.have.any.keys('receiverId', 'mentions');
    const { clientMessageId: _, ...pushed } = sent;
    for (const socket of others) expect(await socket.next('new_group_message')).to.deep.equal(pushed);

    const marker = await say(groupId, owner, 'marker');
    expect(await acting.next('new_group_message')).to.deep.equal(marker);
    for (const socket of [acting, ...others]) expect(socket.untaken('new_private_message')).to.deep.equal([]);
    closeAll(acting, ...others);
  });

  it('passes between members who are no friends, and who block each other', async () => {
    const { id: groupId, members } = await buildGroup(app.url);
    const [ann, bob] = members;
    const ear = await bob.connect();
    const first = await say(groupId, ann, 'between strangers');
    expect((await ear.next('new_group_message')).id).to.equal(first.id);
    await bob.rest('POST', '/api/friends/blacklist', { userId: ann.id });
    const second = await say(groupId, ann, 'blocked');
    expect((await ear.next('new_group_message')).id).to.equal(second.id);
    ear.close();
  });

  it('is not found by a stranger, for a nobody’s group and for a conversation of two, alike, and stores nothing', async () => {
    const group = await buildGroup(app.url);
    const eve = await buildUser(app.url);
    const [ann] = group.members;
    const ear = await eve.connect();
    const pairId = pairIdOf(ann.id, group.owner.id);
    await ann.rest('POST', `/api/messages/private/${group.owner.id}`, { content: 'between us' });
    const refusals = await Promise.all([
      sendTo(group.id, eve, { content: 'let me in' }),
      sendTo(nobody, eve, { content: 'let me in' }),
      sendTo(pairId, ann, { content: 'let me in' }),
      sendTo(group.id, eve, { content: 'let me in', mentions: [ann.id, 'all'] }),
    ]);
    for (const { status, body } of refusals) {
      expect([status, body.code]).to.deep.equal([404, 'not_found']);
      expect(withoutRequest(body)).to.deep.equal(withoutRequest(refusals[0]?.body ?? {}));
    }
    await say(group.id, ann, 'inside');
    expect(textsOf(await historyOf(group.id, ann))).to.deep.equal(['inside']);
    await eve.rest('PATCH', '/api/users/me', { bio: 'marker' });
    await ear.next('profile_updated');
    expect(ear.untaken('new_group_message')).to.deep.equal([]);
    ear.close();
  });

  it('is over for who was removed, who left, and everybody after the end of the group', async () => {
    const group = await buildGroup(app.url);
    const [ann, bob] = group.members;
    const earOfBob = await bob.connect();
    await kick(group, ann);
    expect(await codeOf(group.id, ann)).to.equal('not_found');
    await bob.rest('POST', `/api/groups/${group.id}/leave`);
    expect(await codeOf(group.id, bob)).to.equal('not_found');
    await say(group.id, group.owner, 'alone');
    await bob.rest('PATCH', '/api/users/me', { bio: 'marker' });
    await earOfBob.next('profile_updated');
    expect(earOfBob.untaken('new_group_message')).to.deep.equal([]);
    await group.owner.rest('DELETE', `/api/groups/${group.id}`);
    expect(await codeOf(group.id, group.owner)).to.equal('not_found');
    earOfBob.close();
  });

  describe('a repeat', () => {
    it('is answered with the one message that is stored, whatever the wire, and pushed once', async () => {
      const { id: groupId, owner, members } = await buildGroup(app.url);
      const [mouth, ear] = await Promise.all([owner.connect(), members[0].connect()]);
      const message = { groupId, content: 'once', clientMessageId: 'k', mentions: [members[0].id] };
      const first = await mouth.call('group_message', message);
      const { status, body } = await sendTo(groupId, owner, { ...message, groupId: undefined });
      expect(status).to.equal(201);
      for (const repeat of [body, await mouth.call('group_message', message)])
        expect(repeat).to.deep.equal(first);
      const marker = await mouth.call('group_message', { groupId, content: 'marker' });
      expect(marker.seq).to.equal(first.seq + 1);
      expect((await ear.next('new_group_message')).id).to.equal(first.id);
      expect((await ear.next('new_group_message')).id).to.equal(marker.id);
      closeAll(mouth, ear);
    });

    it('with another text, other mentions or for another group is another message: refused', async () => {
      const { id: groupId, owner, members } = await buildGroup(app.url);
      const [{ id: annId }, { id: bobId }] = members;
      const elsewhere = await createGroup(owner, members);
      const message = { content: 'one', clientMessageId: 'k', mentions: [annId] };
      await sendTo(groupId, owner, message);
      for (const other of [{ content: 'two' }, { mentions: [bobId] }, { mentions: undefined }])
        expect(await codeOf(groupId, owner, { ...message, ...other })).to.equal('idempotency_mismatch');
      expect(await codeOf(elsewhere, owner, message)).to.equal('idempotency_mismatch');
      expect(textsOf(await historyOf(groupId, owner))).to.deep.equal(['one']);
    });

    it('is answered as before to who may not write there any more', async () => {
      const group = await buildGroup(app.url);
      const [ann] = group.members;
      const message = { content: 'before', clientMessageId: 'k' };
      const { body: first } = await sendTo(group.id, ann, message);
      await mute(group, ann);
      expect((await sendTo(group.id, ann, message)).body).to.deep.equal(first);
      expect(await codeOf(group.id, ann, { ...message, content: 'other' })).to.equal('idempotency_mismatch');
      expect(await codeOf(group.id, ann)).to.equal('muted');
    });

    it('tells who was removed that it is stored, and nothing of what others said and made of it', async () => {
      const group = await buildGroup(app.url);
      const [ann, bob] = group.members;
      const original = await say(group.id, bob, 'secret of the group');
      const message = { content: 'mine', clientMessageId: 'k', replyTo: original.id };
      const { body: first } = await sendTo(group.id, ann, message);
      await bob.rest('PUT', `/api/messages/${String(first.id)}/reactions/👍`);
      await kick(group, ann);
      const { replyTo: _, ...own } = first;
      const { status, body } = await sendTo(group.id, ann, message);
      expect([status, body]).to.deep.equal([201, { ...own, rev: 2 }]);
      expect(await codeOf(group.id, ann)).to.equal('not_found');
      await group.owner.rest('POST', `/api/messages/${String(first.id)}/recall`);
      expect((await sendTo(group.id, ann, message)).body).to.include({ id: first.id, content: null });
    });
  });

  describe('mentions', () => {
    it('come with the message, each once, in acknowledgement, push and history', async () => {
      const { id: groupId, owner, members } = await buildGroup(app.url);
      const [ann, bob] = members;
      const ear = await bob.connect();
      const mentions = [ann.id, 'all', bob.id.toUpperCase(), ann.id, owner.id, 'all'];
      const { body: sent } = await sendTo(groupId, owner, { content: 'hey', mentions });
      expect(sent.mentions).to.deep.equal([ann.id, 'all', bob.id, owner.id]);
      expect((await ear.next('new_group_message')).mentions).to.deep.equal(sent.mentions);
      expect((await historyOf(groupId, ann)).at(-1)?.mentions).to.deep.equal(sent.mentions);
      const { body: none } = await sendTo(groupId, owner, { content: 'hey', mentions: [] });
      expect(none).not.to.have.property('mentions');
      ear.close();
    });

    it('of who is no member are refused, naming the field', async () => {
      const group = await buildGroup(app.url);
      const [ann, bob] = group.members;
      await kick(group, bob);
      for (const stranger of [bob.id, (await buildUser(app.url)).id, nobody]) {
        const { status, body } = await sendTo(group.id, ann, {
          content: 'hey',
          mentions: [ann.id, stranger],
        });
        expect([status, body.code]).to.deep.equal([400, 'validation_failed']);
        expect((body.errors as { path: string }[]).map(({ path }) => path)).to.deep.equal(['mentions']);
      }
      expect(textsOf(await historyOf(group.id, ann))).to.deep.equal([]);
    });

    it('that are none are refused', async () => {
      const { id: groupId, owner } = await buildGroup(app.url);
      const tooMany = Array.from({ length: 101 }, () => owner.id);
      for (const mentions of ['all', ['everybody'], [null], [{ $ne: 1 }], { 0: owner.id }, tooMany])
        expect(await codeOf(groupId, owner, { content: 'hey', mentions })).to.equal('validation_failed');
      expect(await codeOf(groupId, owner, { content: 'hey', mentions: tooMany.slice(1) })).to.equal('sent');
    });

    it('of all are for admins, until the group lets its members', async () => {
      const group = await buildGroup(app.url);
      const [ann, bob] = group.members;
      await promote(group, bob);
      const all = { content: 'hey', mentions: ['all'] };
      expect(await codeOf(group.id, ann, all)).to.equal('not_allowed');
      expect(await codeOf(group.id, bob, all)).to.equal('sent');
      expect(await codeOf(group.id, group.owner, all)).to.equal('sent');
      const settings = { whoCanMentionAll: 'members' };
      await group.owner.rest('PATCH', `/api/groups/${group.id}`, { settings });
      expect(await codeOf(group.id, ann, all)).to.equal('sent');
    });
  });

  describe('a mute', () => {
    it('says until when, and is over then by itself', async () => {
      const group = await buildGroup(app.url);
      const [ann, bob] = group.members;
      await mute(group, ann, 5);
      const { status, body } = await sendTo(group.id, ann, { content: 'hello' });
      expect([status, body.code]).to.deep.equal([403, 'muted']);
      const inMinutes = (Date.parse(String(body.until)) - Date.now()) / 60_000;
      expect(inMinutes).to.be.within(4.5, 5);
      expect(await codeOf(group.id, bob)).to.equal('sent');
      await letMuteEnd(group.id);
      expect(await codeOf(group.id, ann)).to.equal('sent');
    });

    it('can be lifted', async () => {
      const group = await buildGroup(app.url);
      const [ann] = group.members;
      await mute(group, ann);
      expect(await codeOf(group.id, ann)).to.equal('muted');
      await group.owner.rest('DELETE', `/api/groups/${group.id}/members/${ann.id}/mute`);
      expect(await codeOf(group.id, ann)).to.equal('sent');
    });

    it('of all leaves the word to admins, and says no time', async () => {
      const group = await buildGroup(app.url);
      const [ann, bob] = group.members;
      await promote(group, bob);
      await group.owner.rest('PUT', `/api/groups/${group.id}/mute`);
      const { status, body } = await sendTo(group.id, ann, { content: 'hello' });
      expect([status, body.code, body.until]).to.deep.equal([403, 'muted', null]);
      expect(await codeOf(group.id, bob)).to.equal('sent');
      expect(await codeOf(group.id, group.owner)).to.equal('sent');
      await group.owner.rest('DELETE', `/api/groups/${group.id}/mute`);
      expect(await codeOf(group.id, ann)).to.equal('sent');
    });

    async function letMuteEnd(groupId: string): Promise<void> {
      await onDatabase(app, async (connection) => {
        const filter = {
          conversationId: new Types.ObjectId(groupId),
          mutedUntil: { $ne: null },
        };
        const { modifiedCount } = await connection
          .collection('memberships')
          .updateOne(filter, { $set: { mutedUntil: new Date() } });
        expect(modifiedCount).to.equal(1);
      });
    }
  });

  it('is refused with the contents that no friend would be sent, and stores nothing', async () => {
    const { id: groupId, owner } = await buildGroup(app.url);
    for (const message of [
      {},
      { content: ' ' },
      { content: 'x'.repeat(4001) },
      { content: 'x', contentType: 'system' },
      { content: 'x', clientMessageId: 'x'.repeat(65) },
      { content: 'x', forwardOf: nobody },
    ])
      expect(await codeOf(groupId, owner, message)).to.equal('validation_failed');
    expect(textsOf(await historyOf(groupId, owner))).to.deep.equal([]);
  });

  it('does not need its sender to have friends there', async () => {
    const { id: groupId, owner, members } = await buildGroup(app.url);
    await unfriend(owner, members[0]);
    expect(await codeOf(groupId, members[0])).to.equal('sent');
  });
});
