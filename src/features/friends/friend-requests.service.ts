import type { z } from 'zod';
import type { Contact, ReadContact } from '../../core/contact.ts';
import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import { pageSize } from '../../core/page.ts';
import type { Quota } from '../../core/quota.ts';
import { pageOfPairs, positionOf } from './friend-pages.ts';
import { type FriendViews, type Person, toRequest } from './friend-views.ts';
import type { friendsContract } from './friends.contract.ts';
import {
  afterAccepting,
  afterAsking,
  afterRejecting,
  afterWithdrawing,
  areFriends,
  friendLimits,
  type Relationship,
} from './friends.rules.ts';
import type { RelationshipStore } from './friends.store.ts';
import type { PairChanges } from './pair-changes.ts';

interface FriendRequestsDeps {
  store: Pick<RelationshipStore, 'requestsTo' | 'requestsBy' | 'countFriends'>;
  changes: PairChanges;
  views: FriendViews;
  people: {
    findByIds(ids: readonly string[]): Promise<Person[]>;
    /** Who has this contact and lets themselves be found by it. */
    findByContact(contact: Contact): Promise<Person | null>;
  };
  readContact: ReadContact;
  /** Whom a QR code leads to; `null` for nobody. Throws `rate_limited` after many such codes from one network. */
  ownerOfCode(code: string, address: string): Promise<string | null>;
  /** New requests of one person. */
  requestQuota: Quota;
}

type RequestHandlers = Pick<
  Handlers<typeof friendsContract>,
  'ask' | 'listRequests' | 'accept' | 'reject' | 'withdraw'
>;

/** Asking to be friends, and what becomes of it. */
export function createFriendRequests(deps: FriendRequestsDeps): RequestHandlers {
  const { store, changes, views, people, requestQuota } = deps;

  async function findTarget(
    input: z.output<typeof friendsContract.ask.input>,
    { askerId, address }: { askerId: string; address: string },
  ) {
    const { userId, friendId, qrCode } = input;
    const targetId = qrCode === undefined ? (userId ?? friendId) : await deps.ownerOfCode(qrCode, address);
    const isContact = input.email !== undefined || input.phone !== undefined;
    const target = isContact
      ? await people.findByContact(deps.readContact(input))
      : targetId && (await people.findByIds([targetId]))[0];
    if (!target || target.isGone) throw new AppError('not_found');
    if (target.id === askerId) throw new AppError('not_allowed');
    return target;
  }

  async function requireRoom({ low, high }: Relationship): Promise<void> {
    const counts = await Promise.all(
      [low, high].map((userId) => store.countFriends(userId, friendLimits.friends)),
    );
    if (counts.some((count) => count >= friendLimits.friends)) throw new AppError('limit_reached');
  }

  return {
    async ask(input, { actor: { userId: askerId }, address, originSocketId }) {
      const found = await findTarget(input, { askerId, address });
      const pairActor = { actorId: askerId, otherId: found.id, originSocketId };
      const message = input.message ?? null;
      const now = new Date();
      let isCounted = false;
      const { after } = await changes.change(pairActor, async (pair) => {
        const next = afterAsking(pair, { askerId, targetId: found.id, message, now });
        if (areFriends(next)) await requireRoom(pair);
        else if (next !== pair && !isCounted) {
          if (found.privacy.friendRequests === 'nobody') throw new AppError('not_allowed');
          await requestQuota.take(askerId);
          isCounted = true;
        }
        return next;
      });
      const { actor: asker, other: target } = await changes.requireBoth(pairActor);
      const parts = { asker, target, status: 'accepted', message, createdAt: now } as const;
      if (!after.request) return toRequest(parts, askerId);
      const { message: asked, at } = after.request;
      return toRequest({ ...parts, status: 'pending', message: asked, createdAt: at }, askerId);
    },

    async listRequests(input, { actor: { userId } }) {
      const limit = pageSize(input);
      const query = { userId, limit: limit + 1, after: positionOf(input.cursor) };
      const pairs = await (input.direction === 'incoming'
        ? store.requestsTo(query)
        : store.requestsBy(query));
      const { shown, nextCursor } = pageOfPairs(pairs, limit, ({ request }) => request?.at);
      return { items: await views.toRequests(shown, userId), nextCursor };
    },

    async accept({ friendId }, { actor: { userId }, originSocketId }) {
      const pairActor = { actorId: userId, otherId: friendId, originSocketId };
      const { after } = await changes.change(pairActor, async (pair) => {
        const next = afterAccepting(pair, userId, new Date());
        if (next !== pair) await requireRoom(pair);
        return next;
      });
      const [friend] = await views.toFriends([after], userId);
      if (!friend) throw new AppError('not_found');
      return friend;
    },

    async reject({ friendId }, { actor: { userId }, originSocketId }) {
      await changes.change({ actorId: userId, otherId: friendId, originSocketId }, async (pair) =>
        afterRejecting(pair, userId, new Date()),
      );
    },

    async withdraw({ userId: otherId }, { actor: { userId }, originSocketId }) {
      await changes.change({ actorId: userId, otherId, originSocketId }, async (pair) =>
        afterWithdrawing(pair, userId, new Date()),
      );
    },
  };
}
