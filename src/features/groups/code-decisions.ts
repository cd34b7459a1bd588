import { AppError } from '../../core/errors.ts';
import { isAdmin, isMember, requireMember, type Scene } from './authority.rules.ts';
import { type Decision, type GroupRecord, type Invite, mostInvites } from './groups.rules.ts';
import { joined, mayBringIn, requested, routeBy } from './member-decisions.ts';

/** By what somebody would come in who was not brought in by name. */
export interface Code {
  makerId: string;
  /** Whether there still is somebody who made it. */
  hasMaker: boolean;
  /** `null`: it is the maker's QR code, which is good as it is. */
  inviteId: string | null;
}

const isExpired = ({ expiresAt }: Invite, now: Date) => expiresAt <= now;
const isUsedUp = ({ uses, maxUses }: Invite) => maxUses !== null && uses >= maxUses;

/** Whether it may bring somebody in. */
export function isLive(invite: Invite, now: Date): boolean {
  return !isExpired(invite, now) && !isUsedUp(invite);
}

function inviteOf({ invites }: GroupRecord, { inviteId }: Code): Invite | null {
  return invites.find(({ id }) => id === inviteId) ?? null;
}

/** How people come in by a code: as its maker may bring them in now, not when it was made; `null` if not at all. */
function routeByCode(scene: Scene, code: Code): 'in' | 'to_ask' | null {
  const invite = inviteOf(scene.group, code);
  if (!code.hasMaker || (code.inviteId !== null && (!invite || isExpired(invite, scene.now)))) return null;
  return routeBy(scene, code.makerId);
}

/** Whether somebody would come in by a code now, or could ask to. */
export function isGood(scene: Scene, code: Code): boolean {
  const invite = inviteOf(scene.group, code);
  return routeByCode(scene, code) !== null && !(invite && isUsedUp(invite));
}

/**
 * Lets the actor in by a code, or notes that they ask for it, and counts the use of an invite with it; no decision if they
 * are in, or ask, already. Throws `not_found` for a code that is good for nothing, whatever the reason.
 */
export function cameByCode(
  scene: Scene,
  code: Code,
  mostMembers: number,
): { isPending: boolean; decision: Decision | null } {
  const { group, people, actorId } = scene;
  if (isMember(scene, actorId)) return { isPending: false, decision: null };
  const isPending = routeByCode(scene, code) === 'to_ask';
  // a repeat, whose use may have been the last
  if (isPending && people.get(actorId)?.request?.isOwn) return { isPending, decision: null };
  if (!isGood(scene, code)) throw new AppError('not_found');
  const userIds = [actorId];
  const decision = isPending
    ? requested(scene, { userIds, message: null, invitedBy: code.makerId, isOwn: true })
    : joined(scene, { userIds, byId: code.makerId, via: 'qrcode', mostMembers });
  return { isPending, decision: decision && countingUse(decision, group, code.inviteId) };
}

function countingUse(decision: Decision, { invites }: GroupRecord, inviteId: string | null): Decision {
  if (inviteId === null) return decision;
  const counted = invites.map((invite) =>
    invite.id === inviteId ? { ...invite, uses: invite.uses + 1 } : invite,
  );
  return { ...decision, update: { ...decision.update, invites: counted } };
}

/** A member makes an invite. Those that are good for nothing any more make room. */
export function invited(scene: Scene, invite: Invite): Decision {
  mayBringIn(scene);
  const live = scene.group.invites.filter((one) => isLive(one, scene.now));
  if (live.length >= mostInvites) throw new AppError('limit_reached');
  return { update: { invites: [...live, invite] } };
}

/** A decision by which somebody leaves for good, so that their invites lead nowhere for ever. */
export function withoutInvitesOf(userId: string, decision: Decision, { invites }: GroupRecord): Decision {
  const others = invites.filter(({ createdBy }) => createdBy !== userId);
  return { ...decision, update: { ...decision.update, invites: others } };
}

/** Admins end all invites, others their own. */
export function revoked(scene: Scene, inviteId: string): Decision {
  requireMember(scene);
  const { invites } = scene.group;
  const invite = invites.find(({ id }) => id === inviteId);
  if (!invite) throw new AppError('not_found');
  if (invite.createdBy !== scene.actorId && !isAdmin(scene)) throw new AppError('not_allowed');
  return { update: { invites: invites.filter(({ id }) => id !== inviteId) } };
}
