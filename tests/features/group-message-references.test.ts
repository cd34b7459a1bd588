import { expect } from 'chai';
import { unzipSync } from 'fflate';
import type { File } from '../../src/features/files/files.contract.ts';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import type { TestUser } from '../support/builders.ts';
import { upload } from '../support/files.ts';
import { buildGroup, createGroup, historyOf, invite, kick, mute, say, sendTo } from '../support/groups.ts';
import { searchAll, untilIndexed } from '../support/message-search.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

describe('messages: what messages in groups refer to', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  const sendToFriend = (from: TestUser, to: TestUser, message: object) =>
    from.rest('POST', `/api/messages/private/${to.id}`, message);
  const codeOf = async (call: ReturnType<TestUser['rest']>) => {
    const { status, body } = await call;
    return status === 201 ? 'sent' : body.code;
  };

  describe('a reply', () => {
    it('carries its original as it is now, to everybody', async () => {
      const { id: groupId, owner, members } = await buildGroup(app.url);
      const ear = await members[1].connect();
      const original = await say(groupId, owner, 'question');
      const { body } = await sendTo(groupId, members[0], { content: 'answer', replyTo: original.id });
      const quote = { id: original.id, senderId: owner.id, contentType: 'text', recalledAt: null };
      expect(body.replyTo).to.deep.equal({ ...quote, content: 'question' });
      await ear.next('new_group_message');
      expect((await ear.next('new_group_message')).replyTo).to.deep.equal(body.replyTo);
      await owner.rest('POST', `/api/messages/${original.id}/recall`);
      expect((await historyOf(groupId, members[1])).at(-1)?.replyTo).to.include({ content: null });
      ear.close();
    });

    it('finds messages of its own group alone, and none from before its sender came', async () => {
      const group = await buildGroup(app.url);
      const { id: groupId, owner, members } = group;
      const [ann, bob] = members;
      const elsewhere = await createGroup(owner, members);
      const other = await say(elsewhere, owner, 'elsewhere');
      const { body: between } = await sendToFriend(owner, ann, { content: 'between us' });
      const before = await say(groupId, owner, 'before');
      await kick(group, ann);
      await invite(group, ann);
      for (const replyTo of [other.id, String(between.id), before.id])
        expect(await codeOf(sendTo(groupId, ann, { content: 'x', replyTo }))).to.equal('not_found');
      expect(await codeOf(sendTo(groupId, bob, { content: 'x', replyTo: before.id }))).to.equal('sent');
      expect(await codeOf(sendToFriend(ann, owner, { content: 'x', replyTo: other.id }))).to.equal(
        'not_found',
      );
    });
  });

  describe('a forward', () => {
    it('goes from a group to a friend, back, and to another group; it names no source, and calls nobody', async () => {
      const { id: groupId, owner, members } = await buildGroup(app.url);
      const [ann] = members;
      const elsewhere = await createGroup(owner, members);
      const { body: original } = await sendTo(groupId, ann, { content: 'news', mentions: [owner.id] });
      const { body: toFriend } = await sendToFriend(owner, ann, { forwardOf: original.id });
      const { body: back } = await sendTo(groupId, ann, { forwardOf: toFriend.id });
      const { body: on } = await sendTo(elsewhere, owner, { forwardOf: original.id });
      for (const forwarded of [toFriend, back, on]) {
        expect(forwarded).to.include({ content: 'news', forwarded: true });
        expect(forwarded).not.to.have.property('mentions');
      }
      await ann.rest('POST', `/api/messages/${String(original.id)}/recall`);
      expect((await historyOf(elsewhere, members[1])).at(-1)?.content).to.equal('news');
    });

    it('is refused where its sender may not write, or does not see the original', async () => {
      const group = await buildGroup(app.url);
      const { id: groupId, owner, members } = group;
      const [ann, bob] = members;
      const elsewhere = await createGroup(owner, [ann]);
      const outside = await say(elsewhere, owner, 'for Ann');
      expect(await codeOf(sendTo(groupId, bob, { forwardOf: outside.id }))).to.equal('not_found');
      await mute(group, ann);
      expect(await codeOf(sendTo(groupId, ann, { forwardOf: outside.id }))).to.equal('muted');
      const inside = await say(groupId, owner, 'inside');
      expect(await codeOf(sendTo(elsewhere, ann, { forwardOf: inside.id }))).to.equal('sent');
      await kick(group, ann);
      expect(await codeOf(sendTo(elsewhere, ann, { forwardOf: inside.id }))).to.equal('not_found');
      expect(await codeOf(sendTo(groupId, ann, { forwardOf: outside.id }))).to.equal('not_found');
    });
  });

  describe('an attachment', () => {
    const statusFor = async (user: TestUser, { id }: File) =>
      (await user.rest('GET', `/api/files/${id}`)).status;
    const attach = async (groupId: string, sender: TestUser) => {
      const file = (await upload(sender, 'some text', '报告.txt')).body as unknown as File;
      const { status, body } = await sendTo(groupId, sender, {
        contentType: 'file',
        content: { fileId: file.id },
      });
      expect([status, body.content]).to.deep.equal([201, file]);
      return { file, message: body as unknown as Message };
    };

    it('is fetched by whoever is in the group now, and by nobody else', async () => {
      const group = await buildGroup(app.url);
      const { id: groupId, owner, members } = group;
      const [ann, bob] = members;
      const { file } = await attach(groupId, owner);
      const stranger = (await buildGroup(app.url)).owner;
      expect(
        await Promise.all([owner, ann, bob, stranger].map((user) => statusFor(user, file))),
      ).to.deep.equal([200, 200, 200, 404]);
      await kick(group, ann);
      expect(await statusFor(ann, file)).to.equal(404);
      await invite(group, ann);
      expect(await statusFor(ann, file)).to.equal(404);
      await owner.rest('DELETE', `/api/groups/${groupId}`);
      expect(await Promise.all([owner, bob].map((user) => statusFor(user, file)))).to.deep.equal([404, 404]);
    });

    it('is gone when its message is recalled, and stays where it was forwarded to', async () => {
      const { id: groupId, owner, members } = await buildGroup(app.url);
      const [ann] = members;
      const { file, message } = await attach(groupId, ann);
      const { body } = await sendToFriend(owner, ann, { forwardOf: message.id });
      const copy = body.content as File;
      expect(copy.id).not.to.equal(file.id);
      await owner.rest('POST', `/api/messages/${message.id}/recall`);
      expect(await statusFor(ann, file)).to.equal(404);
      expect(await statusFor(ann, copy)).to.equal(200);
      expect(await statusFor(members[1], copy)).to.equal(404);
    });

    it('is not found even by who sent it, once they have left', async () => {
      const group = await buildGroup(app.url);
      const [ann] = group.members;
      const { file } = await attach(group.id, ann);
      expect(await statusFor(ann, file)).to.equal(200);
      await kick(group, ann);
      expect(await statusFor(ann, file)).to.equal(404);
      const again = { contentType: 'file', content: { fileId: file.id } };
      expect(await codeOf(sendToFriend(ann, group.owner, again))).to.equal('sent');
    });

    it('of another is not found, and a muted member’s is not sent', async () => {
      const group = await buildGroup(app.url);
      const { id: groupId, owner, members } = group;
      const [ann] = members;
      const { body: file } = await upload(ann, 'mine', 'a.txt');
      const message = { contentType: 'file', content: { fileId: file.id } };
      expect(await codeOf(sendTo(groupId, owner, message))).to.equal('not_found');
      await mute(group, ann);
      expect(await codeOf(sendTo(groupId, ann, message))).to.equal('muted');
      await owner.rest('DELETE', `/api/groups/${groupId}/members/${ann.id}/mute`);
      expect(await codeOf(sendTo(groupId, ann, message))).to.equal('sent');
    });
  });

  it('a search finds what its reader sees: from their joining on, and nothing after they have left', async () => {
    const group = await buildGroup(app.url);
    const { id: groupId, owner, members } = group;
    const [ann, bob] = members;
    const word = `pineapple${process.pid}`;
    const before = await say(groupId, owner, `${word} before`);
    await kick(group, ann);
    await invite(group, ann);
    const after = await say(groupId, bob, `${word} after`);
    const socket = await owner.connect();
    await untilIndexed(owner, socket, ann.id);
    const found = async (user: TestUser, query = {}) =>
      (await searchAll(user, { q: word, ...query })).map(({ id }) => id);
    expect(await found(bob)).to.deep.equal([after.id, before.id]);
    expect(await found(ann)).to.deep.equal([after.id]);
    expect(await found(ann, { conversationId: groupId })).to.deep.equal([after.id]);
    expect(await found(bob, { conversationId: groupId, senderId: owner.id })).to.deep.equal([before.id]);
    await kick(group, bob);
    expect(await found(bob)).to.deep.equal([]);
    const { status } = await bob.rest('GET', `/api/messages/search?q=${word}&conversationId=${groupId}`);
    expect(status).to.equal(404);
    await owner.rest('POST', `/api/messages/${after.id}/recall`);
    expect(await found(owner)).to.deep.equal([before.id]);
    socket.close();
  });

  it('an export holds what its person said in groups, and nothing that others said', async () => {
    const group = await buildGroup(app.url);
    const { id: groupId, owner, members } = group;
    const [ann] = members;
    const question = await say(groupId, owner, 'a question');
    await sendTo(groupId, ann, { content: 'an answer', replyTo: question.id, mentions: [owner.id] });
    await kick(group, ann);
    const { bytes } = await ann.rest('GET', '/api/users/me/export');
    const lines = Buffer.from(unzipSync(new Uint8Array(bytes))['messages.ndjson'] ?? [])
      .toString()
      .trim();
    expect(lines).not.to.contain('question');
    const [own, ...others] = lines.split('\n').map((line) => JSON.parse(line) as Message);
    expect(own).to.deep.include({ groupId, content: 'an answer', senderId: ann.id, mentions: [owner.id] });
    expect(others).to.deep.equal([]);
  });
});
