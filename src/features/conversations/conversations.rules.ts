import type { Role } from '../groups/groups.contract.ts';
import type { Head, Marks } from '../messages/messages.contract.ts';

/** A person's own state in one conversation that they are in. */
export interface Membership {
  id: string;
  conversationId: string;
  userId: string;
  type: 'private' | 'group';
  /** The other person of a private conversation; `null` in a group. */
  peerId: string | null;
  /** What they are in a group; `null` in a private conversation. */
  role: Role | null;
  /** First seq that the member may see. */
  joinedFrom: number;
  /** The first entry of the log that anybody may see: for its age, or as what lies below is gone; 0 if all. */
  floorSeq: number;
  /** High-water marks: everything up to them was read, or delivered. */
  readSeq: number;
  deliveredSeq: number;
  /** What of these marks the other side may know; never above them. */
  toldReadSeq: number;
  toldDeliveredSeq: number;
  /** Everything up to here was cleared by the member. */
  clearedSeq: number;
  /** Hidden until a message comes above this one; 0 if not hidden. */
  hiddenSeq: number;
  /** Where the member deleted the newest message (`of`): the newest one that is left, 0 if there is none. */
  shownInstead: { of: number; seq: number } | null;
  pinned: boolean;
  muted: boolean;
  updatedAt: Date;
}

/** What names one membership. */
export type MembershipKey = Pick<Membership, 'userId' | 'conversationId'>;

export const mostPinned = 50;

type Visibility = Pick<Membership, 'joinedFrom' | 'clearedSeq' | 'floorSeq'>;

/** The first seq that a member sees; the one place that knows. */
export function visibleFrom({ joinedFrom, clearedSeq, floorSeq }: Visibility): number {
  return Math.max(joinedFrom, clearedSeq + 1, floorSeq);
}

/** Up to where a member has read, or will never see: what lies above it may be unread. */
export function unreadFloor(membership: Membership): number {
  return Math.max(membership.readSeq, visibleFrom(membership) - 1);
}

/** Up to where messages have come to a member, or never will. */
export function undeliveredFloor(membership: Membership): number {
  return Math.max(membership.deliveredSeq, visibleFrom(membership) - 1);
}

export const mostUnread = 1000;

/**
 * How many messages lie between two places of a log, those not to be read among them: the other's in a private
 * conversation, everybody's in a group.
 */
export function writtenBetween(
  { userId, peerId }: Pick<Membership, 'userId' | 'peerId'>,
  floor: Counts,
  head: Counts,
): number {
  const ofPeer = ({ messageCount, lowCount }: Counts) => {
    if (peerId === null) return messageCount;
    return userId < peerId ? messageCount - lowCount : lowCount;
  };
  return ofPeer(head) - ofPeer(floor);
}

/** The place of the newest message that a member sees; 0 if there is none. */
export function lastShownSeq(
  membership: Membership,
  { lastMessageSeq }: Pick<Head, 'lastMessageSeq'>,
): number {
  const { shownInstead } = membership;
  const seq = shownInstead?.of === lastMessageSeq ? shownInstead.seq : lastMessageSeq;
  return seq >= visibleFrom(membership) ? seq : 0;
}

/** Hidden conversations come back with the next message, whoever wrote it. */
export function isHidden(
  { hiddenSeq }: Membership,
  { lastMessageSeq }: Pick<Head, 'lastMessageSeq'>,
): boolean {
  return hiddenSeq > 0 && lastMessageSeq <= hiddenSeq;
}

/** The other's marks as a viewer may know them: what was told, and nothing of reading to who hides their own. */
export function toldMarks(
  peer: Pick<Membership, 'toldReadSeq' | 'toldDeliveredSeq'> | undefined,
  seesReads: boolean,
): Marks {
  return {
    readSeq: seesReads ? (peer?.toldReadSeq ?? 0) : 0,
    deliveredSeq: peer?.toldDeliveredSeq ?? 0,
  };
}

type Counts = Pick<Head, 'messageCount' | 'lowCount'>;
