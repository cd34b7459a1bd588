import { contracts, type pushEvents } from '../contracts.ts';
import type { ConversationRooms, Delivery } from '../core/delivery.ts';
import { bind } from '../core/operation.ts';
import type { Pictures } from '../features/avatars/pictures.ts';
import type { Conversation } from '../features/conversations/conversations.contract.ts';
import { pairIdOf } from '../features/friends/friends.store.ts';
import { createAdmission } from '../features/groups/admission.ts';
import { createAnnouncements } from '../features/groups/announcements.service.ts';
import { createGroupChanges } from '../features/groups/group-changes.ts';
import { createGroupCodes } from '../features/groups/group-codes.service.ts';
import { createGroupEffects } from '../features/groups/group-effects.ts';
import { createGroupMembers } from '../features/groups/group-members.service.ts';
import { createGroupNews } from '../features/groups/group-news.ts';
import { createScenes } from '../features/groups/group-scenes.ts';
import { createGroupViews } from '../features/groups/group-views.ts';
import type { Group, GroupChange } from '../features/groups/groups.contract.ts';
import { createGroupsService } from '../features/groups/groups.service.ts';
import { createJoining } from '../features/groups/joining.ts';
import { createJoiningByCode } from '../features/groups/joining-by-code.ts';
import { createPersonalGroups } from '../features/groups/personal-groups.ts';
import { hashOf } from '../features/qr-codes/code-issuing.ts';
import { createTurns } from '../platform/turns.ts';
import { type CommonDeps, dayS } from './common.ts';
import type { GroupStores } from './group-stores.ts';
import type { People } from './people.ts';
import type { CodeTools } from './qr-codes.ts';

interface GroupsInput extends CommonDeps {
  stores: GroupStores;
  delivery: Delivery<typeof pushEvents>;
  rooms: ConversationRooms;
  people: People;
  pictures: Pictures;
  codeTools: CodeTools;
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
      keepAnnouncement: stores.announcements.keep,
      forgetReads: stores.announcements.forgetReads,
      removePicture: pictures.remove,
    }),
    log: input.writeEntry,
    recheck: input.recheck,
    tell: createGroupNews({ ...input, usersFor, findPeople: memberships.findAll, onFailure }),
    inTurn: createTurns(),
  });
  const admission = createAdmission({
    privateConversationOf: pairIdOf,
    findFriendPairs: people.relations.findFriendPairs,
    findPeople: people.users.people.findByIds,
    countGroupsOf: memberships.countGroupsOf,
    inTurn: createTurns(),
  });
  const scenes = createScenes({ findAlive: store.findAlive, findPeople: memberships.findAll });
  const shared = { changes, views, admission, mostMembers, usersFor, scenes };
  const { findGroup, joinByCode } = createJoiningByCode({
    ...shared,
    readCode: input.codeTools.reading.read,
    isPresent: async (userId) => (await people.users.people.findByIds([userId]))[0]?.isGone === false,
  });

  return {
    findGroup,
    operations: [
      ...bind(
        'groups',
        contracts.groups,
        createGroupsService({
          ...shared,
          store,
          rooms: input.rooms,
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
          joining: createJoining({ ...shared, memberships }),
        }),
      ),
      ...bind(
        'announcements',
        contracts.announcements,
        createAnnouncements({ ...shared, store: stores.announcements, newId: store.newId }),
      ),
      ...bind(
        'groupCodes',
        contracts.groupCodes,
        createGroupCodes({
          ...shared,
          codes: input.codeTools.issuing,
          hashOf,
          newId: store.newId,
          lifetimeSeconds: config.groups.codeLifetimeSeconds,
          joinByCode,
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
    personalGroups: createPersonalGroups({
      ...shared,
      memberships,
      announcements: stores.announcements,
      findAlive: store.findAlive,
    }),
    resume: changes.resume,
  };
}
