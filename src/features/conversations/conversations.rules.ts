import type { Head } from '../messages/messages.contract.ts';

/** A person's own state in one conversation. Never deleted. */
export interface Membership {
  id: string;
  conversationId: string;
  userId: string;
  type: 'private';
  /** The other person. */
  peerId: string;
  /** First seq that the member may see. */
  joinedFrom: number;
  /** High-water marks: everything up to them was read, or delivered. */
  readSeq: number;
  deliveredSeq: number;
  /** Everything up to here was cleared by the member. */
  clearedSeq: number;
  pinned: boolean;
  muted: boolean;
  updatedAt: Date;
}

/** The first seq that a member sees; the one place that knows. `floorSeq`: the first that anybody sees. */
export function visibleFrom({ joinedFrom, clearedSeq }: Membership, floorSeq: number): number {
  return Math.max(joinedFrom, clearedSeq + 1, floorSeq);
}

/** Up to where a member has read, or will never see: what lies above it may be unread. */
export function unreadFloor(membership: Membership, floorSeq: number): number {
  return Math.max(membership.readSeq, visibleFrom(membership, floorSeq) - 1);
}

const mostUnread = 1000;

/** How many of the other's messages lie between two places of a private log; counts stop at 1,000. */
export function unreadBetween({ userId, peerId }: Membership, floor: Counts, head: Counts): number {
  const ofPeer = ({ messageCount, lowCount }: Counts) =>
    userId < peerId ? messageCount - lowCount : lowCount;
  return Math.min(ofPeer(head) - ofPeer(floor), mostUnread);
}

type Counts = Pick<Head, 'messageCount' | 'lowCount'>;
