import { expect } from 'chai';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { befriend, buildUser, logInAgain, type TestUser } from '../support/builders.ts';
import type { TestSocket } from '../support/clients.ts';
import { buildGroup, createGroup, kick, promote, type TestGroup } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const nobody = 'f'.repeat(24);
const withoutRequestId = (problem: object) => ({ ...problem, requestId: '' });

describe('marks and counts in groups', () => {
  let app: TestApp;
  let group: TestGroup;
  let bob: TestUser;
  let owners: TestSocket;
  let bobs: TestSocket;
  let carols: TestSocket;

  before(async () => {
    app = await startApp();
  });
  beforeEach(async () => {
    group = await buildGroup(app.url);
    bob = group.members[0];
    [owners, bobs, carols] = await Promise.all([
      group.owner.connect(),
      bob.connect(),
      group.members[1].connect(),
    ]);
  });
  afterEach(() => {
    for (const socket of [owners, bobs, carols]) socket.close();
  });
  after(() => app.close());

  async function send(socket: TestSocket, mentions?: string[]): Promise<Message> {
    return socket.call('group_message', {
      groupId: group.id,
      content: 'hello',
      ...(mentions && { mentions }),
    });
  }

  /** What is unread, as every place tells that counts. */
  async function countsOf(socket: TestSocket) {
    const { items } = await socket.call('conversation_list', {});
    const listed = items.find(({ id }) => id === group.id);
    const { total, conversations } = await socket.call('unread_count', {});
    const counted = conversations.find(({ conversationId }) => conversationId === group.id);
    const synced = (await socket.call('sync', {})).items.find(
      ({ conversation }) => conversation.id === group.id,
    );
    const counts = { unread: listed?.unread, mentioned: listed?.mentioned };
    expect({ unread: counted?.unread ?? 0, mentioned: counted?.mentioned ?? 0 }).to.deep.equal(counts);
    expect(synced?.conversation).to.include(counts);
    expect(total).to.equal(listed?.muted ? 0 : counts.unread);
    return [counts.unread, counts.mentioned];
  }

  describe('counts', () => {
    it('are of what others wrote: nothing of my own, and nothing that happened to the group', async () => {
      await send(owners);
      await send(bobs);
      await send(carols);
      await promote(group, group.members[1]);
      await send(owners);
      expect(await countsOf(bobs)).to.deep.equal([3, 0]);
      expect(await countsOf(owners)).to.deep.equal([2, 0]);
    });

    it('leave out what is recalled, and what I deleted or cleared', async () => {
      const [recalled, deleted] = [await send(owners), await send(owners)];
      await send(carols);
      await bobs.call('message_delete', { messageId: deleted.id });
      expect(await countsOf(bobs)).to.deep.equal([2, 0]);
      await owners.call('message_recall', { messageId: recalled.id });
      expect(await countsOf(bobs)).to.deep.equal([1, 0]);
      expect(await countsOf(carols)).to.deep.equal([1, 0]);
      await bobs.call('conversation_clear', { conversationId: group.id });
      expect(await countsOf(bobs)).to.deep.equal([0, 0]);
      await send(carols);
      expect(await countsOf(bobs)).to.deep.equal([1, 0]);
    });

    it('begin at joining, whatever was written before and may be seen', async () => {
      const open = await createGroup(group.owner, [], {
        joinMode: 'open',
        settings: { newcomersSeeHistory: true },
      });
      for (let index = 0; index < 3; index++)
        await owners.call('group_message', { groupId: open, content: 'before' });
      expect((await bob.rest('POST', `/api/groups/${open}/join`)).status).to.equal(200);
      const unreadIn = async () =>
        (await bobs.call('conversation_list', {})).items.find(({ id }) => id === open)?.unread;
      expect(await unreadIn()).to.equal(0);
      await owners.call('group_message', { groupId: open, content: 'after' });
      expect(await unreadIn()).to.equal(1);
    });

    it('tell mentions of me and of everybody, each message once, until I have read or they are recalled', async () => {
      await promote(group, group.members[1]);
      await send(owners, [bob.id]);
      const both = await send(carols, ['all', bob.id]);
      await send(carols, [group.owner.id]);
      await send(bobs, [group.owner.id]);
      expect(await countsOf(bobs)).to.deep.equal([3, 2]);
      expect(await countsOf(owners)).to.deep.equal([3, 3]);
      expect(await countsOf(carols)).to.deep.equal([2, 0]);
      await carols.call('message_recall', { messageId: both.id });
      expect(await countsOf(bobs)).to.deep.equal([2, 1]);
      const again = await send(owners, [bob.id]);
      await bobs.call('message_delete', { messageId: again.id });
      expect(await countsOf(bobs)).to.deep.equal([2, 1]);
      await bobs.call('conversation_read', { groupId: group.id });
      expect(await countsOf(bobs)).to.deep.equal([0, 0]);
    });

    it('leave the total out of muted groups, which keep their own', async () => {
      await send(owners, [bob.id]);
      await bobs.call('conversation_update', { conversationId: group.id, muted: true });
      expect(await countsOf(bobs)).to.deep.equal([1, 1]);
    });
  });

  describe('message_status_update', () => {
    it('moves my marks up to the message, never down, and answers them', async () => {
      const [first, second] = [await send(owners), await send(carols)];
      const conversationId = group.id;
      const delivered = { messageId: second.id, status: 'delivered' } as const;
      expect(await bobs.call('message_status_update', delivered)).to.deep.equal({
        conversationId,
        readSeq: 1,
        deliveredSeq: 3,
      });
      const read = { conversationId, readSeq: 2, deliveredSeq: 3 };
      const readFirst = { messageId: first.id, status: 'read' } as const;
      expect(await bobs.call('message_status_update', readFirst)).to.deep.equal(read);
      expect(await bobs.call('message_status_update', delivered)).to.deep.equal(read);
      expect(await countsOf(bobs)).to.deep.equal([1, 0]);
      const rest = await bob.rest('PUT', `/api/messages/${second.id}/status`, { status: 'read' });
      expect(rest.body).to.deep.equal({ conversationId, readSeq: 3, deliveredSeq: 3 });
    });

    it('shows my other devices how the group stands, and tells nobody else', async () => {
      const message = await send(owners);
      const others = await (await logInAgain(app.url, bob)).connect();
      await bobs.call('message_status_update', { messageId: message.id, status: 'read' });
      expect(await others.next('conversation_updated')).to.include({ id: group.id, readSeq: 2, unread: 0 });
      await send(bobs);
      for (const socket of [owners, carols]) {
        while ((await socket.next('new_group_message')).senderId !== bob.id);
        for (const event of ['message_read', 'message_delivered', 'conversation_updated'] as const)
          expect(socket.untaken(event)).to.deep.equal([]);
      }
      others.close();
    });

    it('is not allowed on a message of mine, but up to what I did to the group', async () => {
      const own = await send(bobs);
      await bobs.refused('message_status_update', { messageId: own.id, status: 'read' }, 'not_allowed');
      await promote(group, bob);
      const entry = (await owners.call('message_history', { groupId: group.id })).items[0];
      expect(entry?.contentType).to.equal('system');
      const marks = await owners.call('message_status_update', {
        messageId: entry?.id ?? '',
        status: 'read',
      });
      expect(marks.readSeq).to.equal(1);
    });

    it('is not found for who is not in the group, any more or yet, like what never was', async () => {
      const [message, own] = [await send(owners), await send(bobs)];
      const stranger = await (await buildUser(app.url)).connect();
      await kick(group, bob);
      const read = (messageId: string) => ({ messageId, status: 'read' });
      const problems = [
        await stranger.refused('message_status_update', read(message.id), 'not_found'),
        await bobs.refused('message_status_update', read(message.id), 'not_found'),
        await bobs.refused('message_status_update', read(own.id), 'not_found'),
        await bobs.refused('message_status_update', read(nobody), 'not_found'),
      ].map(withoutRequestId);
      for (const problem of problems) expect(problem).to.deep.equal(problems[0]);
      stranger.close();
    });

    it('is not found below where I joined', async () => {
      const message = await send(owners);
      const dave = await buildUser(app.url);
      await befriend(group.owner, dave);
      await group.owner.rest('POST', `/api/groups/${group.id}/members`, { userIds: [dave.id] });
      const daves = await dave.connect();
      await daves.refused('message_status_update', { messageId: message.id, status: 'read' }, 'not_found');
      daves.close();
    });

    it('answers everybody the truth where a whole page is marked at once', async () => {
      const sent: Message[] = [];
      for (let index = 0; index < 30; index++) sent.push(await send(owners));
      const answers = await Promise.all(
        sent.flatMap(({ id }) =>
          (['read', 'delivered'] as const).map((status) =>
            bobs.call('message_status_update', { messageId: id, status }),
          ),
        ),
      );
      for (const [index, { readSeq, deliveredSeq }] of answers.entries()) {
        const { seq = 0 } = sent[Math.floor(index / 2)] ?? {};
        expect(deliveredSeq).to.be.within(seq, 31);
        if (index % 2 === 0) expect(readSeq).to.be.within(seq, 31);
      }
      expect(await bobs.call('conversation_read', { groupId: group.id })).to.deep.equal({
        conversationId: group.id,
        readSeq: 31,
        deliveredSeq: 31,
      });
    });
  });

  describe('conversation_read', () => {
    it('reads everything as of now, on every wire, and again', async () => {
      await send(owners);
      const marks = { conversationId: group.id, readSeq: 2, deliveredSeq: 2 };
      expect(await bobs.call('conversation_read', { groupId: group.id })).to.deep.equal(marks);
      expect(await bobs.call('conversation_read', { groupId: group.id })).to.deep.equal(marks);
      await send(owners);
      const { status, body } = await bob.rest('POST', `/api/messages/group/${group.id}/read`);
      expect(status).to.equal(200);
      expect(body).to.deep.equal({ conversationId: group.id, readSeq: 3, deliveredSeq: 3 });
    });

    it('is not found for strangers, who was removed, of nobody and of a private conversation', async () => {
      const { conversationId } = await owners.call('private_message', { receiverId: bob.id, content: 'x' });
      const stranger = await (await buildUser(app.url)).connect();
      const problems = [
        await stranger.refused('conversation_read', { groupId: group.id }, 'not_found'),
        await bobs.refused('conversation_read', { groupId: nobody }, 'not_found'),
        await bobs.refused('conversation_read', { groupId: conversationId }, 'not_found'),
      ];
      const { items } = await bobs.call('conversation_list', {});
      expect(items.find(({ id }) => id === conversationId)).to.include({ unread: 1, readSeq: 0 });
      await kick(group, bob);
      problems.push(await bobs.refused('conversation_read', { groupId: group.id }, 'not_found'));
      for (const problem of problems)
        expect(withoutRequestId(problem)).to.deep.equal(withoutRequestId(problems[0] ?? {}));
      stranger.close();
    });

    it('wants one of friendId and groupId', async () => {
      for (const input of [{}, { groupId: group.id, friendId: bob.id }, { groupId: 7 }, { groupId: null }])
        await bobs.refused('conversation_read', input, 'validation_failed');
    });
  });
});
