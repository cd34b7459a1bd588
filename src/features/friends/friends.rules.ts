import { AppError } from '../../core/errors.ts';
import type { Relation } from '../users/users.contract.ts';

const lists = ['friends', 'requests', 'blacklist'] as const;
/** The lists of a person in which others appear. */
export type List = (typeof lists)[number];

/** What one of two people decides and sees alone. */
export interface Side {
  /** What they call the other. */
  remark: string | null;
  /** Since when they block the other. */
  blockedAt: Date | null;
  /** When this pair last changed each of their lists; tells `sync` what is stale. */
  changedAt: Record<List, Date | null>;
}

interface PendingRequest {
  by: string;
  at: Date;
  message: string | null;
}

/** How two people stand to each other: the whole state of a pair, changed by one atomic write at a time. */
export interface Relationship {
  /** The pair's id, which is also the id of their private conversation. */
  id: string;
  low: string;
  high: string;
  lowSide: Side;
  highSide: Side;
  /** Since when they are friends. */
  since: Date | null;
  /** What one of them asked and the other has not answered. */
  request: PendingRequest | null;
  updatedAt: Date;
}

export const friendLimits = { friends: 3000, blacklist: 1000, requestsPerDay: 50 } as const;

export const blankSide: Side = {
  remark: null,
  blockedAt: null,
  changedAt: { friends: null, requests: null, blacklist: null },
};

/** Two people who have never had to do with each other. */
export function blankPair(id: string, oneId: string, otherId: string): Relationship {
  const [low, high] = oneId < otherId ? [oneId, otherId] : [otherId, oneId];
  return {
    id,
    low,
    high,
    lowSide: blankSide,
    highSide: blankSide,
    since: null,
    request: null,
    updatedAt: new Date(0),
  };
}

export function otherOf(pair: Pick<Relationship, 'low' | 'high'>, userId: string): string {
  return pair.low === userId ? pair.high : pair.low;
}

export function sideOf(pair: Relationship, userId: string): Side {
  return pair.low === userId ? pair.lowSide : pair.highSide;
}

export function areFriends(pair: Relationship): boolean {
  return pair.since !== null;
}

/** Whether this one blocks the other. */
export function isBlocking(pair: Relationship, userId: string): boolean {
  return sideOf(pair, userId).blockedAt !== null;
}

/** The request between the two, as far as this one knows of it: whom they block may ask, but they do not see it. */
export function requestSeenBy(pair: Relationship, userId: string): PendingRequest | null {
  const isHidden = pair.request?.by !== userId && isBlocking(pair, userId);
  return isHidden ? null : pair.request;
}

/** Who sees a request of the other waiting for them. */
export function requestedOf(pair: Relationship): string | null {
  if (!pair.request) return null;
  const askedId = otherOf(pair, pair.request.by);
  return requestSeenBy(pair, askedId) ? askedId : null;
}

export function relationOf(pair: Relationship | undefined, viewerId: string): Relation {
  if (!pair) return 'none';
  if (areFriends(pair)) return 'friend';
  if (isBlocking(pair, viewerId)) return 'blocked';
  if (!pair.request) return 'none';
  return pair.request.by === viewerId ? 'request_sent' : 'request_received';
}

interface Asking {
  askerId: string;
  targetId: string;
  message: string | null;
  now: Date;
}

/**
 * The pair after `askerId` has asked: a pending request, or a friendship if the requests cross. Who is blocked asks as a
 * stranger does.
 */
export function afterAsking(pair: Relationship, { askerId, targetId, message, now }: Asking): Relationship {
  if (areFriends(pair)) throw new AppError('already_friends');
  if (isBlocking(pair, askerId)) throw new AppError('not_allowed');
  if (pair.request?.by === askerId) return pair;
  if (pair.request?.by === targetId) return befriended(pair, now);
  return noted(pair, { ...pair, request: { by: askerId, at: now, message } }, now);
}

/** The pair after `accepterId` has accepted; accepting twice changes nothing. */
export function afterAccepting(pair: Relationship, accepterId: string, now: Date): Relationship {
  if (areFriends(pair)) return pair;
  if (requestedOf(pair) !== accepterId) throw new AppError('not_found');
  return befriended(pair, now);
}

/** The pair after `rejecterId` has rejected the request of the other. */
export function afterRejecting(pair: Relationship, rejecterId: string, now: Date): Relationship {
  if (requestedOf(pair) !== rejecterId) throw new AppError('not_found');
  return noted(pair, { ...pair, request: null }, now);
}

/** The pair after `askerId` has taken back their request. */
export function afterWithdrawing(pair: Relationship, askerId: string, now: Date): Relationship {
  if (pair.request?.by !== askerId) throw new AppError('not_found');
  return noted(pair, { ...pair, request: null }, now);
}

/** The pair after either of two friends has ended their friendship. */
export function afterRemoving(pair: Relationship, now: Date): Relationship {
  if (!areFriends(pair)) throw new AppError('not_found');
  return noted(pair, parted(pair), now);
}

interface Remark {
  userId: string;
  remark: string | null;
  now: Date;
}

/** The pair after one of two friends has chosen what to call the other. */
export function afterRemark(pair: Relationship, { userId, remark, now }: Remark): Relationship {
  if (!areFriends(pair)) throw new AppError('not_found');
  if (sideOf(pair, userId).remark === remark) return pair;
  return noted(pair, withSide(pair, userId, { remark }), now);
}

/**
 * The pair after `blockerId` has blocked the other: no friends any more, the blocker's own request is taken back, and the
 * other's waits unseen.
 */
export function afterBlocking(pair: Relationship, blockerId: string, now: Date): Relationship {
  if (isBlocking(pair, blockerId)) return pair;
  const request = pair.request?.by === blockerId ? null : pair.request;
  return noted(pair, withSide({ ...parted(pair), request }, blockerId, { blockedAt: now }), now);
}

/** The pair after `blockerId` blocks no more; nothing comes back but the sight of a request that waited. */
export function afterUnblocking(pair: Relationship, blockerId: string, now: Date): Relationship {
  if (!isBlocking(pair, blockerId)) return pair;
  return noted(pair, withSide(pair, blockerId, { blockedAt: null }), now);
}

/** The pair after one of the two has gone for good: nothing is left between them. */
export function afterLeaving(pair: Relationship, now: Date): Relationship {
  const { low, high } = pair;
  const isBlank = !areFriends(pair) && !pair.request && !isBlocking(pair, low) && !isBlocking(pair, high);
  return isBlank ? pair : noted(pair, blankPair(pair.id, low, high), now);
}

function befriended(pair: Relationship, now: Date): Relationship {
  return noted(pair, { ...pair, since: now, request: null }, now);
}

function parted(pair: Relationship): Relationship {
  const strangers = { ...pair, since: null };
  return withSide(withSide(strangers, pair.low, { remark: null }), pair.high, { remark: null });
}

function withSide(pair: Relationship, userId: string, change: Partial<Side>): Relationship {
  const side = pair.low === userId ? 'lowSide' : 'highSide';
  return { ...pair, [side]: { ...pair[side], ...change } };
}

/** What each list of this one shows of the pair. What is not in here cannot tell them of anything. */
function shownTo(pair: Relationship, userId: string): Record<List, readonly unknown[]> {
  const { remark, blockedAt } = sideOf(pair, userId);
  return { friends: [pair.since, remark], requests: [requestSeenBy(pair, userId)], blacklist: [blockedAt] };
}

/** Notes on each side which of its lists have changed by what it is shown, so that nobody learns more than that. */
function noted(before: Relationship, after: Relationship, now: Date): Relationship {
  let pair: Relationship = { ...after, updatedAt: now };
  for (const userId of [before.low, before.high]) {
    const [was, is] = [shownTo(before, userId), shownTo(after, userId)];
    const changedAt = { ...sideOf(before, userId).changedAt };
    for (const list of lists)
      if (was[list].some((shown, index) => shown !== is[list][index])) changedAt[list] = now;
    pair = withSide(pair, userId, { changedAt });
  }
  return pair;
}

export type NewsEvent =
  | 'friend_request_received'
  | 'friend_request_accepted'
  | 'friend_request_rejected'
  | 'friend_request_withdrawn'
  | 'friend_removed'
  | 'friend_updated'
  | 'blacklist_updated';

/** What each of the two is told of a change, by what they are shown before and after it. */
export function newsOf(
  before: Relationship,
  after: Relationship,
  actorId: string,
): { userId: string; event: NewsEvent }[] {
  return [after.low, after.high].flatMap((userId) =>
    newsFor(userId, { before, after, actorId }).map((event) => ({ userId, event })),
  );
}

interface Change {
  before: Relationship;
  after: Relationship;
  actorId: string;
}

function newsFor(userId: string, { before, after, actorId }: Change): NewsEvent[] {
  const news: NewsEvent[] = [];
  const [had, has] = [requestSeenBy(before, userId), requestSeenBy(after, userId)];
  const [wereFriends, areNow] = [areFriends(before), areFriends(after)];
  if (wereFriends && !areNow) news.push('friend_removed');
  else if (areNow && !wereFriends) news.push('friend_request_accepted');
  else if (areNow && sideOf(before, userId).remark !== sideOf(after, userId).remark)
    news.push('friend_updated');
  else if (had && !after.request)
    news.push(had.by === actorId ? 'friend_request_withdrawn' : 'friend_request_rejected');
  if (isBlocking(before, userId) !== isBlocking(after, userId)) news.push('blacklist_updated');
  if (has && !had) news.push('friend_request_received');
  return news;
}
