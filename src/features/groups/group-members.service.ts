import { z } from 'zod';
import type { Actor, Call } from '../../core/actor.ts';
import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import { decodeCursor, encodeCursor } from '../../core/page.ts';
import { requireMember, type Scene } from './authority.rules.ts';
import type { GroupChanges } from './group-changes.ts';
import type { groupMembersContract } from './group-members.contract.ts';
import type { Scenes } from './group-scenes.ts';
import type { GroupViews } from './group-views.ts';
import type { Decision, GroupMembership, GroupRecord } from './groups.rules.ts';
import type { Joining } from './joining.ts';
import { givenRole, kicked, left, muted, transferred, unbarred } from './member-decisions.ts';

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
  scenes: Scenes;
  joining: Joining;
}

const usualLimit = 50;
const minuteMs = 60_000;
const order = z.string().max(60);

/** Who is in a group, what they may do there, and how it ends for them. */
export function createGroupMembers(deps: MembersDeps): Handlers<typeof groupMembersContract> {
  const { changes, views, memberships } = deps;

  /** Changes what somebody is in a group. */
  const change = (
    { groupId, userId }: { groupId: string; userId: string },
    { actor, originSocketId }: Call<Actor>,
    decide: (scene: Scene) => Decision | null,
  ): Promise<GroupRecord> =>
    changes.change({ groupId, actorId: actor.userId, userIds: [userId], decide, originSocketId });

  return {
    ...deps.joining,

    async list({ groupId, limit = usualLimit, cursor }, { actor }) {
      const after = cursor === undefined ? null : decodeCursor(cursor, order);
      requireMember(await deps.scenes.require(groupId, actor.userId));
      const found = await memberships.list(groupId, after, limit + 1);
      const page = found.slice(0, limit);
      const last = page.at(-1);
      return {
        items: await views.toMembers(page, actor.userId),
        nextCursor: found.length > limit && last ? encodeCursor(last.order) : null,
      };
    },

    async kick({ barred, ...about }, call) {
      await change(about, call, (scene) => kicked(scene, about.userId, barred));
    },

    async unbar(about, call) {
      await change(about, call, (scene) => unbarred(scene, about.userId));
    },

    async leave({ groupId }, { actor, originSocketId }) {
      await changes.change({ groupId, actorId: actor.userId, decide: left, originSocketId });
    },

    async mute({ minutes, ...about }, call) {
      const until = (now: Date) => new Date(now.getTime() + minutes * minuteMs);
      const group = await change(about, call, (scene) => muted(scene, about.userId, until(scene.now)));
      return views.toMember(group, about.userId, call.actor.userId);
    },

    async unmute(about, call) {
      await change(about, call, (scene) => muted(scene, about.userId, null));
    },

    async setRole({ role, ...about }, call) {
      const group = await change(about, call, (scene) => givenRole(scene, about.userId, role));
      return views.toMember(group, about.userId, call.actor.userId);
    },

    async transfer(about, call) {
      const group = await change(about, call, (scene) => transferred(scene, about.userId));
      return views.toGroup(group, call.actor.userId);
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
