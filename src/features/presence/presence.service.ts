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

/** Who is here, as far as both sides' privacy lets the viewer know. */
export function createPresence({ findByIds, isOnline }: PresenceDeps) {
  return async (viewerId: string, userIds: readonly string[]): Promise<Map<string, Presence>> => {
    const people = new Map((await findByIds([viewerId, ...userIds])).map((person) => [person.id, person]));
    const viewer = people.get(viewerId);
    return new Map(
      userIds.map((userId) => {
        const person = people.get(userId);
        const isShown = viewer && person && canSeeLastSeen(viewer.privacy, person.privacy);
        if (!isShown) return [userId, { status: 'offline', lastSeenAt: null }];
        const lastSeenAt = person.lastSeenAt?.toISOString() ?? null;
        return [userId, { status: isOnline(userId) ? 'online' : 'offline', lastSeenAt }];
      }),
    );
  };
}
