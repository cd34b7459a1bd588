import { type Connection, mongo, Schema, Types } from 'mongoose';
import { anyTerm } from './search-terms.rules.ts';

/** What the index keeps of a message. */
export interface IndexedMessage {
  messageId: string;
  conversationId: string;
  senderId: string;
  seq: number;
  /** Of the message: terms of an older one never replace those of a newer. */
  rev: number;
  at: Date;
  terms: readonly string[];
}

/** A message that may be what is searched for. */
export type Candidate = Pick<IndexedMessage, 'messageId' | 'conversationId' | 'senderId' | 'seq' | 'at'>;

/** A place in the order of all messages, newest first. */
export interface SearchPosition {
  at: Date;
  messageId: string;
}

interface CandidateRange {
  conversationIds: readonly string[];
  term: string;
  /** Inclusive. */
  since?: Date | undefined;
  /** Inclusive. */
  until?: Date | undefined;
  /** Exclusive. */
  below?: SearchPosition | undefined;
  limit: number;
}

interface TermsDocument {
  _id: Types.ObjectId;
  conversationId: Types.ObjectId;
  senderId: Types.ObjectId;
  seq: number;
  rev: number;
  at: Date;
  terms: string[];
}

const duplicateKey = 11_000;

const objectId = Schema.Types.ObjectId;
const termsSchema = new Schema<TermsDocument>(
  { conversationId: objectId, senderId: objectId, seq: Number, rev: Number, at: Date, terms: [String] },
  { collection: 'message_terms', versionKey: false },
);
termsSchema.index({ conversationId: 1, terms: 1, at: -1, _id: -1 });

export type TermStore = ReturnType<typeof createTermStore>;

/** The index of what messages say, one document per message. It proposes; the message itself decides. */
export function createTermStore(connection: Connection) {
  const messageTerms = connection.model('MessageTerms', termsSchema).collection;

  return {
    /** Keeps the terms of messages, unless those of the same or a later revision are kept already. */
    async keep(messages: readonly IndexedMessage[]): Promise<void> {
      if (messages.length > 0)
        await messageTerms.bulkWrite(messages.map(toWrite), { ordered: false }).catch(passKnown);
    },

    /** Messages of these conversations that have a term, or more terms than are kept; newest first. */
    async findCandidates({ conversationIds, term, ...range }: CandidateRange): Promise<Candidate[]> {
      const { since, until, below, limit } = range;
      const latest = below && (!until || below.at < until) ? below.at : until;
      const at = { ...(since && { $gte: since }), ...(latest && { $lte: latest }) };
      const found = await messageTerms
        .find<TermsDocument>(
          {
            conversationId: { $in: conversationIds.map((id) => new Types.ObjectId(id)) },
            terms: { $in: [term, anyTerm] },
            ...((since || latest) && { at }),
            ...(below && {
              $or: [{ at: { $lt: below.at } }, { _id: { $lt: new Types.ObjectId(below.messageId) } }],
            }),
          },
          { projection: { conversationId: 1, senderId: 1, seq: 1, at: 1 } },
        )
        .sort({ at: -1, _id: -1 })
        .limit(limit)
        .batchSize(limit)
        .toArray();
      return found.map(toCandidate);
    },

    /** Which of these messages have all of these terms, or more terms than are kept. */
    async among(messageIds: readonly string[], terms: readonly string[]): Promise<Set<string>> {
      const found = await messageTerms
        .find(
          {
            _id: { $in: messageIds.map((id) => new Types.ObjectId(id)) },
            $or: [{ terms: { $all: [...terms] } }, { terms: anyTerm }],
          },
          { projection: { _id: 1 }, batchSize: messageIds.length + 1 },
        )
        .toArray();
      return new Set(found.map(({ _id }) => _id.toHexString()));
    },

    /** Forgets messages that are gone for good. */
    async remove(messageIds: readonly string[]): Promise<void> {
      if (messageIds.length === 0) return;
      await messageTerms.deleteMany({ _id: { $in: messageIds.map((id) => new Types.ObjectId(id)) } });
    },
  };
}

function toWrite({ messageId, conversationId, senderId, rev, seq, at, terms }: IndexedMessage) {
  const _id = new Types.ObjectId(messageId);
  const kept = {
    conversationId: new Types.ObjectId(conversationId),
    senderId: new Types.ObjectId(senderId),
    seq,
    at,
    rev,
    terms: [...terms],
  };
  // nothing is older than the first revision, and inserting is half the work
  if (rev === 1) return { insertOne: { document: { _id, ...kept } } };
  return { updateOne: { filter: { _id, rev: { $lt: rev } }, update: { $set: kept }, upsert: true } };
}

/** A message that is kept in this revision or a later one is met as a duplicate key. */
function passKnown(error: unknown): void {
  if (!(error instanceof mongo.MongoBulkWriteError)) throw error;
  const faults = [error.writeErrors].flat() as mongo.WriteError[];
  if (faults.some(({ code }) => code !== duplicateKey)) throw error;
}

function toCandidate({ _id, conversationId, senderId, seq, at }: TermsDocument): Candidate {
  return {
    messageId: _id.toHexString(),
    conversationId: conversationId.toHexString(),
    senderId: senderId.toHexString(),
    seq,
    at,
  };
}
