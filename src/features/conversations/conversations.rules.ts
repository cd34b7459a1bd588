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

/** The first seq that a member sees; the one place that knows. */
export function visibleFrom({ joinedFrom, clearedSeq }: Membership): number {
  return Math.max(joinedFrom, clearedSeq + 1);
}

export const mostUnread = 1000;
/** How far below the head unread messages are looked for, so that a count costs the same whatever lies below. */
export const unreadWindow = 4000;
