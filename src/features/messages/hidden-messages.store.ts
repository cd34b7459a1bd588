import { type Connection, Schema, type Types } from 'mongoose';

interface HiddenDocument {
  _id: Types.ObjectId;
  userId: Types.ObjectId;
  conversationId: Types.ObjectId;
  messageId: Types.ObjectId;
  seq: number;
  /** What one wrote oneself was never unread. */
  isOwn: boolean;
  at: Date;
}

/** A message that one person has deleted for themselves. */
export interface HiddenMessage {
  userId: string;
  conversationId: string;
  messageId: string;
  seq: number;
  isOwn: boolean;
}

/** Bounds of a part of a log, both exclusive. */
interface Stretch {
  aboveSeq: number;
  belowSeq?: number | undefined;
}

const mostTold = 10_000;

const objectId = Schema.Types.ObjectId;
const hiddenSchema = new Schema<HiddenDocument>(
  { userId: objectId, conversationId: objectId, messageId: objectId, seq: Number, isOwn: Boolean, at: Date },
  { collection: 'hidden_messages', versionKey: false },
);
hiddenSchema.index({ userId: 1, messageId: 1 }, { unique: true });
hiddenSchema.index({ userId: 1, conversationId: 1, seq: 1 });
hiddenSchema.index({ userId: 1, at: 1 });
hiddenSchema.index({ messageId: 1 });

export type HiddenMessageStore = ReturnType<typeof createHiddenMessageStore>;

export function createHiddenMessageStore(connection: Connection) {
  const hidden = connection.model('HiddenMessage', hiddenSchema);

  return {
    /** Repeating is harmless. */
    async hide({ userId, messageId, ...row }: HiddenMessage): Promise<void> {
      await hidden.updateOne(
        { userId, messageId },
        { $setOnInsert: { ...row, at: new Date() } },
        { upsert: true },
      );
    },

    /** Which of these messages the person has deleted. */
    async among(userId: string, messageIds: readonly string[]): Promise<Set<string>> {
      if (messageIds.length === 0) return new Set();
      const found = await hidden
        .find({ userId, messageId: { $in: messageIds } }, { messageId: 1 })
        .lean<HiddenDocument[]>();
      return new Set(found.map(({ messageId }) => messageId.toHexString()));
    },

    /** Those of one conversation that come first in the reading direction. */
    async near(
      { userId, conversationId }: Pick<HiddenMessage, 'userId' | 'conversationId'>,
      { aboveSeq, belowSeq }: Stretch,
      { newestFirst, limit }: { newestFirst: boolean; limit: number },
    ): Promise<string[]> {
      const seq = { $gt: aboveSeq, ...(belowSeq !== undefined && { $lt: belowSeq }) };
      const found = await hidden
        .find({ userId, conversationId, seq }, { messageId: 1 })
        .sort({ seq: newestFirst ? -1 : 1 })
        .limit(limit)
        .lean<HiddenDocument[]>();
      return found.map(({ messageId }) => messageId.toHexString());
    },

    /** The seqs of others' messages that the person deleted above these places of these conversations. */
    async above(userId: string, places: ReadonlyMap<string, number>): Promise<Map<string, number[]>> {
      if (places.size === 0) return new Map();
      const $or = [...places].map(([conversationId, seq]) => ({ conversationId, seq: { $gt: seq } }));
      return bySeq(
        await hidden
          .find({ userId, isOwn: false, $or }, { conversationId: 1, seq: 1 })
          .lean<HiddenDocument[]>(),
      );
    },

    /** What the person deleted from a point in time on; of very much the latest. */
    async since(userId: string, at: Date): Promise<{ conversationId: string; seq: number; at: Date }[]> {
      const found = await hidden
        .find({ userId, at: { $gt: at } }, { conversationId: 1, seq: 1, at: 1 })
        .sort({ at: -1 })
        .limit(mostTold)
        .lean<HiddenDocument[]>();
      return found.map((row) => ({
        conversationId: row.conversationId.toHexString(),
        seq: row.seq,
        at: row.at,
      }));
    },

    /** Of messages that are gone for good. */
    async forget(messageIds: readonly string[]): Promise<void> {
      await hidden.deleteMany({ messageId: { $in: messageIds } });
    },

    async forgetAllOf(userId: string): Promise<number> {
      return (await hidden.deleteMany({ userId })).deletedCount;
    },
  };
}

function bySeq(rows: readonly HiddenDocument[]): Map<string, number[]> {
  const seqs = new Map<string, number[]>();
  for (const { conversationId, seq } of rows) {
    const id = conversationId.toHexString();
    seqs.set(id, [...(seqs.get(id) ?? []), seq]);
  }
  return seqs;
}
