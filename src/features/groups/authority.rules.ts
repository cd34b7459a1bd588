import { AppError } from '../../core/errors.ts';
import type { Role } from './groups.contract.ts';
import type { GroupMembership, GroupRecord } from './groups.rules.ts';

/** A group as it stands before a change, and what the people concerned are in it. */
export interface Scene {
  group: GroupRecord;
  actorId: string;
  /** Of the actor and whom the change is about; without who never had to do with the group. */
  people: ReadonlyMap<string, GroupMembership>;
  now: Date;
}

/** What somebody is in the group; `null` for who is not in it. */
export function roleIn({ ownerId, adminIds }: GroupRecord, userId: string): Exclude<Role, 'member'> | null {
  if (userId === ownerId) return 'owner';
  return adminIds.includes(userId) ? 'admin' : null;
}

export function isMember({ people }: Pick<Scene, 'people'>, userId: string): boolean {
  return (people.get(userId)?.role ?? null) !== null;
}

export function isAdmin({ group, actorId }: Scene): boolean {
  return roleIn(group, actorId) !== null;
}

/** Throws `not_found`: a group that one is not in is none. */
export function requireMember(scene: Scene): void {
  if (!isMember(scene, scene.actorId)) throw new AppError('not_found');
}

export function requireAdmin(scene: Scene): void {
  requireMember(scene);
  if (!isAdmin(scene)) throw new AppError('not_allowed');
}

export function requireOwner(scene: Scene): void {
  requireMember(scene);
  if (scene.group.ownerId !== scene.actorId) throw new AppError('not_allowed');
}

/** Members may edit where the settings say so, admins always. */
export function requireEditor(scene: Scene): void {
  requireMember(scene);
  if (scene.group.settings.whoCanEdit === 'admins' && !isAdmin(scene)) throw new AppError('not_allowed');
}

/** Admins act on members, the owner on everybody else, nobody on themselves. */
export function requireAbove(scene: Scene, userId: string): void {
  requireAdmin(scene);
  if (!isMember(scene, userId)) throw new AppError('not_found');
  const target = roleIn(scene.group, userId);
  const isAbove = target === null || (target === 'admin' && scene.group.ownerId === scene.actorId);
  if (userId === scene.actorId || !isAbove) throw new AppError('not_allowed');
}
