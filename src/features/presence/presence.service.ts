import type { Privacy } from '../users/users.contract.ts';
import { canSeeLastSeen } from './presence.rules.ts';

interface Person {
  id: string;
  privacy: Privacy;
  lastSeenAt: Date | null;
}

interface PresenceDeps {
  findByIds(userIds: readonly string[]): Promise<Person[]>;
  /** Whether a person has a live socket here. */
  isOnline(userId: string): boolean;
}

export interface Presence {
  status: 'online' | 'offline';
  lastSeenAt: string | null;
}

/** Who is here, as far as both sides' privacy lets those know who look. */
export function createPresence({ findByIds, isOnline }: PresenceDeps) {
  async function people(userIds: readonly string[]): Promise<Map<string, Person>> {
    return new Map((await findByIds(userIds)).map((person) => [person.id, person]));
  }

  function seen(viewer: Person | undefined, person: Person | undefined): Presence {
    const isShown = viewer && person && canSeeLastSeen(viewer.privacy, person.privacy);
    if (!isShown) return { status: 'offline', lastSeenAt: null };
    const lastSeenAt = person.lastSeenAt?.toISOString() ?? null;
    return { status: isOnline(person.id) ? 'online' : 'offline', lastSeenAt };
  }

  return {
    /** What one viewer may know of several people, by person. */
    async seenBy(viewerId: string, userIds: readonly string[]): Promise<Map<string, Presence>> {
      const found = await people([viewerId, ...userIds]);
      return new Map(userIds.map((userId) => [userId, seen(found.get(viewerId), found.get(userId))]));
    },

    /** What several viewers may know of one person, by viewer. */
    async shownTo(viewerIds: readonly string[], userId: string): Promise<Map<string, Presence>> {
      const found = await people([userId, ...viewerIds]);
      return new Map(viewerIds.map((viewerId) => [viewerId, seen(found.get(viewerId), found.get(userId))]));
    },
  };
}
