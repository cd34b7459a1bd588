import type { Relation } from '../users/users.contract.ts';
import { otherOf, relationOf } from './friends.rules.ts';
import { pairIdOf, type RelationshipStore } from './friends.store.ts';

/** What other features may ask about how people stand to each other. */
export function createRelations(store: RelationshipStore) {
  return {
    /** Which of these pairs may write to each other now. */
    findFriendPairs: store.findFriendPairs,

    async areFriends(pairId: string): Promise<boolean> {
      return (await store.findFriendPairs([pairId])).size > 0;
    },

    /** The friends that a person has now. */
    friendIdsOf: store.friendIdsOf,

    /** How each of these people stands to the viewer; who is left out is a stranger. */
    async relationsOf(viewerId: string, userIds: readonly string[]): Promise<Map<string, Relation>> {
      const others = userIds.filter((userId) => userId !== viewerId);
      const pairs = await store.findByIds(others.map((userId) => pairIdOf(viewerId, userId)));
      const relations = new Map(pairs.map((pair) => [otherOf(pair, viewerId), relationOf(pair, viewerId)]));
      return relations.set(viewerId, 'self');
    },

    /** Which of this person's lists changed from a point in time on, pair by pair. */
    async listChangesSince(userId: string, since: Date) {
      const pairs = await store.changedSince(userId, since);
      const changes = (field: 'friendsChangedAt' | 'requestsChangedAt') =>
        pairs.flatMap((pair) => {
          const at = pair[field];
          return at && at > since ? [{ id: `${field}:${pair.id}`, at }] : [];
        });
      return { friends: changes('friendsChangedAt'), requests: changes('requestsChangedAt') };
    },
  };
}
