import { createCoalescer } from '../../core/coalesce.ts';
import type { Delivery } from '../../core/delivery.ts';
import type { FriendViews } from './friend-views.ts';
import type { friendsEvents } from './friends.contract.ts';
import type { PagePosition, RelationshipStore } from './friends.store.ts';

interface ProfileNewsDeps {
  store: Pick<RelationshipStore, 'friendsOf'>;
  views: FriendViews;
  delivery: Delivery<typeof friendsEvents>;
  onFailure(error: unknown): void;
}

const tellEveryMs = 2000;
const friendsPerRead = 200;

/** Shows friends what a person's profile is now: some time after a change, and once for all that changed meanwhile. */
export function createProfileNews({ store, views, delivery, onFailure }: ProfileNewsDeps) {
  const changed = createCoalescer<true>({
    everyMs: tellEveryMs,
    async write(people) {
      for (const userId of people.keys()) await tellFriends(userId).catch(onFailure);
    },
    onFailure,
  });

  async function tellFriends(userId: string): Promise<void> {
    let after: PagePosition | null = null;
    for (;;) {
      const pairs = await store.friendsOf({ userId, limit: friendsPerRead, after });
      for (const [friendId, data] of await views.toViewers(pairs, userId))
        delivery.toUsers({ userIds: [friendId], event: 'friend_updated', data, originSocketId: null });
      const last = pairs.at(-1);
      if (!last?.since || pairs.length < friendsPerRead) return;
      after = { at: last.since, id: last.id };
    }
  }

  return {
    /** Never awaited, never fails. */
    note: (userId: string): void => changed.note(userId, true),
    flush: changed.flush,
  };
}
