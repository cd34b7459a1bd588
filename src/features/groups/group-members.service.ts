import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import { decodeCursor, encodeCursor } from '../../core/page.ts';
import type { GroupChanges } from './group-changes.ts';
import { givenRole, kicked, left, muted, transferred, unbarred } from './group-decisions.ts';
import type { groupMembersContract } from './group-members.contract.ts';
import type { GroupViews } from './group-views.ts';
import type { GroupMembership } from './groups.rules.ts';
import type { Joining } from './joining.ts';

interface MembersDeps {
  changes: GroupChanges;
  views: GroupViews;
  memberships: {
    /** What these people are, or were, in a group; without who never was in it. */
    findAll(groupId: string, userIds: readonly string[]): Promise<Map<string, GroupMembership>>;
    /** Members in their order, after a place in it. */
    list(
      groupId: string,
      after: string | null,
      limit: number,
    ): Promise<(GroupMembership & { order: string })[]>;
    setNickname(groupId: string, userId: string, nickname: string | null): Promise<boolean>;
  };
  isMember(groupId: string, userId: string): Promise<boolean>;
  joining: Joining;
}

const usualLimit = 50;
const minuteMs = 60_000;
const order = z.string().max(60);

/** Who is in a group, what they may do there, and how it ends for them. */
export function createGroupMembers(deps: MembersDeps): Handlers<typeof groupMembersContract> {
  const { changes, views, memberships } = deps;

  return {
    ...deps.joining,

    async list({ groupId, limit = usualLimit, cursor }, { actor }) {
      const after = cursor === undefined ? null : decodeCursor(cursor, order);
      if (!(await deps.isMember(groupId, actor.userId))) throw new AppError('not_found');
      const found = await memberships.list(groupId, after, limit + 1);
      const page = found.slice(0, limit);
      const last = page.at(-1);
      return {
        items: await views.toMembers(page, actor.userId),
        nextCursor: found.length > limit && last ? encodeCursor(last.order) : null,
      };
    },

    async kick({ groupId, userId, barred }, { actor, originSocketId }) {
      await changes.change({
        groupId,
        actorId: actor.userId,
        userIds: [userId],
        decide: (scene) => kicked(scene, userId, barred),
        originSocketId,
      });
    },

    async unbar({ groupId, userId }, { actor, originSocketId }) {
      await changes.change({
        groupId,
        actorId: actor.userId,
        userIds: [userId],
        decide: (scene) => unbarred(scene, userId),
        originSocketId,
      });
    },

    async leave({ groupId }, { actor, originSocketId }) {
      await changes.change({ groupId, actorId: actor.userId, decide: left, originSocketId });
    },

    async mute({ groupId, userId, minutes }, { actor, originSocketId }) {
      const group = await changes.change({
        groupId,
        actorId: actor.userId,
        userIds: [userId],
        decide: (scene) => muted(scene, userId, new Date(scene.now.getTime() + minutes * minuteMs)),
        originSocketId,
      });
      return views.toMember(group, userId, actor.userId);
    },

    async unmute({ groupId, userId }, { actor, originSocketId }) {
      await changes.change({
        groupId,
        actorId: actor.userId,
        userIds: [userId],
        decide: (scene) => muted(scene, userId, null),
        originSocketId,
      });
    },

    async setRole({ groupId, userId, role }, { actor, originSocketId }) {
      const group = await changes.change({
        groupId,
        actorId: actor.userId,
        userIds: [userId],
        decide: (scene) => givenRole(scene, userId, role),
        originSocketId,
      });
      return views.toMember(group, userId, actor.userId);
    },

    async transfer({ groupId, userId }, { actor, originSocketId }) {
      const group = await changes.change({
        groupId,
        actorId: actor.userId,
        userIds: [userId],
        decide: (scene) => transferred(scene, userId),
        originSocketId,
      });
      return views.toGroup(group, actor.userId);
    },

    async setNickname({ groupId, nickname }, { actor }) {
      const isSet = await memberships.setNickname(groupId, actor.userId, nickname === '' ? null : nickname);
      if (!isSet) throw new AppError('not_found');
      const found = await memberships.findAll(groupId, [actor.userId]);
      const [member] = await views.toMembers([...found.values()], actor.userId);
      // removed since
      if (!member) throw new AppError('not_found');
      return member;
    },
  };
}
