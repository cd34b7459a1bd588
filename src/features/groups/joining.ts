import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import { decodeCursor, encodeCursor } from '../../core/page.ts';
import type { User } from '../users/users.contract.ts';
import type { Admission } from './admission.ts';
import { isMember, requireAdmin } from './authority.rules.ts';
import type { GroupChanges } from './group-changes.ts';
import type { groupMembersContract } from './group-members.contract.ts';
import type { Scenes } from './group-scenes.ts';
import type { GroupViews } from './group-views.ts';
import type { GroupMembership, JoinRequest } from './groups.rules.ts';
import { accepted, answered, joined, mayBringIn, requested } from './member-decisions.ts';

interface JoiningDeps {
  changes: GroupChanges;
  views: GroupViews;
  admission: Admission;
  memberships: {
    findAll(groupId: string, userIds: readonly string[]): Promise<Map<string, GroupMembership>>;
    listRequests(
      groupId: string,
      after: { at: Date; userId: string } | null,
      limit: number,
    ): Promise<{ userId: string; request: NonNullable<GroupMembership['request']> }[]>;
    listBarred(
      groupId: string,
      after: { barredAt: Date; userId: string } | null,
      limit: number,
    ): Promise<{ userId: string; barredAt: Date }[]>;
  };
  scenes: Scenes;
  usersFor(viewerId: string, userIds: readonly string[]): Promise<Map<string, User>>;
  mostMembers: number;
}

export type Joining = Pick<
  Handlers<typeof groupMembersContract>,
  'invite' | 'join' | 'withdraw' | 'listRequests' | 'acceptRequest' | 'rejectRequest' | 'listBarred'
>;

const usualLimit = 50;
const position = z.tuple([z.int(), z.string().regex(/^[0-9a-f]{24}$/)]);
const pending = { status: 'pending' } as const;

/** How people come into a group: brought in, by themselves, or by asking. */
export function createJoining(deps: JoiningDeps): Joining {
  const { changes, views, admission, memberships, scenes, mostMembers } = deps;

  return {
    async invite({ groupId, userIds }, { actor, originSocketId }) {
      let isPending = false;
      await admission.inTurnOf(userIds, () =>
        changes.change({
          groupId,
          actorId: actor.userId,
          userIds,
          async decide(scene) {
            const route = mayBringIn(scene);
            const coming = userIds.filter((userId) => !isMember(scene, userId));
            isPending = route === 'to_ask' && coming.length > 0;
            await admission.requireInvitable(actor.userId, coming);
            return isPending
              ? requested(scene, { userIds: coming, message: null, invitedBy: actor.userId, isOwn: false })
              : admission.withRoom(
                  joined(scene, { userIds, byId: actor.userId, via: 'invite', mostMembers }),
                );
          },
          originSocketId,
        }),
      );
      if (isPending) return pending;
      const found = await memberships.findAll(groupId, userIds);
      const members = userIds.flatMap((userId) => found.get(userId) ?? []);
      return { items: await views.toMembers(members, actor.userId) };
    },

    async join({ groupId, message }, { actor, originSocketId }) {
      const { userId } = actor;
      let isPending = false;
      const group = await admission.inTurnOf([userId], () =>
        changes.change({
          groupId,
          actorId: userId,
          decide(scene) {
            isPending = false;
            if (isMember(scene, userId)) return null;
            const { joinMode } = scene.group;
            if (joinMode !== 'open' && joinMode !== 'approval') throw new AppError('not_found');
            isPending = joinMode === 'approval';
            return isPending
              ? requested(scene, { userIds: [userId], message, invitedBy: null, isOwn: true })
              : admission.withRoom(
                  joined(scene, { userIds: [userId], byId: userId, via: 'join', mostMembers }),
                );
          },
          originSocketId,
        }),
      );
      return isPending ? pending : views.toGroup(group, userId);
    },

    async withdraw({ groupId }, { actor, originSocketId }) {
      await changes.change({
        groupId,
        actorId: actor.userId,
        decide: (scene) => answered(scene, actor.userId, 'withdrawn'),
        originSocketId,
      });
    },

    async acceptRequest({ groupId, userId }, { actor, originSocketId }) {
      const group = await admission.inTurnOf([userId], () =>
        changes.change({
          groupId,
          actorId: actor.userId,
          userIds: [userId],
          async decide(scene) {
            const decision = accepted(scene, userId, mostMembers);
            await requireConsent(scene.people.get(userId)?.request ?? null, userId);
            return admission.withRoom(decision);
          },
          originSocketId,
        }),
      );
      return views.toMember(group, userId, actor.userId);
    },

    async rejectRequest({ groupId, userId }, { actor, originSocketId }) {
      await changes.change({
        groupId,
        actorId: actor.userId,
        userIds: [userId],
        decide: (scene) => answered(scene, userId, 'rejected'),
        originSocketId,
      });
    },

    async listRequests({ groupId, limit = usualLimit, cursor }, { actor }) {
      const from = cursor === undefined ? null : decodeCursor(cursor, position);
      requireAdmin(await scenes.require(groupId, actor.userId));
      const after = from && { at: new Date(from[0]), userId: from[1] };
      const found = await memberships.listRequests(groupId, after, limit + 1);
      const page = found.slice(0, limit);
      const named = page.flatMap(({ userId, request }) => [userId, request.invitedBy ?? []].flat());
      const users = await deps.usersFor(actor.userId, [...new Set(named)]);
      const last = page.at(-1);
      return {
        items: page.flatMap(({ userId, request: { at, message, invitedBy } }) => {
          const user = users.get(userId);
          const inviter = invitedBy === null ? undefined : users.get(invitedBy);
          if (!user) return [];
          return { user, message, ...(inviter && { invitedBy: inviter }), createdAt: at.toISOString() };
        }),
        nextCursor:
          found.length > limit && last ? encodeCursor([last.request.at.getTime(), last.userId]) : null,
      };
    },

    async listBarred({ groupId, limit = usualLimit, cursor }, { actor }) {
      const from = cursor === undefined ? null : decodeCursor(cursor, position);
      requireAdmin(await scenes.require(groupId, actor.userId));
      const after = from && { barredAt: new Date(from[0]), userId: from[1] };
      const found = await memberships.listBarred(groupId, after, limit + 1);
      const page = found.slice(0, limit);
      const users = await deps.usersFor(
        actor.userId,
        page.map(({ userId }) => userId),
      );
      const last = page.at(-1);
      return {
        items: page.flatMap(({ userId, barredAt }) => {
          const user = users.get(userId);
          return user ? [{ user, createdAt: barredAt.toISOString() }] : [];
        }),
        nextCursor:
          found.length > limit && last ? encodeCursor([last.barredAt.getTime(), last.userId]) : null,
      };
    },
  };

  /** Who was proposed and did not ask themselves is brought in as by an invitation of who proposed them. */
  async function requireConsent(request: JoinRequest | null, userId: string): Promise<void> {
    if (!request || request.isOwn || request.invitedBy === null) return;
    await admission.requireInvitable(request.invitedBy, [userId]);
  }
}
