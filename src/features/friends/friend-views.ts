import type { Privacy, Relation, User } from '../users/users.contract.ts';
import type { Blocked, Friend, FriendRequest } from './friends.contract.ts';
import { otherOf, type Relationship, requestSeenBy, sideOf } from './friends.rules.ts';

/** What this feature needs to know of a person. */
export interface Person {
  id: string;
  privacy: Privacy;
  isGone: boolean;
  viewAs(relation: Relation): User;
}

export interface FriendPresence {
  /** What one viewer may know of several people, by person. */
  seenBy(viewerId: string, userIds: readonly string[]): Promise<Map<string, Friend['presence']>>;
  /** What several viewers may know of one person, by viewer. */
  shownTo(viewerIds: readonly string[], userId: string): Promise<Map<string, Friend['presence']>>;
}

interface ViewsDeps {
  people: { findByIds(ids: readonly string[]): Promise<Person[]> };
  presence: FriendPresence;
}

export type FriendViews = ReturnType<typeof createFriendViews>;

/** How pairs are shown to one of the two, any number of them in a constant number of reads. */
export function createFriendViews({ people, presence }: ViewsDeps) {
  async function findPeople(ids: readonly string[]): Promise<Map<string, Person>> {
    return new Map((await people.findByIds(ids)).map((person) => [person.id, person]));
  }

  return {
    async toFriends(pairs: readonly Relationship[], viewerId: string): Promise<Friend[]> {
      const friendIds = pairs.map((pair) => otherOf(pair, viewerId));
      const [found, presences] = await Promise.all([
        findPeople(friendIds),
        presence.seenBy(viewerId, friendIds),
      ]);
      return pairs.flatMap((pair) => {
        const friendId = otherOf(pair, viewerId);
        const seen = { person: found.get(friendId), presence: presences.get(friendId) };
        return toFriend(pair, viewerId, seen) ?? [];
      });
    },

    /** One person as each of their friends sees them, by friend. */
    async toViewers(pairs: readonly Relationship[], userId: string): Promise<Map<string, Friend>> {
      const viewerIds = pairs.map((pair) => otherOf(pair, userId));
      const [found, presences] = await Promise.all([
        findPeople([userId]),
        presence.shownTo(viewerIds, userId),
      ]);
      const shown = pairs.flatMap((pair) => {
        const viewerId = otherOf(pair, userId);
        const seen = { person: found.get(userId), presence: presences.get(viewerId) };
        const friend = toFriend(pair, viewerId, seen);
        return friend ? [[viewerId, friend] as const] : [];
      });
      return new Map(shown);
    },

    /** The requests that the viewer sees in these pairs. */
    async toRequests(pairs: readonly Relationship[], viewerId: string): Promise<FriendRequest[]> {
      const found = await findPeople(pairs.flatMap(({ low, high }) => [low, high]));
      return pairs.flatMap((pair) => {
        const request = requestSeenBy(pair, viewerId);
        const asker = request && found.get(request.by);
        const target = request && found.get(otherOf(pair, request.by));
        if (!asker || !target) return [];
        const { message, at: createdAt } = request;
        return [toRequest({ asker, target, message, createdAt, status: 'pending' }, viewerId)];
      });
    },

    async toBlacklist(pairs: readonly Relationship[], viewerId: string): Promise<Blocked[]> {
      const found = await findPeople(pairs.map((pair) => otherOf(pair, viewerId)));
      return pairs.flatMap((pair) => {
        const person = found.get(otherOf(pair, viewerId));
        const { blockedAt } = sideOf(pair, viewerId);
        if (!person || !blockedAt) return [];
        return [{ user: person.viewAs('blocked'), createdAt: blockedAt.toISOString() }];
      });
    },
  };
}

interface Seen {
  person: Person | undefined;
  presence: Friend['presence'] | undefined;
}

function toFriend(pair: Relationship, viewerId: string, { person, presence }: Seen): Friend | null {
  if (!person || !presence || !pair.since) return null;
  const { remark } = sideOf(pair, viewerId);
  return { user: person.viewAs('friend'), remark, createdAt: pair.since.toISOString(), presence };
}

interface RequestParts {
  asker: Person;
  target: Person;
  message: string | null;
  status: FriendRequest['status'];
  createdAt: Date;
}

export function toRequest(
  { asker, target, message, status, createdAt }: RequestParts,
  viewerId: string,
): FriendRequest {
  const pending = { asker: 'request_received', target: 'request_sent' } as const;
  const relationTo = (person: Person, role: keyof typeof pending): Relation => {
    if (person.id === viewerId) return 'self';
    return status === 'accepted' ? 'friend' : pending[role];
  };
  return {
    from: asker.viewAs(relationTo(asker, 'asker')),
    to: target.viewAs(relationTo(target, 'target')),
    message,
    status,
    createdAt: createdAt.toISOString(),
  };
}
