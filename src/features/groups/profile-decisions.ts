import { requireAdmin, requireEditor, requireOwner, type Scene } from './authority.rules.ts';
import type { GroupSettings, JoinMode } from './groups.contract.ts';
import type { Aftermath, Decision, GroupRecord } from './groups.rules.ts';

interface ProfileChanges {
  name?: string | undefined;
  description?: string | null | undefined;
  joinMode?: JoinMode | undefined;
  settings?: { [Name in keyof GroupSettings]?: GroupSettings[Name] | undefined } | undefined;
}

/** What of a group is to be called otherwise; `null` if it is all so already. */
export function updated(scene: Scene, { settings, joinMode, ...profile }: ProfileChanges): Decision | null {
  const { group, actorId } = scene;
  if (settings !== undefined || joinMode !== undefined) requireAdmin(scene);
  else requireEditor(scene);
  const changes = differing(group, { ...profile, joinMode });
  const rules = differing(group.settings, settings ?? {});
  const hasNewRules = Object.keys(rules).length > 0;
  if (Object.keys(changes).length === 0 && !hasNewRules) return null;
  return {
    update: { ...changes, ...(hasNewRules && { settings: { ...group.settings, ...rules } }) },
    change: {
      event: 'group_updated',
      data: { changes: { ...changes, ...(hasNewRules && { settings: rules }) }, byId: actorId },
    },
  };
}

export function givenAvatar(scene: Scene, avatarKey: string, avatarUrl: string): Decision {
  requireEditor(scene);
  const { group, actorId } = scene;
  return {
    update: { avatarKey },
    change: { event: 'group_updated', data: { changes: { avatarUrl }, byId: actorId } },
    aftermath: withoutPicture(group),
  };
}

export function mutedAll(scene: Scene, isMuted: boolean): Decision | null {
  requireAdmin(scene);
  if (scene.group.mutedAll === isMuted) return null;
  return {
    update: { mutedAll: isMuted },
    change: { event: 'group_updated', data: { changes: { mutedAll: isMuted }, byId: scene.actorId } },
  };
}

export function dissolved(scene: Scene): Decision {
  requireOwner(scene);
  return {
    update: { dissolvedAt: scene.now, invites: [], avatarKey: null },
    change: { event: 'group_dissolved', data: {} },
    aftermath: withoutPicture(scene.group),
  };
}

/** Whatever becomes of the group's picture, nobody is to see it any more. */
function withoutPicture({ avatarKey }: GroupRecord): Aftermath {
  return avatarKey === null ? {} : { pictureGone: avatarKey };
}

/** What is named, and has another value. */
function differing<T extends object>(
  current: T,
  named: { [Name in keyof T]?: T[Name] | undefined },
): Partial<T> {
  const entries = Object.entries(named) as [keyof T, T[keyof T] | undefined][];
  return Object.fromEntries(
    entries.filter(([name, value]) => value !== undefined && value !== current[name]),
  ) as Partial<T>;
}
