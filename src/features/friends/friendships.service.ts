import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import { pageSize } from '../../core/page.ts';
import { pageOfPairs, positionOf } from './friend-pages.ts';
import type { FriendViews } from './friend-views.ts';
import type { friendsContract } from './friends.contract.ts';
import { afterRemark, afterRemoving } from './friends.rules.ts';
import type { RelationshipStore } from './friends.store.ts';
import type { PairChanges } from './pair-changes.ts';

interface FriendshipsDeps {
  store: Pick<RelationshipStore, 'friendsOf'>;
  changes: PairChanges;
  views: FriendViews;
}

/** What people do with the friends they have. */
export function createFriendships({
  store,
  changes,
  views,
}: FriendshipsDeps): Pick<Handlers<typeof friendsContract>, 'list' | 'remove' | 'setRemark'> {
  return {
    async list(input, { actor: { userId } }) {
      const limit = pageSize(input);
      const pairs = await store.friendsOf({ userId, limit: limit + 1, after: positionOf(input.cursor) });
      const { shown, nextCursor } = pageOfPairs(pairs, limit, ({ since }) => since);
      return { items: await views.toFriends(shown, userId), nextCursor };
    },

    async remove({ friendId }, { actor: { userId }, originSocketId }) {
      await changes.change({ actorId: userId, otherId: friendId, originSocketId }, async (pair) =>
        afterRemoving(pair, new Date()),
      );
    },

    async setRemark({ friendId, remark }, { actor: { userId }, originSocketId }) {
      const { after } = await changes.change(
        { actorId: userId, otherId: friendId, originSocketId },
        async (pair) => afterRemark(pair, { userId, remark: remark || null, now: new Date() }),
      );
      const [friend] = await views.toFriends([after], userId);
      if (!friend) throw new AppError('not_found');
      return friend;
    },
  };
}
