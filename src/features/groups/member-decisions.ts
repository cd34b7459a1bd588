import { AppError } from '../../core/errors.ts';
import {
  isMember,
  requireAbove,
  requireAdmin,
  requireMember,
  requireOwner,
  roleIn,
  type Scene,
} from './authority.rules.ts';
import type { GroupChangeEvents } from './groups.contract.ts';
import {
  type Decision,
  type GroupRecord,
  type JoinRequest,
  mostAdmins,
  mostRequests,
} from './groups.rules.ts';

type Via = GroupChangeEvents['group_member_joined']['via'];

interface Joining {
  userIds: readonly string[];
  byId: string;
  via: Via;
  mostMembers: number;
}

/** Lets people in who are not; `null` if all of them are. Who lets them in has been judged. */
export function joined(scene: Scene, { userIds, byId, via, mostMembers }: Joining): Decision | null {
  const { group, people } = scene;
  const coming = userIds.filter((userId) => !isMember(scene, userId));
  if (coming.length === 0) return null;
  if (coming.some((userId) => people.get(userId)?.barredAt)) throw new AppError('not_allowed');
  if (group.memberCount + coming.length > mostMembers) throw new AppError('limit_reached');
  const asking = coming.filter((userId) => people.get(userId)?.request);
  return {
    update: {
      memberCount: group.memberCount + coming.length,
      requestCount: group.requestCount - asking.length,
    },
    change: { event: 'group_member_joined', data: { userIds: coming, byId, via } },
    aftermath: { seesHistory: group.settings.newcomersSeeHistory },
  };
}

/** How a member may bring people in: by themselves, by asking an admin for it, or not at all (`null`). */
export function routeBy(scene: Scene, userId: string): 'in' | 'to_ask' | null {
  if (!isMember(scene, userId)) return null;
  const { joinMode, settings } = scene.group;
  if (roleIn(scene.group, userId) !== null) return 'in';
  if (settings.whoCanInvite === 'admins' || joinMode === 'closed') return null;
  return joinMode === 'approval' ? 'to_ask' : 'in';
}

/** How the actor may bring people in. Throws if not at all. */
export function mayBringIn(scene: Scene): 'in' | 'to_ask' {
  requireMember(scene);
  const route = routeBy(scene, scene.actorId);
  if (route === null) throw new AppError('not_allowed');
  return route;
}

/** People ask to join, or a member proposes them; `null` if all of them do already, or are. */
export function requested(
  { group, people }: Scene,
  { userIds, ...request }: { userIds: readonly string[] } & Omit<JoinRequest, 'at'>,
): Decision | null {
  if (userIds.some((userId) => people.get(userId)?.barredAt)) throw new AppError('not_allowed');
  const known = (userId: string) => people.get(userId)?.request ?? null;
  // who asks themselves does so in their own words, proposed or not
  const asking = userIds.filter((userId) => !known(userId) || (request.isOwn && !known(userId)?.isOwn));
  if (asking.length === 0) return null;
  const requestCount = group.requestCount + asking.filter((userId) => !known(userId)).length;
  if (requestCount > mostRequests) throw new AppError('limit_reached');
  return { update: { requestCount }, aftermath: { requested: { userIds: asking, ...request } } };
}

/** A request is taken back, or refused; who was only proposed hears nothing of it. */
export function answered(scene: Scene, userId: string, how: 'withdrawn' | 'rejected'): Decision {
  if (how === 'rejected') requireAdmin(scene);
  const request = scene.people.get(userId)?.request;
  if (!request) throw new AppError('not_found');
  return {
    update: { requestCount: scene.group.requestCount - 1 },
    aftermath: { [request.isOwn ? how : 'withdrawn']: userId },
  };
}

/** An admin lets in who asks. */
export function accepted(scene: Scene, userId: string, mostMembers: number): Decision | null {
  requireAdmin(scene);
  const asker = scene.people.get(userId);
  // a repeat of an acceptance that came through
  if (!asker?.request && isMember(scene, userId)) return null;
  if (!asker?.request) throw new AppError('not_found');
  return joined(scene, { userIds: [userId], byId: scene.actorId, via: 'request', mostMembers });
}

export function left(scene: Scene): Decision {
  requireMember(scene);
  const { group, actorId } = scene;
  if (group.ownerId === actorId) throw new AppError('owner_cannot_leave');
  return {
    update: withoutOne(group, actorId),
    change: { event: 'group_member_left', data: { userId: actorId } },
  };
}

export function kicked(scene: Scene, userId: string, isBarred: boolean): Decision {
  requireAbove(scene, userId);
  return {
    update: withoutOne(scene.group, userId),
    change: { event: 'group_member_removed', data: { userId, byId: scene.actorId } },
    ...(isBarred && { aftermath: { barred: userId } }),
  };
}

export function unbarred(scene: Scene, userId: string): Decision {
  requireAdmin(scene);
  if (!scene.people.get(userId)?.barredAt) throw new AppError('not_found');
  return { update: {}, aftermath: { unbarred: userId } };
}

/** `mutedUntil: null` lifts a mute; `null` if there is none. */
export function muted(scene: Scene, userId: string, mutedUntil: Date | null): Decision | null {
  requireAbove(scene, userId);
  const before = scene.people.get(userId)?.mutedUntil ?? null;
  if (mutedUntil === null && (before === null || before <= scene.now)) return null;
  return {
    update: {},
    change: {
      event: 'group_member_muted',
      data: { userId, mutedUntil: mutedUntil?.toISOString() ?? null, byId: scene.actorId },
    },
  };
}

export function givenRole(scene: Scene, userId: string, role: 'admin' | 'member'): Decision | null {
  requireOwner(scene);
  const { group, actorId } = scene;
  if (!isMember(scene, userId)) throw new AppError('not_found');
  if (userId === actorId) throw new AppError('not_allowed');
  if ((roleIn(group, userId) ?? 'member') === role) return null;
  const others = group.adminIds.filter((id) => id !== userId);
  const adminIds = role === 'admin' ? [...others, userId] : others;
  if (adminIds.length > mostAdmins) throw new AppError('limit_reached');
  return {
    update: { adminIds },
    change: { event: 'group_role_changed', data: { changes: [{ userId, role }], byId: actorId } },
  };
}

/** The owner becomes an admin; `null` if they name themselves. */
export function transferred(scene: Scene, userId: string): Decision | null {
  requireOwner(scene);
  const { group, actorId } = scene;
  if (!isMember(scene, userId)) throw new AppError('not_found');
  if (userId === actorId) return null;
  const adminIds = [...group.adminIds.filter((id) => id !== userId), actorId];
  if (adminIds.length > mostAdmins) throw new AppError('limit_reached');
  const changes = [
    { userId, role: 'owner' as const },
    { userId: actorId, role: 'admin' as const },
  ];
  return {
    update: { ownerId: userId, adminIds },
    change: { event: 'group_role_changed', data: { changes, byId: actorId } },
  };
}

/** An owner who goes for good leaves the group to another member, who has been found in this very scene. */
export function bequeathed(scene: Scene, userId: string): Decision {
  requireOwner(scene);
  const { group, actorId } = scene;
  const changes = [
    { userId, role: 'owner' as const },
    { userId: actorId, role: 'member' as const },
  ];
  return {
    update: { ownerId: userId, adminIds: group.adminIds.filter((id) => id !== userId) },
    change: { event: 'group_role_changed', data: { changes, byId: actorId } },
  };
}

function withoutOne({ memberCount, adminIds }: GroupRecord, userId: string) {
  return { memberCount: memberCount - 1, adminIds: adminIds.filter((id) => id !== userId) };
}
