import { expect } from 'chai';
import mongoose, { type Connection } from 'mongoose';
import {
  createGroupMembershipChangeStore,
  type GroupMembershipChangeStore,
} from '../../src/features/conversations/group-membership-changes.store.ts';
import {
  createGroupMembershipStore,
  type GroupMembershipStore,
} from '../../src/features/conversations/group-memberships.store.ts';
import { freshDatabaseUri } from '../support/database.ts';

const newId = () => new mongoose.Types.ObjectId().toHexString();

type Write = (
  store: GroupMembershipChangeStore,
  groupId: string,
  userId: string,
) => (version: number) => Promise<void>;

const stampOf = (version: number) => ({ version, at: new Date(1_700_000_000_000 + version * 1000) });

const join: Write = (store, groupId, userId) => (version) =>
  store.join(groupId, {
    ...stampOf(version),
    members: [{ userId, role: 'member' }],
    joinSeq: version,
    seesHistory: false,
  });

/** Each change of a membership, and one before it that makes it possible. */
const writes: Record<string, { first: Write; write: Write }> = {
  joining: { first: join, write: join },
  leaving: {
    first: join,
    write: (store, groupId, userId) => (version) => store.leave(groupId, userId, stampOf(version)),
  },
  barring: {
    first: join,
    write: (store, groupId, userId) => (version) =>
      store.leave(groupId, userId, { ...stampOf(version), isBarred: true }),
  },
  unbarring: {
    first: join,
    write: (store, groupId, userId) => (version) => store.unbar(groupId, userId, stampOf(version)),
  },
  muting: {
    first: join,
    write: (store, groupId, userId) => (version) =>
      store.mute(groupId, userId, { ...stampOf(version), mutedUntil: new Date(0) }),
  },
  'a new role': {
    first: join,
    write: (store, groupId, userId) => (version) =>
      store.setRoles(groupId, [{ userId, role: 'admin' }], stampOf(version)),
  },
  asking: {
    first: join,
    write: (store, groupId, userId) => (version) =>
      store.request(groupId, {
        ...stampOf(version),
        userIds: [userId],
        message: null,
        invitedBy: null,
        isOwn: true,
      }),
  },
  'the answer to asking': {
    first: join,
    write: (store, groupId, userId) => (version) => store.answer(groupId, [userId], stampOf(version)),
  },
};

describe('memberships of groups, as changes leave them', () => {
  let connection: Connection;
  let changes: GroupMembershipChangeStore;
  let memberships: GroupMembershipStore;

  before(async () => {
    connection = await mongoose.createConnection(freshDatabaseUri()).asPromise();
    changes = createGroupMembershipChangeStore(connection);
    memberships = createGroupMembershipStore(connection);
    await Promise.all(Object.values(connection.models).map((model) => model.init()));
  });
  after(async () => {
    await connection.dropDatabase();
    await connection.close();
  });

  const stored = (groupId: string, userId: string) =>
    connection.collection('memberships').findOne({
      conversationId: new mongoose.Types.ObjectId(groupId),
      userId: new mongoose.Types.ObjectId(userId),
    });

  for (const [what, { first, write }] of Object.entries(writes)) {
    it(`${what} is void once a newer change was written`, async () => {
      for (const [newerWhat, newer] of Object.entries(writes)) {
        const [groupId, userId] = [newId(), newId()];
        await first(changes, groupId, userId)(1);
        await newer.write(changes, groupId, userId)(5);
        const before = await stored(groupId, userId);
        await write(changes, groupId, userId)(4);
        expect(await stored(groupId, userId), `after ${newerWhat}`).to.deep.equal(before);
      }
    });

    it(`${what} is harmless when repeated, also at once`, async () => {
      const [groupId, userId] = [newId(), newId()];
      await first(changes, groupId, userId)(1);
      await write(changes, groupId, userId)(2);
      const before = await stored(groupId, userId);
      await Promise.all(Array.from({ length: 5 }, () => write(changes, groupId, userId)(2)));
      expect(await stored(groupId, userId)).to.deep.equal(before);
      expect(before).to.include({ version: 2 });
    });
  }

  it('take in who was never there once, however many write it at once', async () => {
    for (const { write } of [writes.joining, writes.asking].filter((one) => one !== undefined)) {
      const [groupId, userId] = [newId(), newId()];
      await Promise.all(Array.from({ length: 5 }, () => write(changes, groupId, userId)(2)));
      const found = await memberships.findAll(groupId, [userId]);
      expect(found.size).to.equal(1);
    }
  });

  it('take in all others where one of them is there by a newer change', async () => {
    const [groupId, ann, bob, cleo] = [newId(), newId(), newId(), newId()];
    await join(changes, groupId, ann)(1);
    await changes.leave(groupId, ann, stampOf(5));
    await changes.join(groupId, {
      ...stampOf(4),
      members: [ann, bob, cleo].map((userId) => ({ userId, role: 'member' })),
      joinSeq: 4,
      seesHistory: false,
    });
    const listed = await memberships.list(groupId, null, 10);
    expect(listed.map(({ userId }) => userId)).to.have.members([bob, cleo]);
  });

  it('end for all of a group of any size, and for nobody besides', async () => {
    const [groupId, otherId] = [newId(), newId()];
    const crowd = Array.from({ length: 2500 }, () => ({ userId: newId(), role: 'member' as const }));
    for (const id of [groupId, otherId])
      await changes.join(id, { ...stampOf(1), members: crowd, joinSeq: 1, seesHistory: false });
    await changes.endAll(groupId, stampOf(2));
    expect(await memberships.list(groupId, null, 10)).to.deep.equal([]);
    const [one] = crowd.map(({ userId }) => userId) as [string];
    expect(await memberships.groupIdsOf(one)).to.deep.equal([otherId]);
    expect(await memberships.list(otherId, null, 3000)).to.have.length(2500);
    await join(changes, groupId, one)(1);
    expect(await memberships.groupIdsOf(one), 'who joined before it').to.deep.equal([otherId]);
  });
});
