import { type Connection, mongo, Types } from 'mongoose';
import { type EntryDocument, messageCollection, toDocument, toEntry } from './message-collection.store.ts';
import type { Head } from './messages.contract.ts';
import { type Entry, headOf, type Placement } from './messages.rules.ts';

const duplicateKey = 11_000;
const entriesPerRead = 500;

/** What makes a repeated write the same one: a client's idempotency key with its owner, or a change's own id. */
export type SendKey = { senderId: string; clientMessageId: string } | { entryId: string };

export interface Range {
  conversationId: string;
  /** Exclusive. */
  aboveSeq: number;
  /** Exclusive; no upper bound if absent. */
  belowSeq?: number | undefined;
  limit: number;
  newestFirst?: boolean;
  /** Messages alone, without what happened to them or to the group. */
  messagesOnly?: boolean;
}

/** What of a range is read. */
interface Selection extends Range {
  /** What history shows: messages as they are now, and what happened to the group but for who may do and say what. */
  isHistory?: boolean;
  excludedIds?: readonly string[];
}

interface IdRange {
  /** Exclusive. */
  aboveId: string;
  /** Whole seconds. */
  before: Date;
  limit: number;
}

export type MessageStore = ReturnType<typeof createMessageStore>;

export function createMessageStore(connection: Connection) {
  const messages = messageCollection(connection);

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
      const $or = keys.map((key) =>
        'entryId' in key
          ? { _id: new Types.ObjectId(key.entryId) }
          : { senderId: new Types.ObjectId(key.senderId), clientMessageId: key.clientMessageId },
      );
      return find({ $or });
    },

    /** Entries of one log, ascending unless asked otherwise. */
    findRange({
      conversationId,
      aboveSeq,
      belowSeq,
      limit,
      newestFirst,
      ...only
    }: Selection): Promise<Entry[]> {
      const seq = { $gt: aboveSeq, ...(belowSeq !== undefined && { $lt: belowSeq }) };
      const filter = {
        conversationId: new Types.ObjectId(conversationId),
        seq,
        ...(only.messagesOnly ? messagesOnly : only.isHistory && historyOnly),
        ...(only.excludedIds?.length && {
          _id: { $nin: only.excludedIds.map((id) => new Types.ObjectId(id)) },
        }),
      };
      return find(filter, { sort: { seq: newestFirst ? -1 : 1 }, limit });
    },

    async findByIds(ids: readonly string[]): Promise<Entry[]> {
      if (ids.length === 0) return [];
      return find({ _id: { $in: ids.map((id) => new Types.ObjectId(id)) } });
    },

    /** Who wrote what was recalled above these places of these logs. */
    async findRecalledAbove(
      places: ReadonlyMap<string, number>,
    ): Promise<Pick<Entry, 'conversationId' | 'senderId' | 'seq'>[]> {
      if (places.size === 0) return [];
      const $or = [...places].map(([conversationId, seq]) => ({
        conversationId: new Types.ObjectId(conversationId),
        recalledSeq: { $gt: seq },
      }));
      const projection = { _id: 0, conversationId: 1, senderId: 1, seq: 1 };
      const found = await messages
        .find<Pick<EntryDocument, 'conversationId' | 'senderId' | 'seq'>>({ $or }, { projection })
        .toArray();
      return found.map(({ conversationId, senderId, seq }) => ({
        conversationId: conversationId.toHexString(),
        senderId: senderId.toHexString(),
        seq,
      }));
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
      const found = messages.find(messagesBy(userId), { batchSize: entriesPerRead });
      for await (const document of found) yield toEntry(document as EntryDocument);
    },

    countSentBy: (userId: string): Promise<number> => messages.countDocuments(messagesBy(userId)),

    /** Entries of all logs in the order of their ids, which begin with the time they were made at. */
    readById({ aboveId, before, limit }: IdRange): Promise<Entry[]> {
      const _id = {
        $gt: new Types.ObjectId(aboveId),
        $lt: Types.ObjectId.createFromTime(Math.ceil(before.getTime() / 1000)),
      };
      return find({ _id }, { sort: { _id: 1 }, limit });
    },

    /** The entries at these places of these logs. */
    async findAt(places: ReadonlyMap<string, number>): Promise<Map<string, Entry>> {
      if (places.size === 0) return new Map();
      const $or = [...places].map(([conversationId, seq]) => ({
        conversationId: new Types.ObjectId(conversationId),
        seq,
      }));
      return new Map((await find({ $or })).map((entry) => [entry.conversationId, entry]));
    },

    /** Messages of one author in a part of a log, the newest first; `upToSeq` inclusive. */
    async findSentBetween({
      conversationId,
      senderId,
      aboveSeq,
      upToSeq,
      limit,
    }: SentRange): Promise<Pick<Entry, 'id' | 'seq'>[]> {
      const filter = {
        conversationId: new Types.ObjectId(conversationId),
        seq: { $gt: aboveSeq, $lte: upToSeq },
        senderId: new Types.ObjectId(senderId),
        ...messagesOnly,
      };
      const found = await messages
        .find<Pick<EntryDocument, '_id' | 'seq'>>(filter, {
          sort: { seq: -1 },
          limit,
          projection: { seq: 1 },
        })
        .toArray();
      return found.map(({ _id, seq }) => ({ id: _id.toHexString(), seq }));
    },
  };
}

interface SentRange {
  conversationId: string;
  senderId: string;
  aboveSeq: number;
  upToSeq: number;
  limit: number;
}

const historyOnly = {
  change: { $exists: false },
  'groupChange.event': { $nin: ['group_member_muted', 'group_role_changed'] },
};

const messagesBy = (userId: string) => ({
  senderId: new Types.ObjectId(userId),
  ...messagesOnly,
});

const messagesOnly = { change: { $exists: false }, groupChange: { $exists: false } };

const headFields = {
  _id: 0,
  conversationId: 1,
  seq: 1,
  messageCount: 1,
  lowCount: 1,
  lastMessageSeq: 1,
  createdAt: 1,
} as const;

function firstWriteError(error: mongo.MongoBulkWriteError): mongo.WriteError | undefined {
  return [error.writeErrors].flat()[0] as mongo.WriteError | undefined;
}
