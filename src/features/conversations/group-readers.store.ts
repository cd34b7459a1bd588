import { type Connection, type mongo, Types } from 'mongoose';
import { type MembershipDocument, membershipModel } from './membership-collection.store.ts';

/** A message of a group. */
interface ReadMessage {
  conversationId: string;
  seq: number;
  senderId: string;
}

export type GroupReaderStore = ReturnType<typeof createGroupReaderStore>;

/** Who of a group has read a message, as far as they let it be known. */
export function createGroupReaderStore(connection: Connection) {
  const raw = membershipModel(connection).collection as unknown as mongo.Collection<MembershipDocument>;

  /** Those who are in the group now and saw the message, but for its sender. */
  const readersOf = ({ conversationId, seq, senderId }: ReadMessage, order: object) => ({
    conversationId: new Types.ObjectId(conversationId),
    order,
    toldReadSeq: { $gte: seq },
    joinedFrom: { $lte: seq },
    userId: { $ne: new Types.ObjectId(senderId) },
  });

  return {
    count: (message: ReadMessage): Promise<number> =>
      raw.countDocuments(readersOf(message, { $exists: true })),

    /** Some of them in the order of the group's members, after a place in it. */
    async list(
      message: ReadMessage,
      after: string | null,
      limit: number,
    ): Promise<{ userId: string; order: string }[]> {
      const found = await raw
        .find(readersOf(message, after === null ? { $exists: true } : { $gt: after }), {
          sort: { order: 1 },
          limit,
          projection: { userId: 1, order: 1 },
        })
        .toArray();
      return found.map(({ userId, order = '' }) => ({ userId: userId.toHexString(), order }));
    },
  };
}
