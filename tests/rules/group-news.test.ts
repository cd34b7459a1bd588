import { expect } from 'chai';
import { createGroupNews } from '../../src/features/groups/group-news.ts';
import type { GroupMembership, GroupRecord, OutboxItem } from '../../src/features/groups/groups.rules.ts';

const people = (count: number, name: string) =>
  Array.from({ length: count }, (_, index) => `${name}${index}`);

/** News of groups where everybody is heard, and how many people were asked for at the same time. */
function openNews() {
  const asked = { now: 0, most: 0 };
  const told: string[] = [];
  const ask = async () => {
    asked.most = Math.max(asked.most, ++asked.now);
    await new Promise((resolve) => setImmediate(resolve));
    asked.now--;
  };
  const tell = createGroupNews({
    delivery: {
      toUsers: ({ userIds, event }) => told.push(...userIds.map((userId) => `${event} ${userId}`)),
      toConversation: ({ event }) => told.push(event),
    },
    rooms: {
      admit: (_, userIds) => told.push(`admitted ${userIds.length}`),
      dismiss: () => {},
      close: () => {},
      async follow(_, findMoves) {
        for (const { userId, isMember } of await findMoves())
          told.push(`${userId} ${isMember ? 'in' : 'out'}`);
      },
    },
    conversationFor: () => ask().then(() => ({}) as never),
    usersFor: (_, userIds) => ask().then(() => new Map(userIds.map((userId) => [userId, {} as never]))),
    findPeople: async () => new Map([['user0', { role: 'member' } as GroupMembership]]),
    isHeard: () => true,
    onFailure: (error) => {
      throw error;
    },
  });
  return { tell, told, asked };
}

const group = { id: 'g', ownerId: 'owner', adminIds: people(50, 'admin') } as unknown as GroupRecord;
const newsOf = (item: Partial<OutboxItem>, seq: number | null) => ({
  group,
  item: { actorId: 'owner', change: null, aftermath: {}, ...item } as OutboxItem,
  seq,
  isRepeat: false,
  originSocketId: null,
});

describe('news of groups', () => {
  it('ask the database for few people at a time, however many are brought in at once', async () => {
    const { tell, told, asked } = openNews();
    const userIds = people(100, 'user');
    const data = { userIds, byId: 'owner', via: 'invite' } as const;
    await tell(newsOf({ change: { event: 'group_member_joined', data } }, 2));
    expect(asked.most).to.be.below(10);
    expect(told).to.deep.equal([
      'admitted 100',
      ...userIds.map((userId) => `conversation_updated ${userId}`),
      'group_member_joined',
    ]);
  });

  it('ask for few admins at a time when somebody would like to come in', async () => {
    const { tell, told, asked } = openNews();
    const requested = { userIds: ['user'], message: null, invitedBy: null, isOwn: true };
    await tell(newsOf({ aftermath: { requested } }, null));
    expect(asked.most).to.be.below(10);
    expect(told.slice(1)).to.deep.equal(
      ['owner', ...group.adminIds].map((adminId) => `group_join_requested ${adminId}`),
    );
  });

  it('that others have told move sockets where the memberships say, and tell nothing', async () => {
    const { tell, told } = openNews();
    const data = { userIds: ['user0', 'user1'], byId: 'owner', via: 'invite' as const };
    await tell({ ...newsOf({ change: { event: 'group_member_joined', data } }, 2), isRepeat: true });
    expect(told).to.deep.equal(['user0 in', 'user1 out']);
  });
});
