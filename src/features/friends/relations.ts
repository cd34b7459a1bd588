import type { Relation } from '../users/users.contract.ts';
import { type List, otherOf, relationOf, sideOf } from './friends.rules.ts';
import { pairIdOf, type RelationshipStore } from './friends.store.ts';

/** What other features may ask about how people stand to each other. */
export function createRelations(store: RelationshipStore) {
  return {
    /** Which of these pairs may write to each other now. */
    findFriendPairs: store.findFriendPairs,

    async areFriends(pairId: string): Promise<boolean> {
      return (await store.findFriendPairs([pairId])).size > 0;
    },

    /** How each of these people stands to the viewer; who is left out is a stranger. */
    async relationsOf(viewerId: string, userIds: readonly string[]): Promise<Map<string, Relation>> {
      const others = userIds.filter((userId) => userId !== viewerId);
      const pairs = await store.findByIds(others.map((userId) => pairIdOf(viewerId, userId)));
      const relations = new Map(pairs.map((pair) => [otherOf(pair, viewerId), relationOf(pair, viewerId)]));
      return relations.set(viewerId, 'self');
    },

    /** The ids of this person's friends, `upTo` so many of them. */
    friendIdsOf: store.friendIdsOf,

    /** Which of this person's lists changed from a point in time on, pair by pair. */
    async listChangesSince(userId: string, since: Date) {
      const pairs = await store.changedSince(userId, since);
      const changes = (list: List) =>
        pairs.flatMap((pair) => {
          const at = sideOf(pair, userId).changedAt[list];
          return at && at > since ? [{ id: `${list}:${pair.id}`, at }] : [];
        });
      return {
        friends: changes('friends'),
        requests: changes('requests'),
        blacklist: changes('blacklist'),
      };
    },
  };
}
