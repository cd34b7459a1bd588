import type { GroupChangeEvents, Role } from '../../src/features/groups/groups.contract.ts';

/** Something that happened to a group, as an event and as an entry's content. */
export type GroupEntry = {
  [Name in keyof GroupChangeEvents]: { event: Name; data: GroupChangeEvents[Name] };
}[keyof GroupChangeEvents];

/** What a client makes of a group that knows nothing but what happened to it. */
export interface Roster {
  roles: Record<string, Role>;
  mutedIds: string[];
  /** What was said of the group: name, way of joining, settings, whether all are muted. */
  profile: Record<string, unknown>;
  isDissolved: boolean;
}

/** Plays what happened, in its order. */
export function rosterOf(entries: Iterable<GroupEntry>): Roster {
  const roster: Roster = { roles: {}, mutedIds: [], profile: {}, isDissolved: false };
  for (const entry of entries) play(roster, entry);
  return roster;
}

function play(roster: Roster, { event, data }: GroupEntry): void {
  const { roles, profile } = roster;
  switch (event) {
    case 'group_created':
      for (const { userId, role } of data.members) roles[userId] = role;
      profile.name = data.name;
      return;
    case 'group_member_joined':
      for (const userId of data.userIds) roles[userId] = 'member';
      return;
    case 'group_member_left':
    case 'group_member_removed':
      delete roles[data.userId];
      return;
    case 'group_role_changed':
      for (const { userId, role } of data.changes) roles[userId] = role;
      return;
    case 'group_member_muted':
      roster.mutedIds = roster.mutedIds.filter((userId) => userId !== data.userId);
      if (data.mutedUntil !== null) roster.mutedIds.push(data.userId);
      return;
    case 'group_updated':
      Object.assign(profile, data.changes, {
        settings: { ...(profile.settings as object), ...data.changes.settings },
      });
      return;
    case 'group_dissolved':
      roster.isDissolved = true;
  }
}
