import type { z } from 'zod';
import type { Delivery } from '../../core/delivery.ts';
import { AppError } from '../../core/errors.ts';
import type { FriendViews, Person } from './friend-views.ts';
import type { friendsEvents } from './friends.contract.ts';
import {
  afterLeaving,
  areFriends,
  isBlocking,
  type NewsEvent,
  newsOf,
  otherOf,
  type Relationship,
} from './friends.rules.ts';
import type { RelationshipStore } from './friends.store.ts';

interface PairChangesDeps {
  store: Pick<RelationshipStore, 'change'>;
  delivery: Pick<Delivery<typeof friendsEvents>, 'toUsers'>;
  people: { findByIds(ids: readonly string[]): Promise<Person[]> };
  views: FriendViews;
  /** Lets what concerns the same people happen one after the other, so that counts hold until what they allow is done. */
  inTurn<T>(userIds: readonly string[], work: () => Promise<T>): Promise<T>;
  /** Told before anybody else is that the two may not write to each other any more. */
  onFriendshipEnded(pairId: string): void;
}

/** Who changes how they stand to whom, and by which socket. */
export interface PairActor {
  actorId: string;
  otherId: string;
  originSocketId: string | null;
}

export type PairChanges = ReturnType<typeof createPairChanges>;

/** The one way in which anything between two people changes and both are told. */
export function createPairChanges(deps: PairChangesDeps) {
  const { store, delivery, people, views, inTurn } = deps;

  /**
   * Changes a pair by the rules, alone with both people in this process, and tells each of the two what they may know.
   * `decide` may be asked again, and answers the same object for no change.
   */
  async function change(
    actor: PairActor,
    decide: (pair: Relationship) => Promise<Relationship>,
  ): Promise<{ before: Relationship; after: Relationship }> {
    const userIds = [actor.actorId, actor.otherId] as const;
    return inTurn(userIds, async () => {
      const { before, after } = await store.change(userIds, decide);
      if (areFriends(before) && !areFriends(after)) deps.onFriendshipEnded(after.id);
      // told in turn as well, so that both hear of changes in the order in which they were made
      const news = after === before ? [] : newsOf(before, after, actor.actorId);
      // all at once, so that what one of them is not told costs the other no time
      await Promise.all(news.map((one) => tell(one, after, actor)));
      return { before, after };
    });
  }

  async function tell(
    { userId, event }: { userId: string; event: NewsEvent },
    pair: Relationship,
    { originSocketId }: PairActor,
  ): Promise<void> {
    const otherId = otherOf(pair, userId);
    const push = <Name extends NewsEvent>(name: Name, data: z.output<(typeof friendsEvents)[Name]>) =>
      delivery.toUsers({ userIds: [userId], event: name, data, originSocketId });
    switch (event) {
      case 'friend_request_accepted':
      case 'friend_updated':
        for (const friend of await views.toFriends([pair], userId)) push(event, friend);
        break;
      case 'friend_request_received':
        for (const request of await views.toRequests([pair], userId)) push(event, request);
        break;
      case 'blacklist_updated':
        push(event, { userId: otherId, blocked: isBlocking(pair, userId) });
        break;
      default:
        push(event, { userId: otherId });
    }
  }

  return {
    change,

    /**
     * Both people, after a change that began something between them. Throws if one of them has left meanwhile: what leaving
     * erases may have been looked for before it was there, so it is erased here.
     */
    async requireBoth({ actorId, otherId }: PairActor): Promise<{ actor: Person; other: Person }> {
      const found = await people.findByIds([actorId, otherId]);
      const actor = found.find(({ id }) => id === actorId);
      const other = found.find(({ id }) => id === otherId);
      if (actor && !actor.isGone && other && !other.isGone) return { actor, other };
      const isOtherGone = !other || other.isGone;
      const gone = { actorId: isOtherGone ? otherId : actorId, otherId: isOtherGone ? actorId : otherId };
      await change({ ...gone, originSocketId: null }, async (pair) => afterLeaving(pair, new Date()));
      throw new AppError(isOtherGone ? 'not_found' : 'unauthenticated');
    },
  };
}
