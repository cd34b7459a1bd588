import type { BothMarks, ContentType, Head, Marks, Message } from './messages.contract.ts';

/** A message, as stored: one entry of a conversation's log. */
export interface Entry {
  id: string;
  conversationId: string;
  seq: number;
  /** How many messages the log holds up to and including this entry, and how many of them are the lower id's. */
  messageCount: number;
  lowCount: number;
  type: 'private';
  senderId: string;
  receiverId: string;
  /** The idempotency key; `null` if the client gave none. */
  clientMessageId: string | null;
  /** Tells a repeated send from another one under the same key. */
  requestHash: string;
  contentType: ContentType;
  /** Custom content is kept as its JSON text, so that no name in it can mean anything to a database. */
  content: unknown;
  rev: number;
  createdAt: Date;
}

/** Where the log stands with this entry. */
export function headOf({ seq, messageCount, lowCount, createdAt }: Placement): Head {
  return { seq, messageCount, lowCount, at: createdAt };
}

/** What an entry gets by being written: everything that depends on what stands below it. */
export type Placement = Pick<Entry, 'seq' | 'messageCount' | 'lowCount' | 'createdAt'>;

/** The place of a new message above this head. Time never sinks within a log, whatever the clock does. */
export function placeAbove(head: Head, { senderId, receiverId }: Author, now: Date): Placement {
  return {
    seq: head.seq + 1,
    messageCount: head.messageCount + 1,
    lowCount: head.lowCount + (senderId < receiverId ? 1 : 0),
    createdAt: now > head.at ? now : head.at,
  };
}

type Author = Pick<Entry, 'senderId' | 'receiverId'>;

/** A message as the viewer sees it. */
export function toMessage(entry: Entry, viewerId: string, { own, peer }: BothMarks): Message {
  const isMine = entry.senderId === viewerId;
  return {
    ...toPushedMessage(entry),
    ...(isMine && entry.clientMessageId !== null && { clientMessageId: entry.clientMessageId }),
    status: statusOf(entry.seq, isMine ? peer : own),
  };
}

/** A message as it is pushed: the same to everybody, so that it is serialised once. */
export function toPushedMessage({ id, conversationId, seq, rev, type, ...entry }: Entry): Message {
  return {
    id,
    conversationId,
    seq,
    rev,
    type,
    senderId: entry.senderId,
    receiverId: entry.receiverId,
    contentType: entry.contentType,
    content: entry.contentType === 'custom' ? JSON.parse(String(entry.content)) : entry.content,
    createdAt: entry.createdAt.toISOString(),
    editedAt: null,
    recalledAt: null,
    status: 'sent',
  };
}

function statusOf(seq: number, { readSeq, deliveredSeq }: Marks): Message['status'] {
  if (seq <= readSeq) return 'read';
  return seq <= deliveredSeq ? 'delivered' : 'sent';
}
