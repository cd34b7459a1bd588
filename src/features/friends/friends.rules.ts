import { AppError } from '../../core/errors.ts';
import type { Relation } from '../users/users.contract.ts';

/** How two people stand to each other: the whole state of a pair, changed by one atomic write at a time. */
export interface Relationship {
  /** The pair's id, which is also the id of their private conversation. */
  id: string;
  low: string;
  high: string;
  /** Both, or nobody. */
  friendIds: string[];
  since: Date | null;
  /** An unanswered request. */
  requestedBy: string | null;
  requestedTo: string | null;
  requestedAt: Date | null;
  requestMessage: string | null;
  /** When each list that shows this pair last changed; tells `sync` what is stale. */
  friendsChangedAt: Date | null;
  requestsChangedAt: Date | null;
  updatedAt: Date;
}

export const friendLimits = { friends: 3000, requestsPerDay: 50 } as const;

/** Two people who have never had to do with each other. */
export function blankPair(id: string, oneId: string, otherId: string): Relationship {
  const [low, high] = oneId < otherId ? [oneId, otherId] : [otherId, oneId];
  return {
    id,
    low,
    high,
    friendIds: [],
    since: null,
    requestedBy: null,
    requestedTo: null,
    requestedAt: null,
    requestMessage: null,
    friendsChangedAt: null,
    requestsChangedAt: null,
    updatedAt: new Date(0),
  };
}

export function otherOf(pair: Pick<Relationship, 'low' | 'high'>, userId: string): string {
  return pair.low === userId ? pair.high : pair.low;
}

export function areFriends(pair: Pick<Relationship, 'friendIds'> | null | undefined): boolean {
  return pair !== null && pair !== undefined && pair.friendIds.length > 0;
}

export function relationOf(pair: Relationship | undefined, viewerId: string): Relation {
  if (!pair) return 'none';
  if (areFriends(pair)) return 'friend';
  if (pair.requestedBy === viewerId) return 'request_sent';
  return pair.requestedTo === viewerId ? 'request_received' : 'none';
}

export interface Asking {
  askerId: string;
  targetId: string;
  message: string | null;
  now: Date;
}

/** The pair after `askerId` has asked: a pending request, or a friendship if the requests cross. */
export function afterAsking(pair: Relationship, { askerId, targetId, message, now }: Asking): Relationship {
  if (areFriends(pair)) throw new AppError('already_friends');
  if (pair.requestedBy === askerId) return pair;
  if (pair.requestedBy === targetId) return befriended(pair, now);
  return {
    ...pair,
    requestedBy: askerId,
    requestedTo: targetId,
    requestedAt: now,
    requestMessage: message,
    requestsChangedAt: now,
    updatedAt: now,
  };
}

/** The pair after `accepterId` has accepted; accepting twice changes nothing. */
export function afterAccepting(pair: Relationship, accepterId: string, now: Date): Relationship {
  if (areFriends(pair)) return pair;
  if (pair.requestedTo !== accepterId) throw new AppError('not_found');
  return befriended(pair, now);
}

/** The pair after one of the two has gone for good: nothing is left between them, and the other's lists have changed. */
export function afterLeaving(pair: Relationship, now: Date): Relationship {
  const wereFriends = areFriends(pair);
  const hadRequest = pair.requestedBy !== null;
  if (!wereFriends && !hadRequest) return pair;
  return {
    ...blankPair(pair.id, pair.low, pair.high),
    friendsChangedAt: wereFriends ? now : pair.friendsChangedAt,
    requestsChangedAt: hadRequest ? now : pair.requestsChangedAt,
    updatedAt: now,
  };
}

function befriended(pair: Relationship, now: Date): Relationship {
  return {
    ...pair,
    friendIds: [pair.low, pair.high],
    since: now,
    requestedBy: null,
    requestedTo: null,
    requestedAt: null,
    requestMessage: null,
    friendsChangedAt: now,
    requestsChangedAt: now,
    updatedAt: now,
  };
}
