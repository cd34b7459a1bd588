import { type Connection, Schema, Types } from 'mongoose';
import type { Head } from '../messages/messages.contract.ts';

interface HeadDocument {
  _id: Types.ObjectId;
  headSeq: number;
  messageCount: number;
  lowCount: number;
  lastMessageSeq: number;
  headAt: Date;
  /** The first entry that retention keeps; absent while it keeps all. */
  floorSeq?: number;
  /** No entry that is kept is older; absent until retention looks at the conversation. */
  keptSince?: Date;
}

/** A conversation as retention finds it. */
export interface KeptLog {
  conversationId: string;
  floorSeq: number;
  keptSince: Date | null;
}

const conversationSchema = new Schema<HeadDocument>(
  {
    headSeq: Number,
    messageCount: Number,
    lowCount: Number,
    lastMessageSeq: Number,
    headAt: Date,
    floorSeq: Number,
    keptSince: Date,
  },
  { collection: 'conversations', versionKey: false },
);
conversationSchema.index({ keptSince: 1 });
conversationSchema.index({ floorSeq: 1 }, { sparse: true });

const raisesPerWrite = 50;

export type HeadStore = ReturnType<typeof createHeadStore>;

/** Hints at where logs stand: never above the truth, and raised some time after it. */
export function createHeadStore(connection: Connection) {
  const conversations = connection.model('Conversation', conversationSchema);

  async function raiseEach(
    raises: readonly ({ conversationId: string } & Partial<Pick<HeadDocument, 'floorSeq' | 'keptSince'>>)[],
  ): Promise<void> {
    if (raises.length === 0) return;
    await conversations.collection.bulkWrite(
      raises.map(({ conversationId, ...values }) => ({
        updateOne: { filter: { _id: new Types.ObjectId(conversationId) }, update: { $max: values } },
      })),
      { ordered: false },
    );
  }

  return {
    async find(conversationIds: readonly string[]): Promise<Map<string, Head>> {
      const found = await conversations.find({ _id: { $in: conversationIds } }).lean<HeadDocument[]>();
      return new Map(
        found.map(({ _id, headSeq, headAt, messageCount, lowCount, lastMessageSeq }) => [
          _id.toHexString(),
          { seq: headSeq, at: headAt, messageCount, lowCount, lastMessageSeq },
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

    /** Whether retention has ever taken anything. */
    hasFloors: async (): Promise<boolean> => (await conversations.exists({ floorSeq: { $gt: 0 } })) !== null,

    /** The first entries that are kept, of those logs that have lost some. */
    async findFloors(conversationIds: readonly string[]): Promise<Map<string, number>> {
      const found = await conversations
        .find({ _id: { $in: conversationIds } }, { floorSeq: 1 })
        .lean<HeadDocument[]>();
      return new Map(found.flatMap(({ _id, floorSeq }) => (floorSeq ? [[_id.toHexString(), floorSeq]] : [])));
    },

    /** Those logs that were not looked at yet, and then those that keep the oldest entries. */
    async findLongestKept(limit: number): Promise<KeptLog[]> {
      const found = await conversations
        .find({}, { floorSeq: 1, keptSince: 1 })
        .sort({ keptSince: 1 })
        .limit(limit)
        .lean<HeadDocument[]>();
      return found.map(({ _id, floorSeq = 0, keptSince = null }) => ({
        conversationId: _id.toHexString(),
        floorSeq,
        keptSince,
      }));
    },

    /** From now on nobody sees what lies below these entries. */
    async raiseFloors(floorSeqs: ReadonlyMap<string, number>): Promise<void> {
      await raiseEach([...floorSeqs].map(([conversationId, floorSeq]) => ({ conversationId, floorSeq })));
    },

    /** What lay below is gone; what is kept is of these times. */
    async noteKept(times: ReadonlyMap<string, Date>): Promise<void> {
      await raiseEach([...times].map(([conversationId, keptSince]) => ({ conversationId, keptSince })));
    },
  };
}
