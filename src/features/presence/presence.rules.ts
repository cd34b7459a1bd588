import type { Presence } from './presence.contract.ts';

/** What presence needs to know of a person. */
export interface Person {
  id: string;
  /** Whether they let friends see when they are here. Who does not is not shown others either. */
  showsLastSeen: boolean;
  lastSeenAt: Date | null;
}

/** One server process, as long as it says that it lives. Both times are the database's. */
export interface Node {
  id: string;
  renewedAt: Date;
  /** When it stopped on purpose, or was found dead: what is left of it waits to be cleared away. */
  endedAt: Date | null;
}

export const hidden: Presence = { status: 'offline', lastSeenAt: null };

/** Whether the viewer may see when the other was here: who hides it does not see it either. */
export function canSeeLastSeen(viewer: Person | undefined, other: Person | undefined): boolean {
  return viewer !== undefined && other !== undefined && viewer.showsLastSeen && other.showsLastSeen;
}

/** How somebody is shown to whoever may see it. */
export function presenceOf({ lastSeenAt }: Person, isOnline: boolean): Presence {
  if (isOnline) return { status: 'online', lastSeenAt: null };
  return { status: 'offline', lastSeenAt: lastSeenAt?.toISOString() ?? null };
}

/** Whether a process still counts at this time of the database's clock. */
export function isAlive({ renewedAt, endedAt }: Node, now: Date, aliveMs: number): boolean {
  return endedAt === null && now.getTime() - renewedAt.getTime() <= aliveMs;
}
