import { type Connection, Types } from 'mongoose';
import { messageCollection } from './message-collection.store.ts';

/** An entry whose time is over. */
interface ExpiredEntry {
  id: string;
  seq: number;
}

/** Takes away from the beginnings of logs what retention no longer keeps. */
export function createExpiredMessageStore(connection: Connection) {
  const messages = messageCollection(connection);

  return {
    /** The oldest entries below a place. */
    async findBelow(conversationId: string, seq: number, limit: number): Promise<ExpiredEntry[]> {
      const found = await messages
        .find<{ _id: Types.ObjectId; seq: number }>(
          { conversationId: new Types.ObjectId(conversationId), seq: { $lt: seq } },
          { projection: { seq: 1 }, sort: { seq: 1 }, limit },
        )
        .toArray();
      return found.map(({ _id, seq }) => ({ id: _id.toHexString(), seq }));
    },

    async remove(ids: readonly string[]): Promise<void> {
      if (ids.length > 0)
        await messages.deleteMany({ _id: { $in: ids.map((id) => new Types.ObjectId(id)) } });
    },

    /** Leaves of an entry its place and the counts of its log, which everything above it builds on. */
    async empty(id: string): Promise<void> {
      const _id = new Types.ObjectId(id);
      await messages.updateOne(
        { _id },
        {
          $set: { content: null, clientMessageId: _id, requestHash: '' },
          $unset: {
            replyTo: '',
            isForwarded: '',
            reactions: '',
            mentions: '',
            editedAt: '',
            recalledAt: '',
            recalledBy: '',
            recalledSeq: '',
            outbox: '',
          },
        },
      );
    },
  };
}
