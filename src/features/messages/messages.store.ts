import { type Connection, mongo, Schema, Types } from 'mongoose';
import type { Head } from './messages.contract.ts';
import { type Entry, headOf, type Placement } from './messages.rules.ts';

type EntryDocument = Omit<Entry, 'id' | 'conversationId' | 'senderId' | 'receiverId' | 'clientMessageId'> & {
  _id: Types.ObjectId;
  conversationId: Types.ObjectId;
  senderId: Types.ObjectId;
  receiverId: Types.ObjectId;
  /** Filled with the message's own id where the client gave none; a string is never equal to it. */
  clientMessageId: string | Types.ObjectId;
};

const objectId = Schema.Types.ObjectId;
const messageSchema = new Schema<EntryDocument>(
  {
    conversationId: objectId,
    seq: Number,
    messageCount: Number,
    lowCount: Number,
    type: String,
    senderId: objectId,
    receiverId: objectId,
    clientMessageId: Schema.Types.Mixed,
    requestHash: String,
    contentType: String,
    content: Schema.Types.Mixed,
    rev: Number,
    createdAt: Date,
  },
  { collection: 'messages', versionKey: false },
);
messageSchema.index({ conversationId: 1, seq: 1 }, { unique: true });
messageSchema.index({ senderId: 1, clientMessageId: 1 }, { unique: true });

const duplicateKey = 11_000;
const entriesPerRead = 500;

/** A client's idempotency key with its owner. */
export interface SendKey {
  senderId: string;
  clientMessageId: string;
}

export interface Range {
  conversationId: string;
  /** Exclusive. */
  aboveSeq: number;
  /** Exclusive; no upper bound if absent. */
  belowSeq?: number | undefined;
  limit: number;
  newestFirst?: boolean;
}

export type MessageStore = ReturnType<typeof createMessageStore>;

export function createMessageStore(connection: Connection) {
  // mongoose's documents would double the cost of a message, and the contracts have validated already
  const messages = connection.model('Message', messageSchema).collection;

  async function find(
    filter: mongo.Filter<mongo.BSON.Document>,
    options: mongo.FindOptions = {},
  ): Promise<Entry[]> {
    const found = await messages.find(filter, options).toArray();
    return found.map((document) => toEntry(document as EntryDocument));
  }

  /** Where each log stands with the highest of its entries that `place` admits; without such an entry it is left out. */
  async function findHeads(
    seqs: ReadonlyMap<string, number>,
    place: (seq: number) => number | { $gt: number },
  ): Promise<Map<string, Head>> {
    if (seqs.size === 0) return new Map();
    const $or = [...seqs].map(([conversationId, seq]) => ({
      conversationId: new Types.ObjectId(conversationId),
      seq: place(seq),
    }));
    const found = await messages
      .find<Placement & { conversationId: Types.ObjectId }>({ $or }, { projection: headFields })
      .toArray();
    const heads = new Map<string, Head>();
    for (const { conversationId, ...placement } of found) {
      const id = conversationId.toHexString();
      if (placement.seq > (heads.get(id)?.seq ?? 0)) heads.set(id, headOf(placement));
    }
    return heads;
  }

  return {
    newId: () => new Types.ObjectId().toHexString(),

    /**
     * Writes entries in their order until one is taken already, by `(conversationId, seq)` or by its idempotency key.
     * Answers how many were written; whatever else goes wrong is thrown, and then nobody knows what was written.
     */
    async append(entries: readonly Entry[]): Promise<number> {
      try {
        await messages.insertMany(entries.map(toDocument), { ordered: true });
        return entries.length;
      } catch (error) {
        const taken = error instanceof mongo.MongoBulkWriteError ? firstWriteError(error) : undefined;
        if (taken?.code === duplicateKey) return taken.index;
        throw error;
      }
    },

    /** Where a log stands; `null` if it has no entry. */
    async findHead(conversationId: string): Promise<Head | null> {
      const newest = await messages.findOne<Placement>(
        { conversationId: new Types.ObjectId(conversationId) },
        { sort: { seq: -1 }, projection: headFields },
      );
      return newest && headOf(newest);
    },

    /** Where logs stand that have something above the given seqs. */
    findHeadsAbove: (seqs: ReadonlyMap<string, number>) => findHeads(seqs, (seq) => ({ $gt: seq })),

    /** Where logs stood with the entries at these places. */
    findHeadsAt: (seqs: ReadonlyMap<string, number>) => findHeads(seqs, (seq) => seq),

    async findByKeys(keys: readonly SendKey[]): Promise<Entry[]> {
      if (keys.length === 0) return [];
      const $or = keys.map(({ senderId, clientMessageId }) => ({
        senderId: new Types.ObjectId(senderId),
        clientMessageId,
      }));
      return find({ $or });
    },

    /** Entries of one log, ascending unless asked otherwise. */
    findRange({ conversationId, aboveSeq, belowSeq, limit, newestFirst }: Range): Promise<Entry[]> {
      const seq = { $gt: aboveSeq, ...(belowSeq !== undefined && { $lt: belowSeq }) };
      const filter = { conversationId: new Types.ObjectId(conversationId), seq };
      return find(filter, { sort: { seq: newestFirst ? -1 : 1 }, limit });
    },

    /** The entries of these parts of logs, in no order. */
    async findWithin(
      parts: readonly { conversationId: string; aboveSeq: number; uptoSeq: number }[],
    ): Promise<Entry[]> {
      if (parts.length === 0) return [];
      const $or = parts.map(({ conversationId, aboveSeq, uptoSeq }) => ({
        conversationId: new Types.ObjectId(conversationId),
        seq: { $gt: aboveSeq, $lte: uptoSeq },
      }));
      return find({ $or });
    },

    /** Everything that somebody has sent, read while it is taken. */
    async *sentBy(userId: string): AsyncGenerator<Entry> {
      const found = messages.find({ senderId: new Types.ObjectId(userId) }, { batchSize: entriesPerRead });
      for await (const document of found) yield toEntry(document as EntryDocument);
    },

    countSentBy: (userId: string): Promise<number> =>
      messages.countDocuments({ senderId: new Types.ObjectId(userId) }),

    /** The entries at these places of these logs. */
    async findAt(places: ReadonlyMap<string, number>): Promise<Map<string, Entry>> {
      if (places.size === 0) return new Map();
      const $or = [...places].map(([conversationId, seq]) => ({
        conversationId: new Types.ObjectId(conversationId),
        seq,
      }));
      return new Map((await find({ $or })).map((entry) => [entry.conversationId, entry]));
    },
  };
}

const headFields = { _id: 0, conversationId: 1, seq: 1, messageCount: 1, lowCount: 1, createdAt: 1 } as const;

function firstWriteError(error: mongo.MongoBulkWriteError): mongo.WriteError | undefined {
  return [error.writeErrors].flat()[0] as mongo.WriteError | undefined;
}

function toDocument({
  id,
  conversationId,
  senderId,
  receiverId,
  clientMessageId,
  ...rest
}: Entry): EntryDocument {
  const _id = new Types.ObjectId(id);
  return {
    _id,
    conversationId: new Types.ObjectId(conversationId),
    senderId: new Types.ObjectId(senderId),
    receiverId: new Types.ObjectId(receiverId),
    clientMessageId: clientMessageId ?? _id,
    ...rest,
  };
}

function toEntry({
  _id,
  conversationId,
  senderId,
  receiverId,
  clientMessageId,
  ...rest
}: EntryDocument): Entry {
  return {
    id: _id.toHexString(),
    conversationId: conversationId.toHexString(),
    senderId: senderId.toHexString(),
    receiverId: receiverId.toHexString(),
    clientMessageId: typeof clientMessageId === 'string' ? clientMessageId : null,
    ...rest,
  };
}
