import { type Connection, type mongo, Types } from 'mongoose';
import { messageCollection } from './message-collection.store.ts';

/** A part of the log of a group. */
interface Stretch {
  conversationId: string;
  /** Exclusive. */
  aboveSeq: number;
  /** Inclusive. */
  upToSeq: number;
  /** How many messages it holds, whoever wrote them. */
  messageCount: number;
}

/** Nobody is told of more, so no more are read of any one group. */
const mostMentions = 1000;

export type UnreadMessageStore = ReturnType<typeof createUnreadMessageStore>;

/** What of the messages above a mark is one's own, and what calls one. Any number of groups in one command. */
export function createUnreadMessageStore(connection: Connection) {
  const messages = messageCollection(connection);

  async function findMentions(
    userId: string,
    stretches: readonly Stretch[],
    options: mongo.FindOptions,
  ): Promise<{ conversationId: Types.ObjectId; seq: number }[]> {
    const $or = stretches.map(({ conversationId, aboveSeq, upToSeq }) => ({
      conversationId: new Types.ObjectId(conversationId),
      mentions: { $in: [userId, 'all'] },
      seq: { $gt: aboveSeq, $lte: upToSeq },
    }));
    return messages
      .find<{ conversationId: Types.ObjectId; seq: number }>(
        { $or, senderId: { $ne: new Types.ObjectId(userId) } },
        { ...options, projection: { _id: 0, conversationId: 1, seq: 1 } },
      )
      .toArray();
  }

  return {
    /** How many messages somebody has written there, recalled ones among them; counted by an index alone. */
    async countOwn(userId: string, stretches: readonly Stretch[]): Promise<Map<string, number>> {
      if (stretches.length === 0) return new Map();
      const $or = stretches.map(({ conversationId, aboveSeq, upToSeq }) => ({
        conversationId: new Types.ObjectId(conversationId),
        senderId: new Types.ObjectId(userId),
        authoredSeq: { $gt: aboveSeq, $lte: upToSeq },
      }));
      const counted = await messages
        .aggregate<{ _id: Types.ObjectId; count: number }>([
          { $match: { $or } },
          { $group: { _id: '$conversationId', count: { $sum: 1 } } },
        ])
        .toArray();
      return new Map(counted.map(({ _id, count }) => [_id.toHexString(), count]));
    },

    /** The places of others' messages that mention somebody or everybody; of very many the newest. */
    async findMentions(userId: string, stretches: readonly Stretch[]): Promise<Map<string, number[]>> {
      const short = stretches.filter(({ messageCount }) => messageCount <= mostMentions);
      const long = stretches.filter(({ messageCount }) => messageCount > mostMentions);
      const found = await Promise.all([
        short.length > 0 ? findMentions(userId, short, {}) : [],
        ...long.map((one) => findMentions(userId, [one], { sort: { seq: -1 }, limit: mostMentions })),
      ]);
      const seqs = new Map<string, number[]>();
      for (const { conversationId, seq } of found.flat()) {
        const id = conversationId.toHexString();
        seqs.set(id, [...(seqs.get(id) ?? []), seq]);
      }
      return seqs;
    },
  };
}
