import { type Connection, Schema, Types } from 'mongoose';
import type { Head } from '../messages/messages.contract.ts';

interface HeadDocument {
  _id: Types.ObjectId;
  headSeq: number;
  messageCount: number;
  lowCount: number;
  lastMessageSeq: number;
  headAt: Date;
}

const conversationSchema = new Schema<HeadDocument>(
  { headSeq: Number, messageCount: Number, lowCount: Number, lastMessageSeq: Number, headAt: Date },
  { collection: 'conversations', versionKey: false },
);

const raisesPerWrite = 50;

export type HeadStore = ReturnType<typeof createHeadStore>;

/** Hints at where logs stand: never above the truth, and raised some time after it. */
export function createHeadStore(connection: Connection) {
  const conversations = connection.model('Conversation', conversationSchema);

  return {
    async find(conversationIds: readonly string[]): Promise<Map<string, Head>> {
      const found = await conversations.find({ _id: { $in: conversationIds } }).lean<HeadDocument[]>();
      return new Map(
        found.map(({ _id, headSeq, headAt, ...counts }) => [
          _id.toHexString(),
          { seq: headSeq, at: headAt, ...counts },
        ]),
      );
    },

    async raise(heads: ReadonlyMap<string, Head>): Promise<void> {
      const raises = [...heads].map(([conversationId, { seq, at, ...counts }]) => ({
        updateOne: {
          filter: { _id: new Types.ObjectId(conversationId) },
          update: { $max: { headSeq: seq, headAt: at, ...counts } },
          upsert: true,
        },
      }));
      // a few at a time: what waits for its acknowledgement comes in between
      for (let at = 0; at < raises.length; at += raisesPerWrite)
        await conversations.collection.bulkWrite(raises.slice(at, at + raisesPerWrite), { ordered: false });
    },
  };
}
