import { type Connection, Schema, Types } from 'mongoose';
import { type Entry, isMessage } from './messages.rules.ts';
import type { StoredReaction } from './reactions.rules.ts';

type IdField =
  | 'id'
  | 'conversationId'
  | 'senderId'
  | 'receiverId'
  | 'replyTo'
  | 'clientMessageId'
  | 'reactions';

export type EntryDocument = Omit<Entry, IdField> & {
  _id: Types.ObjectId;
  conversationId: Types.ObjectId;
  senderId: Types.ObjectId;
  receiverId?: Types.ObjectId;
  replyTo?: Types.ObjectId;
  /** Filled with the entry's own id where the client gave none; a string is never equal to it. */
  clientMessageId: string | Types.ObjectId;
  /** The first ones name everybody and count nobody. */
  reactions?: (Omit<StoredReaction, 'count'> & { count?: number })[];
  /** The `seq` of a message in a group, so that an index counts what its author has written. */
  authoredSeq?: number;
};

const objectId = Schema.Types.ObjectId;
const mixed = Schema.Types.Mixed;
const messageSchema = new Schema<EntryDocument>(
  {
    conversationId: objectId,
    seq: Number,
    messageCount: Number,
    lowCount: Number,
    lastMessageSeq: Number,
    type: String,
    senderId: objectId,
    receiverId: objectId,
    clientMessageId: mixed,
    requestHash: String,
    contentType: String,
    content: mixed,
    change: mixed,
    groupChange: mixed,
    mentions: { type: [String], default: undefined },
    replyTo: objectId,
    isForwarded: Boolean,
    reactions: mixed,
    rev: Number,
    createdAt: Date,
    editedAt: Date,
    recalledAt: Date,
    recalledBy: String,
    recalledSeq: Number,
    authoredSeq: Number,
    outbox: mixed,
  },
  { collection: 'messages', versionKey: false },
);
messageSchema.index({ conversationId: 1, seq: 1 }, { unique: true });
messageSchema.index({ senderId: 1, clientMessageId: 1 }, { unique: true });
// few messages are ever recalled, and fewer wait for their change to be written to the log
messageSchema.index(
  { conversationId: 1, recalledSeq: 1 },
  { partialFilterExpression: { recalledSeq: { $exists: true } } },
);
messageSchema.index({ 'outbox.entryId': 1 }, { sparse: true });
// of groups alone: what unread counts leave out and single out
messageSchema.index(
  { conversationId: 1, senderId: 1, authoredSeq: 1 },
  { partialFilterExpression: { authoredSeq: { $exists: true } } },
);
messageSchema.index(
  { conversationId: 1, mentions: 1, seq: 1 },
  { partialFilterExpression: { mentions: { $exists: true } } },
);

/** The log's collection. Mongoose's documents would double the cost of a message, and the contracts have validated. */
export function messageCollection(connection: Connection) {
  const known = connection.models.Message ?? connection.model('Message', messageSchema);
  return known.collection;
}

export function toDocument(entry: Entry): EntryDocument {
  const { id, conversationId, senderId, receiverId, clientMessageId, replyTo, ...rest } = entry;
  const _id = new Types.ObjectId(id);
  return {
    _id,
    conversationId: new Types.ObjectId(conversationId),
    senderId: new Types.ObjectId(senderId),
    ...(receiverId !== undefined && { receiverId: new Types.ObjectId(receiverId) }),
    clientMessageId: clientMessageId ?? _id,
    ...(replyTo !== undefined && { replyTo: new Types.ObjectId(replyTo) }),
    ...(entry.type === 'group' && isMessage(entry) && { authoredSeq: entry.seq }),
    ...rest,
  };
}

export function toEntry(document: EntryDocument): Entry {
  const { _id, conversationId, senderId, receiverId, clientMessageId, replyTo, ...others } = document;
  const { reactions, authoredSeq: _, ...rest } = others;
  return {
    id: _id.toHexString(),
    conversationId: conversationId.toHexString(),
    senderId: senderId.toHexString(),
    ...(receiverId && { receiverId: receiverId.toHexString() }),
    clientMessageId: typeof clientMessageId === 'string' ? clientMessageId : null,
    ...(replyTo && { replyTo: replyTo.toHexString() }),
    ...(reactions && { reactions: reactions.map((one) => ({ count: one.userIds.length, ...one })) }),
    ...rest,
  };
}
