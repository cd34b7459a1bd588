import { expect } from 'chai';
import { Types } from 'mongoose';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { befriend, buildUser, type TestUser } from '../support/builders.ts';
import type { TestSocket } from '../support/clients.ts';
import { buildGroup, kick, type TestGroup } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { Storage } from '../support/storage.ts';

describe('message_readers in groups', () => {
  let app: TestApp;
  let storage: Storage;
  let group: TestGroup;
  let owners: TestSocket;
  let message: Message;

  before(async () => {
    app = await startApp();
    storage = await Storage.of(app);
  });
  beforeEach(async () => {
    group = await buildGroup(app.url, { memberCount: 5 });
    owners = await group.owner.connect();
    message = await owners.call('group_message', { groupId: group.id, content: 'hello' });
  });
  afterEach(() => owners.close());
  after(async () => {
    await storage.close();
    await app.close();
  });

  const read = async (...readers: TestUser[]) => {
    for (const reader of readers)
      expect((await reader.rest('POST', `/api/messages/group/${group.id}/read`)).status).to.equal(200);
  };
  const readers = (page: { limit?: number; cursor?: string } = {}) =>
    owners.call('message_readers', { messageId: message.id, ...page });
  const showReads = (user: TestUser, readReceipts: boolean) =>
    user.rest('PATCH', '/api/users/me', { privacy: { readReceipts } });

  it('are those who have read up to my message, and not those to whom it was only delivered', async () => {
    const [bob, carol, dave] = group.members;
    expect(await readers()).to.deep.equal({ items: [], nextCursor: null, count: 0 });
    await read(bob, carol);
    await dave?.rest('PUT', `/api/messages/${message.id}/status`, { status: 'delivered' });
    await owners.call('group_message', { groupId: group.id, content: 'later' });
    const { items, nextCursor, count } = await readers();
    expect(items.map(({ id }) => id)).to.have.members([bob.id, carol.id]);
    expect(items[0]).to.include({ relation: 'friend' });
    expect([nextCursor, count]).to.deep.equal([null, 2]);
    const { body } = await group.owner.rest('GET', `/api/messages/${message.id}/readers`);
    expect(body).to.deep.equal({ items, nextCursor, count });
  });

  it('are told in pages of one order, and counted whole', async () => {
    await read(...group.members);
    const seen: string[] = [];
    let cursor: string | undefined;
    for (;;) {
      const page = await readers({ limit: 2, ...(cursor !== undefined && { cursor }) });
      expect(page.items.length).to.be.within(1, 2);
      expect(page.count).to.equal(5);
      seen.push(...page.items.map(({ id }) => id));
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
    expect(seen).to.have.members(group.members.map(({ id }) => id));
    const forged = { messageId: message.id, cursor: 'x' };
    await owners.refused('message_readers', forged, 'validation_failed');
  });

  it('are told to the sender alone', async () => {
    const [bob] = group.members;
    const bobs = await bob.connect();
    const stranger = await (await buildUser(app.url)).connect();
    await bobs.refused('message_readers', { messageId: message.id }, 'not_allowed');
    const hidden = await stranger.refused('message_readers', { messageId: message.id }, 'not_found');
    const own = await bobs.call('group_message', { groupId: group.id, content: 'mine' });
    await kick(group, bob);
    const removed = await bobs.refused('message_readers', { messageId: own.id }, 'not_found');
    expect({ ...removed, requestId: '' }).to.deep.equal({ ...hidden, requestId: '' });
    const entryId = (await owners.call('message_history', { groupId: group.id })).items[0]?.id;
    await owners.refused('message_readers', { messageId: entryId }, 'not_found');
    for (const socket of [bobs, stranger]) socket.close();
  });

  it('leave out who hides what they read, and show nobody to who does', async () => {
    const [bob, carol] = group.members;
    await showReads(bob, false);
    await read(bob, carol);
    expect((await readers()).items.map(({ id }) => id)).to.deep.equal([carol.id]);
    await showReads(group.owner, false);
    expect(await readers()).to.deep.equal({ items: [], nextCursor: null, count: 0 });
    await showReads(group.owner, true);
    await showReads(bob, true);
    await read(bob);
    expect((await readers()).count).to.equal(1);
    message = await owners.call('group_message', { groupId: group.id, content: 'next' });
    await read(bob);
    expect((await readers()).items.map(({ id }) => id)).to.deep.equal([bob.id]);
  });

  it('leave out who has left, who came later, and friends count no more than others', async () => {
    const [bob, carol, dave] = group.members;
    await read(bob, carol);
    await kick(group, bob);
    const late = await buildUser(app.url);
    await befriend(group.owner, late);
    await group.owner.rest('POST', `/api/groups/${group.id}/members`, { userIds: [late.id] });
    await read(late);
    expect((await readers()).items.map(({ id }) => id)).to.deep.equal([carol.id]);
    const daves = await (dave as TestUser).connect();
    message = await daves.call('group_message', { groupId: group.id, content: 'from another' });
    await read(carol, late, group.owner);
    const { items, count } = await daves.call('message_readers', { messageId: message.id });
    expect(items.map(({ id }) => id)).to.have.members([carol.id, late.id, group.owner.id]);
    expect(items.every((user) => !('deleted' in user))).to.equal(true);
    expect(count).to.equal(3);
    daves.close();
  });

  it('are counted and not listed in a group of more than 200', async () => {
    await read(group.members[0]);
    await storage.connection
      .collection('groups')
      .updateOne({ _id: new Types.ObjectId(group.id) }, { $set: { memberCount: 201 } });
    expect(await readers()).to.deep.equal({ items: [], nextCursor: null, count: 1 });
  });
});
