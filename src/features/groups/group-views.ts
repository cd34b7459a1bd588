import { AppError } from '../../core/errors.ts';
import type { User } from '../users/users.contract.ts';
import { roleIn } from './authority.rules.ts';
import type { Group, GroupMember, GroupPreview } from './groups.contract.ts';
import type { GroupMembership, GroupRecord } from './groups.rules.ts';

interface ViewsDeps {
  avatarUrlOf(key: string): string;
  usersFor(viewerId: string, userIds: readonly string[]): Promise<Map<string, User>>;
  /** What these people are, or were, in a group. */
  findPeople(groupId: string, userIds: readonly string[]): Promise<Map<string, GroupMembership>>;
}

export type GroupViews = ReturnType<typeof createGroupViews>;

/** How groups and their members are shown. */
export function createGroupViews({ avatarUrlOf, usersFor, findPeople }: ViewsDeps) {
  const avatarUrl = ({ avatarKey }: GroupRecord) => (avatarKey === null ? null : avatarUrlOf(avatarKey));

  const views = {
    avatarUrlOf,

    /** A group as one of its members sees it. */
    toGroup(group: GroupRecord, viewerId: string): Group {
      const { id, name, description, ownerId, memberCount, joinMode, settings, mutedAll } = group;
      return {
        id,
        name,
        avatarUrl: avatarUrl(group),
        description,
        ownerId,
        memberCount,
        joinMode,
        settings,
        mutedAll,
        role: roleIn(group, viewerId) ?? 'member',
        createdAt: group.createdAt.toISOString(),
      };
    },

    toPreview(group: GroupRecord): GroupPreview {
      const { id, name, memberCount, joinMode } = group;
      return { id, name, avatarUrl: avatarUrl(group), memberCount, joinMode };
    },

    /** Members as one of them sees them, in the order given; without who is not in the group any more. */
    async toMembers(members: readonly GroupMembership[], viewerId: string): Promise<GroupMember[]> {
      const users = await usersFor(
        viewerId,
        members.map(({ userId }) => userId),
      );
      const now = new Date();
      return members.flatMap(({ userId, role, nickname, mutedUntil, joinedAt }) => {
        const user = users.get(userId);
        if (!user || role === null) return [];
        const isMuted = role !== 'owner' && mutedUntil !== null && mutedUntil > now;
        return {
          user,
          role,
          nickname,
          mutedUntil: isMuted ? mutedUntil.toISOString() : null,
          joinedAt: joinedAt.toISOString(),
        };
      });
    },

    /** Somebody as a change of the group has left them, even if they were taken out since. */
    async toMember(group: GroupRecord, userId: string, viewerId: string): Promise<GroupMember> {
      const found = (await findPeople(group.id, [userId])).get(userId);
      const role = roleIn(group, userId) ?? 'member';
      const [member] = found ? await views.toMembers([{ ...found, role }], viewerId) : [];
      if (!member) throw new AppError('not_found');
      return member;
    },
  };
  return views;
}
