import type { GroupChange, Role } from '../groups/groups.contract.ts';
import type { ContentType, Head } from './messages.contract.ts';
import type { StoredReaction } from './reactions.rules.ts';

/** What happened to a message: an entry of the log that holds none of its content, which is read from the message. */
export type Change = { messageId: string; messageSeq: number; rev: number } & (
  | { event: 'message_recalled'; recalledBy: string; at: Date }
  | { event: 'message_edited'; editedAt: Date }
  | { event: 'message_reacted'; userId: string; emoji: string; active: boolean }
);

/** A change that is made, on its way to the log; `entryId` is the id of its entry. */
export interface OutboxItem {
  entryId: string;
  actorId: string;
  change: Change;
}

/** One entry of a conversation's log, as stored: a message, a change of one, or something that happened to the group. */
export interface Entry {
  id: string;
  conversationId: string;
  seq: number;
  /** How many messages the log holds up to and including this entry, and how many of a pair's are the lower id's. */
  messageCount: number;
  lowCount: number;
  type: 'private' | 'group';
  senderId: string;
  /** The other person of a private conversation; a group's id is that of its conversation. */
  receiverId?: string;
  /** The idempotency key; `null` if the client gave none. */
  clientMessageId: string | null;
  /** Tells a repeated send from another one under the same key. */
  requestHash: string;
  contentType: ContentType | 'system';
  /** Custom content is kept as its JSON text, so that no name in it can mean anything to a database. */
  content: unknown;
  /** Only of entries that are a change of a message, which have `contentType: 'system'` and no content. */
  change?: Change;
  /** Only of entries of what happened to the group, which have `contentType: 'system'` and no content. */
  groupChange?: GroupChange;
  /** Whom a message in a group calls: ids of members, or `all`. */
  mentions?: string[];
  /** The newest message up to and including this entry; absent where that is the entry itself. */
  lastMessageSeq?: number;
  replyTo?: string;
  isForwarded?: boolean;
  reactions?: StoredReaction[];
  rev: number;
  createdAt: Date;
  editedAt?: Date;
  recalledAt?: Date;
  recalledBy?: string;
  /** The `seq` of what was recalled, so that an index finds it. */
  recalledSeq?: number;
  /** The change that is made and not in the log yet. */
  outbox?: OutboxItem;
}

/** Where the log stands with this entry. */
export function headOf({ seq, messageCount, lowCount, lastMessageSeq, createdAt }: Placement): Head {
  return { seq, messageCount, lowCount, lastMessageSeq: lastMessageSeq ?? seq, at: createdAt };
}

/** What an entry gets by being written: everything that depends on what stands below it. */
export type Placement = Pick<Entry, 'seq' | 'messageCount' | 'lowCount' | 'lastMessageSeq' | 'createdAt'>;

/** The place of a new entry above this head. Time never sinks within a log, whatever the clock does. */
export function placeAbove(head: Head, entry: Authored, now: Date): Placement {
  const seq = head.seq + 1;
  const createdAt = now > head.at ? now : head.at;
  const { messageCount, lowCount, lastMessageSeq } = head;
  if (!isMessage(entry)) return { seq, messageCount, lowCount, lastMessageSeq, createdAt };
  const { senderId, receiverId } = entry;
  return {
    seq,
    messageCount: messageCount + 1,
    lowCount: lowCount + (receiverId !== undefined && senderId < receiverId ? 1 : 0),
    createdAt,
  };
}

type Authored = Pick<Entry, 'senderId' | 'receiverId' | 'change' | 'groupChange'>;

/** Whether an entry is what somebody wrote; the others tell what happened to a message or to the group. */
export function isMessage({ change, groupChange }: Pick<Entry, 'change' | 'groupChange'>): boolean {
  return change === undefined && groupChange === undefined;
}

/** The other person of a private conversation that this one is in; `null` in a group. */
export function otherIn(
  { senderId, receiverId }: Pick<Entry, 'senderId' | 'receiverId'>,
  userId: string,
): string | null {
  return receiverId === undefined || userId === senderId ? (receiverId ?? null) : senderId;
}

const recallWithinMs = 2 * 60_000;

/** Whether the sender may still recall it, by the server's clock. */
export function isRecallable({ createdAt }: Entry, now: Date): boolean {
  return now.getTime() - createdAt.getTime() <= recallWithinMs;
}

/** What two people are in a group; nothing of who has left it, and counts as a member. */
interface Ranks {
  actor: Role | undefined;
  author: Role | undefined;
}

/** Whether somebody may recall a message whoever wrote it, at any time: admins members' messages, the owner everybody's. */
export function outranks({ actor, author = 'member' }: Ranks): boolean {
  return actor === 'owner' || (actor === 'admin' && author === 'member');
}

export function isEditable({ createdAt }: Entry, editWithinMs: number, now: Date): boolean {
  return now.getTime() - createdAt.getTime() <= editWithinMs;
}
