import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import { pageOfPairs, positionOf } from './friend-pages.ts';
import type { FriendViews, Person } from './friend-views.ts';
import type { friendsContract } from './friends.contract.ts';
import { afterBlocking, afterUnblocking, friendLimits, type Relationship, sideOf } from './friends.rules.ts';
import type { RelationshipStore } from './friends.store.ts';
import type { PairChanges } from './pair-changes.ts';

interface BlacklistDeps {
  store: Pick<RelationshipStore, 'blockedBy' | 'countBlocked'>;
  changes: PairChanges;
  views: FriendViews;
  people: { findByIds(ids: readonly string[]): Promise<Person[]> };
}

/** Whom people want nothing to do with. Those never hear of it: to them a blocker is a stranger. */
export function createBlacklist({
  store,
  changes,
  views,
  people,
}: BlacklistDeps): Pick<Handlers<typeof friendsContract>, 'listBlacklist' | 'block' | 'unblock'> {
  async function requireRoom(userId: string): Promise<void> {
    const count = await store.countBlocked(userId, friendLimits.blacklist);
    if (count >= friendLimits.blacklist) throw new AppError('limit_reached');
  }

  return {
    async listBlacklist({ limit, cursor }, { actor: { userId } }) {
      // read whole, as its limit is low: the time that orders it lies on either side of a pair
      const blockedAt = (pair: Relationship) => sideOf(pair, userId).blockedAt;
      const rank = (pair: Relationship) => orderOf(blockedAt(pair), pair.id);
      const pairs = await store.blockedBy(userId);
      const after = positionOf(cursor);
      const rest = after ? pairs.filter((pair) => rank(pair) < orderOf(after.at, after.id)) : pairs;
      const latestFirst = rest.toSorted((one, other) => (rank(one) < rank(other) ? 1 : -1));
      const { shown, nextCursor } = pageOfPairs(latestFirst, limit, blockedAt);
      return { items: await views.toBlacklist(shown, userId), nextCursor };
    },

    async block({ userId: otherId }, { actor: { userId }, originSocketId }) {
      if (otherId === userId) throw new AppError('not_allowed');
      const [found] = await people.findByIds([otherId]);
      if (!found || found.isGone) throw new AppError('not_found');
      const pairActor = { actorId: userId, otherId, originSocketId };
      const { after } = await changes.change(pairActor, async (pair) => {
        const next = afterBlocking(pair, userId, new Date());
        if (next !== pair) await requireRoom(userId);
        return next;
      });
      await changes.requireBoth(pairActor);
      const [entry] = await views.toBlacklist([after], userId);
      if (!entry) throw new AppError('not_found');
      return entry;
    },

    async unblock({ userId: otherId }, { actor: { userId }, originSocketId }) {
      await changes.change({ actorId: userId, otherId, originSocketId }, async (pair) =>
        afterUnblocking(pair, userId, new Date()),
      );
    },
  };
}

/** Orders the entries of a blacklist: by time, and by id where the time is the same. */
function orderOf(at: Date | null, id: string): string {
  return `${at?.toISOString()} ${id}`;
}
