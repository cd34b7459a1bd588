import { z } from 'zod';
import type { Contact, ReadContact } from '../../core/contact.ts';
import type { Delivery } from '../../core/delivery.ts';
import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import { decodeCursor, encodeCursor, pageSize } from '../../core/page.ts';
import type { Quota } from '../../core/quota.ts';
import type { Privacy, Relation, User } from '../users/users.contract.ts';
import type { Friend, FriendRequest, friendsContract, friendsEvents } from './friends.contract.ts';
import {
  afterAccepting,
  afterAsking,
  areFriends,
  friendLimits,
  otherOf,
  type Relationship,
} from './friends.rules.ts';
import type { PagePosition, RelationshipStore } from './friends.store.ts';

/** What this feature needs to know of a person. */
interface Person {
  id: string;
  privacy: Privacy;
  isGone: boolean;
  viewAs(relation: Relation): User;
}

interface FriendsDeps {
  store: RelationshipStore;
  delivery: Delivery<typeof friendsEvents>;
  people: {
    findByIds(ids: readonly string[]): Promise<Person[]>;
    /** Who has this contact and lets themselves be found by it. */
    findByContact(contact: Contact): Promise<Person | null>;
  };
  readContact: ReadContact;
  /** Whom a QR code leads to; `null` if it leads nowhere. */
  ownerOfCode(code: string): Promise<string | null>;
  /** What the viewer may know of each friend's presence. */
  presenceOf(viewerId: string, friendIds: readonly string[]): Promise<Map<string, Friend['presence']>>;
  /** New requests of one person. */
  requestQuota: Quota;
  /** Lets what concerns the same people happen one after the other, so that counts hold until what they allow is done. */
  inTurn<T>(userIds: readonly string[], work: () => Promise<T>): Promise<T>;
}

const position = z.tuple([z.iso.datetime(), z.string().regex(/^[0-9a-f]{24}$/)]);

export function createFriendsService(deps: FriendsDeps): Handlers<typeof friendsContract> {
  const { store, delivery, people, presenceOf, requestQuota } = deps;
  const handlers: Handlers<typeof friendsContract> = {
    async list(input, { actor }) {
      const limit = pageSize(input);
      const pairs = await store.friendsOf({
        userId: actor.userId,
        limit: limit + 1,
        after: positionOf(input.cursor),
      });
      const shown = pairs.slice(0, limit);
      return { items: await toFriends(shown, actor.userId), nextCursor: cursorAfter(pairs, limit, 'since') };
    },

    async ask(input, { actor, originSocketId }) {
      const target = await findTarget(input, actor.userId);
      const asking = {
        askerId: actor.userId,
        targetId: target.id,
        message: input.message ?? null,
        now: new Date(),
      };
      let isCounted = false;
      const { before, after } = await change([actor.userId, target.id], async (pair) => {
        const next = afterAsking(pair, asking);
        if (areFriends(next)) await requireRoom([pair.low, pair.high]);
        else if (next !== pair && !isCounted) {
          if (target.privacy.friendRequests === 'nobody') throw new AppError('not_allowed');
          await requestQuota.take(actor.userId);
          isCounted = true;
        }
        return next;
      });
      const asker = await personOf(actor.userId);
      if (areFriends(after)) {
        await tellAccepted(after, originSocketId);
        return toRequest(
          { ...asking, asker, target, status: 'accepted', createdAt: asking.now },
          actor.userId,
        );
      }
      const createdAt = after.requestedAt ?? asking.now;
      const request = { message: after.requestMessage, asker, target, status: 'pending', createdAt } as const;
      if (after !== before) tellAsked(request, originSocketId);
      return toRequest(request, actor.userId);
    },

    async listRequests(input, { actor }) {
      const limit = pageSize(input);
      const query = { userId: actor.userId, limit: limit + 1, after: positionOf(input.cursor) };
      const pairs = await (input.direction === 'incoming'
        ? store.requestsTo(query)
        : store.requestsBy(query));
      const items = await toRequests(pairs.slice(0, limit), actor.userId);
      return { items, nextCursor: cursorAfter(pairs, limit, 'requestedAt') };
    },

    async accept({ friendId }, { actor, originSocketId }) {
      const { before, after } = await change([actor.userId, friendId], async (pair) => {
        const next = afterAccepting(pair, actor.userId, new Date());
        if (next !== pair) await requireRoom([pair.low, pair.high]);
        return next;
      });
      if (after !== before) await tellAccepted(after, originSocketId);
      return firstOf(await toFriends([after], actor.userId));
    },
  };

  async function findTarget(input: z.output<typeof friendsContract.ask.input>, askerId: string) {
    const { userId, friendId, qrCode } = input;
    const targetId = qrCode === undefined ? (userId ?? friendId) : await deps.ownerOfCode(qrCode);
    const isContact = input.email !== undefined || input.phone !== undefined;
    const target = isContact
      ? await people.findByContact(deps.readContact(input))
      : targetId && (await findPerson(targetId));
    if (!target || target.isGone) throw new AppError('not_found');
    if (target.id === askerId) throw new AppError('not_allowed');
    return target;
  }

  async function findPerson(userId: string): Promise<Person | undefined> {
    return (await people.findByIds([userId]))[0];
  }

  async function personOf(userId: string): Promise<Person> {
    const found = await findPerson(userId);
    if (!found) throw new AppError('unauthenticated');
    return found;
  }

  /** Changes a pair by the rules, alone with both people in this process. */
  function change(userIds: readonly [string, string], decide: Parameters<typeof store.change>[1]) {
    return deps.inTurn(userIds, () => store.change(userIds, decide));
  }

  async function requireRoom(userIds: readonly string[]): Promise<void> {
    const counts = await Promise.all(
      userIds.map((userId) => store.countFriends(userId, friendLimits.friends)),
    );
    if (counts.some((count) => count >= friendLimits.friends)) throw new AppError('limit_reached');
  }

  async function tellAccepted(pair: Relationship, originSocketId: string | null): Promise<void> {
    for (const userId of [pair.low, pair.high]) {
      const data = firstOf(await toFriends([pair], userId));
      delivery.toUsers({ userIds: [userId], event: 'friend_request_accepted', data, originSocketId });
    }
  }

  function tellAsked(request: RequestParts, originSocketId: string | null): void {
    for (const { id } of [request.asker, request.target]) {
      const data = toRequest(request, id);
      delivery.toUsers({ userIds: [id], event: 'friend_request_received', data, originSocketId });
    }
  }

  async function toFriends(pairs: readonly Relationship[], viewerId: string): Promise<Friend[]> {
    const friendIds = pairs.map((pair) => otherOf(pair, viewerId));
    const [found, presences] = await Promise.all([
      people.findByIds(friendIds),
      presenceOf(viewerId, friendIds),
    ]);
    const byId = new Map(found.map((person) => [person.id, person]));
    return pairs.flatMap((pair) => {
      const friendId = otherOf(pair, viewerId);
      const person = byId.get(friendId);
      const presence = presences.get(friendId);
      if (!person || !presence || !pair.since) return [];
      return [{ user: person.viewAs('friend'), remark: null, createdAt: pair.since.toISOString(), presence }];
    });
  }

  async function toRequests(pairs: readonly Relationship[], viewerId: string): Promise<FriendRequest[]> {
    const found = await people.findByIds(pairs.flatMap(({ low, high }) => [low, high]));
    const byId = new Map(found.map((person) => [person.id, person]));
    return pairs.flatMap(({ requestedBy, requestedTo, requestedAt, requestMessage }) => {
      const asker = byId.get(requestedBy ?? '');
      const target = byId.get(requestedTo ?? '');
      if (!asker || !target || !requestedAt) return [];
      const parts = {
        asker,
        target,
        message: requestMessage,
        status: 'pending',
        createdAt: requestedAt,
      } as const;
      return [toRequest(parts, viewerId)];
    });
  }

  return handlers;
}

interface RequestParts {
  asker: Person;
  target: Person;
  message: string | null;
  status: FriendRequest['status'];
  createdAt: Date;
}

function toRequest(
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

function positionOf(cursor: string | undefined): PagePosition | null {
  if (cursor === undefined) return null;
  const [at, id] = decodeCursor(cursor, position);
  return { at: new Date(at), id };
}

function cursorAfter(
  pairs: readonly Relationship[],
  limit: number,
  time: 'since' | 'requestedAt',
): string | null {
  const last = pairs[limit - 1];
  return pairs.length > limit && last ? encodeCursor([last[time], last.id]) : null;
}

function firstOf<T>(items: readonly T[]): T {
  const [first] = items;
  if (first === undefined) throw new AppError('not_found');
  return first;
}
