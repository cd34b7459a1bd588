import type { Connection } from 'mongoose';
import { contracts, type pushEvents } from '../contracts.ts';
import type { Delivery } from '../core/delivery.ts';
import { bind } from '../core/operation.ts';
import type { Pictures } from '../features/avatars/pictures.ts';
import type { Conversation } from '../features/conversations/conversations.contract.ts';
import { createGroupMembershipChangeStore } from '../features/conversations/group-membership-changes.store.ts';
import { createGroupMembershipStore } from '../features/conversations/group-memberships.store.ts';
import { pairIdOf } from '../features/friends/friends.store.ts';
import { createAdmission } from '../features/groups/admission.ts';
import { createGroupChanges } from '../features/groups/group-changes.ts';
import { createGroupEffects } from '../features/groups/group-effects.ts';
import { createGroupMembers } from '../features/groups/group-members.service.ts';
import { createGroupNews } from '../features/groups/group-news.ts';
import { createGroupViews } from '../features/groups/group-views.ts';
import type { Group, GroupChange } from '../features/groups/groups.contract.ts';
import { createGroupsService } from '../features/groups/groups.service.ts';
import { createGroupStore } from '../features/groups/groups.store.ts';
import { createJoining } from '../features/groups/joining.ts';
import { createTurns } from '../platform/turns.ts';
import type { SocketRooms } from '../transports/conversation-rooms.ts';
import { type CommonDeps, dayS } from './common.ts';
import type { People } from './people.ts';

export type GroupStores = ReturnType<typeof buildGroupStores>;

/** What is kept of groups and of who is in them. */
export function buildGroupStores(connection: Connection) {
  return {
    groups: createGroupStore(connection),
    memberships: createGroupMembershipStore(connection),
    membershipChanges: createGroupMembershipChangeStore(connection),
  };
}

interface GroupsInput extends CommonDeps {
  stores: GroupStores;
  delivery: Delivery<typeof pushEvents>;
  rooms: SocketRooms;
  people: People;
  pictures: Pictures;
  /** Writes what happened to a group into its log, once. */
  writeEntry(entry: { id: string; groupId: string; actorId: string; change: GroupChange }): Promise<{
    seq: number;
    isRepeat: boolean;
  }>;
  recheck(groupId: string): void;
  conversationFor(userId: string, conversationId: string): Promise<Conversation | null>;
  isHeard(userId: string, originSocketId: string | null): boolean;
}

/** Groups: what happens to them, who is in them, and how they are shown. */
export function buildGroups(input: GroupsInput) {
  const { config, log, stores, people, quotaOf, pictures } = input;
  const { groups: store, memberships } = stores;
  const { mostMembers } = config.groups;
  const usersFor = people.users.viewsFor;
  const onFailure = (error: unknown) => log.warn({ err: error }, 'members were not told');
  const views = createGroupViews({
    avatarUrlOf: people.avatarUrlOf,
    usersFor,
    findPeople: memberships.findAll,
  });
  const changes = createGroupChanges({
    store,
    findPeople: memberships.findAll,
    effects: createGroupEffects({
      memberships: stores.membershipChanges,
      keepAnnouncement: async () => undefined,
    }),
    log: input.writeEntry,
    recheck: input.recheck,
    tell: createGroupNews({ ...input, usersFor, onFailure }),
    inTurn: createTurns(),
  });
  const admission = createAdmission({
    privateConversationOf: pairIdOf,
    findFriendPairs: people.relations.findFriendPairs,
    findPeople: people.users.people.findByIds,
    countGroupsOf: memberships.countGroupsOf,
    inTurn: createTurns(),
  });
  const shared = { changes, views, admission, mostMembers, usersFor, findAlive: store.findAlive };
  const isMember = async (groupId: string, userId: string) =>
    ((await memberships.findAll(groupId, [userId])).get(userId)?.role ?? null) !== null;

  return {
    changes,
    operations: [
      ...bind(
        'groups',
        contracts.groups,
        createGroupsService({
          ...shared,
          store,
          isMember,
          followMoves: input.rooms.follow,
          groupIdsOf: memberships.groupIdsOf,
          pictures,
          avatarQuota: quotaOf({ name: 'group_avatar', points: 50, durationSeconds: dayS }),
        }),
      ),
      ...bind(
        'groupMembers',
        contracts.groupMembers,
        createGroupMembers({
          ...shared,
          memberships,
          isMember,
          joining: createJoining({ ...shared, memberships }),
        }),
      ),
    ],
    /** Groups as these members of them see them; without those that have ended. */
    async groupsFor(
      mine: readonly { userId: string; conversationId: string }[],
    ): Promise<Map<string, Group>> {
      const viewerIds = new Map(mine.map(({ conversationId, userId }) => [conversationId, userId]));
      const found = await store.findAlive([...viewerIds.keys()]);
      return new Map(found.map((group) => [group.id, views.toGroup(group, viewerIds.get(group.id) ?? '')]));
    },
    resume: changes.resume,
  };
}
