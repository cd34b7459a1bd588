import { expect } from 'chai';
import { Types } from 'mongoose';
import { pairIdOf } from '../../src/features/friends/friends.store.ts';
import { buildFriends, type TestUser } from '../support/builders.ts';
import type { TestSocket } from '../support/clients.ts';
import { openCountingProxy } from '../support/counting-proxy.ts';
import { freshDatabaseUri } from '../support/database.ts';
import { createGroup, say } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { Storage } from '../support/storage.ts';

describe('conversations: what they cost the database', () => {
  let proxy: Awaited<ReturnType<typeof openCountingProxy>>;
  let app: TestApp;
  let storage: Storage;
  let ann: TestUser;
  let bob: TestUser;
  let mouth: TestSocket;
  let ear: TestSocket;

  before(async () => {
    proxy = await openCountingProxy(freshDatabaseUri());
    app = await startApp({ mongodbUri: proxy.uri });
    storage = await Storage.of(app);
    [ann, bob] = await buildFriends(app.url);
    [mouth, ear] = await Promise.all([ann.connect(), bob.connect()]);
    await mouth.call('private_message', { receiverId: bob.id, content: 'hello' });
  });
  after(async () => {
    mouth.close();
    ear.close();
    await storage.connection.dropDatabase();
    await storage.close();
    await app.close();
    await proxy.close();
  });

  const find = (name: string, filter: object) => storage.connection.collection(name).findOne(filter);

  /** Copies Ann so often, with a conversation with Bob in which each has written once. */
  async function addConversations(count: number): Promise<void> {
    const [user, pair, membership, message] = await Promise.all([
      find('users', { _id: new Types.ObjectId(ann.id) }),
      find('relationships', {}),
      find('memberships', { userId: new Types.ObjectId(bob.id) }),
      find('messages', {}),
    ]);
    const { email: _, ...person } = (user ?? {}) as Record<string, unknown>;
    const copies = Array.from({ length: count }, () => {
      const userId = new Types.ObjectId();
      const _id = new Types.ObjectId(pairIdOf(userId.toHexString(), bob.id));
      const [low, high] = [userId.toHexString(), bob.id].sort().map((id) => new Types.ObjectId(id));
      const [memberId, peerId, messageId] = [
        new Types.ObjectId(),
        new Types.ObjectId(),
        new Types.ObjectId(),
      ];
      return {
        users: [{ ...person, _id: userId }],
        relationships: [{ ...pair, _id, low, high, friendIds: [low, high] }],
        memberships: [
          { ...membership, _id: memberId, conversationId: _id, peerId: userId },
          { ...membership, _id: peerId, conversationId: _id, userId, peerId: membership?.userId },
        ],
        messages: [
          {
            ...message,
            _id: messageId,
            clientMessageId: messageId,
            conversationId: _id,
            senderId: userId,
            lowCount: low?.equals(userId) ? 1 : 0,
          },
        ],
      };
    });
    for (const name of ['users', 'relationships', 'memberships', 'messages'] as const)
      await storage.connection.collection(name).insertMany(copies.flatMap((copy) => copy[name] as object[]));
  }

  /** The commands of some work: what the server does by itself meanwhile does not fall into each of three runs. */
  async function commands(
    work: (run: number) => Promise<unknown>,
    isCounted: (name: string) => boolean = () => true,
  ): Promise<string[]> {
    const runs: string[][] = [];
    for (let run = 0; run < 3; run++) runs.push((await proxy.during(() => work(run))).filter(isCounted));
    return runs.reduce((least, one) => (one.length < least.length ? one : least));
  }

  /** Without updates and further batches of a find. */
  const reads = (work: (run: number) => Promise<unknown>) =>
    commands(work, (name) => name !== 'update' && name !== 'getMore');

  it('lists and counts 500 conversations in as few operations as 150', async () => {
    await addConversations(149);
    const list = async (expected: number) => {
      const { items } = await ear.call('conversation_list', {});
      expect(items).to.have.length(expected);
      for (const { peer, lastMessage, unread } of items) {
        expect(peer).to.include({ relation: 'friend' });
        expect([lastMessage?.seq, unread]).to.deep.equal([1, 1]);
      }
    };
    const count = async (expected: number) => {
      expect((await ear.call('unread_count', {})).conversations).to.have.length(expected);
    };
    const [listFew, countFew] = [await reads(() => list(150)), await reads(() => count(150))];
    await addConversations(350);
    const [listMany, countMany] = [await reads(() => list(500)), await reads(() => count(500))];
    // some of what the server does by itself may have come in between
    expect(listMany.length, listMany.join())
      .to.be.within(8, listFew.length + 2)
      .and.below(16);
    expect(countMany.length, countMany.join())
      .to.be.within(3, countFew.length + 2)
      .and.below(12);
  });

  it('counts several groups with as many operations as one, and reads nothing of those that are read', async () => {
    const [owner, member] = await buildFriends(app.url);
    const socket = await member.connect();
    const addGroup = async () => say(await createGroup(owner, [member]), owner, 'hello');
    const count = (expected: number) => async () => {
      expect((await socket.call('unread_count', {})).total).to.equal(expected);
    };
    const groupIds = [(await addGroup()).conversationId];
    const one = await reads(count(1));
    while (groupIds.length < 4) groupIds.push((await addGroup()).conversationId);
    const four = await reads(count(4));
    expect(four.filter((name) => name === 'aggregate')).to.have.length(1);
    expect(four.length, four.join()).to.be.at.most(one.length + 1);
    for (const groupId of groupIds) await socket.call('conversation_read', { groupId });
    const none = await reads(count(0));
    expect(none).not.to.include('aggregate');
    expect(none.length, none.join()).to.be.below(one.length - 2);
    socket.close();
  });

  it('acknowledges a message at rest after one find and one insert', async () => {
    const send = () => mouth.call('private_message', { receiverId: bob.id, content: 'hello' });
    expect(await commands(send)).to.deep.equal(['find', 'insert']);
  });

  it('moves a mark in four operations when nobody hears of it', async () => {
    const messageIds: string[] = [];
    for (let count = 0; count < 3; count++)
      messageIds.push((await mouth.call('private_message', { receiverId: bob.id, content: 'hello' })).id);
    mouth.close();
    await mouth.closed();
    const moved = await reads((run) =>
      ear.call('message_status_update', { messageId: messageIds[run] ?? '', status: 'read' }),
    );
    expect(moved).to.have.members(['find', 'find', 'find', 'findAndModify']);
  });
});
