import { hash } from 'node:crypto';
import { type Connection, mongo, Schema, Types } from 'mongoose';
import {
  blankPair,
  blankSide,
  isBlocking,
  otherOf,
  type Relationship,
  requestedOf,
  type Side,
} from './friends.rules.ts';

/** A pair with what its lists are found by. `version` judges concurrent changes. */
interface RelationshipDocument {
  _id: Types.ObjectId;
  low: Types.ObjectId;
  high: Types.ObjectId;
  /** Absent where the pair was kept before there were sides. */
  lowSide?: Side;
  highSide?: Side;
  /** Both, or nobody. */
  friendIds: Types.ObjectId[];
  since: Date | null;
  requestedBy: Types.ObjectId | null;
  /** `null` also while the one who was asked does not see the request. */
  requestedTo: Types.ObjectId | null;
  requestedAt: Date | null;
  requestMessage: string | null;
  /** Who of the two blocks the other. */
  blockedBy: Types.ObjectId[];
  updatedAt: Date;
  version: number;
}

const objectId = Schema.Types.ObjectId;
const relationshipSchema = new Schema<RelationshipDocument>(
  {
    low: objectId,
    high: objectId,
    lowSide: Object,
    highSide: Object,
    friendIds: [objectId],
    since: Date,
    requestedBy: objectId,
    requestedTo: objectId,
    requestedAt: Date,
    requestMessage: String,
    blockedBy: [objectId],
    updatedAt: Date,
    version: Number,
  },
  { collection: 'relationships', versionKey: false },
);
relationshipSchema.index({ friendIds: 1, since: -1, _id: -1 });
relationshipSchema.index({ requestedTo: 1, requestedAt: -1, _id: -1 });
relationshipSchema.index({ requestedBy: 1, requestedAt: -1, _id: -1 });
relationshipSchema.index({ blockedBy: 1 });
relationshipSchema.index({ low: 1, updatedAt: -1 });
relationshipSchema.index({ high: 1, updatedAt: -1 });

const duplicateKey = 11_000;
const attempts = 10;

/**
 * The id of a pair, the same whoever asks: the first 96 bits of a hash of both ids. It spares an index and a look-up,
 * as who knows two people knows their relationship's and their conversation's id.
 */
export function pairIdOf(oneId: string, otherId: string): string {
  const [low, high] = oneId < otherId ? [oneId, otherId] : [otherId, oneId];
  return hash('sha256', `${low}:${high}`).slice(0, 24);
}

export interface PagePosition {
  at: Date;
  id: string;
}

interface PageOptions {
  userId: string;
  limit: number;
  after: PagePosition | null;
}

export type RelationshipStore = ReturnType<typeof createRelationshipStore>;

export function createRelationshipStore(connection: Connection) {
  const relationships = connection.model('Relationship', relationshipSchema);

  /** One page of the pairs in which `field` names the person, the latest first. */
  async function page(
    field: keyof typeof timeOf,
    { userId, limit, after }: PageOptions,
  ): Promise<Relationship[]> {
    const time = timeOf[field];
    const before = after && {
      $or: [{ [time]: { $lt: after.at } }, { [time]: after.at, _id: { $lt: after.id } }],
    };
    const found = await relationships
      .find({ [field]: userId, ...before })
      .sort({ [time]: -1, _id: -1 })
      .limit(limit)
      .lean<RelationshipDocument[]>();
    return found.map(toRelationship);
  }

  return {
    async findByIds(pairIds: readonly string[]): Promise<Relationship[]> {
      const found = await relationships.find({ _id: { $in: pairIds } }).lean<RelationshipDocument[]>();
      return found.map(toRelationship);
    },

    /** Which of these pairs are friends now; the check of every private message, so it reads no more than it needs. */
    async findFriendPairs(pairIds: readonly string[]): Promise<Set<string>> {
      const $in = pairIds.map((id) => new Types.ObjectId(id));
      // all of them in one answer, whose cursor is then known to be at its end
      const batchSize = $in.length + 1;
      const found = await relationships.collection
        .find({ _id: { $in }, since: { $ne: null } }, { projection: { _id: 1 }, batchSize })
        .toArray();
      return new Set(found.map(({ _id }) => _id.toHexString()));
    },

    /**
     * Changes one pair by one atomic write. `decide` gets the pair as it is (blank if they never met) and answers it
     * as it shall be, or the same object for no change; it is asked again if somebody else changed the pair meanwhile.
     */
    async change(
      [oneId, otherId]: readonly [string, string],
      decide: (pair: Relationship) => Promise<Relationship>,
    ): Promise<{ before: Relationship; after: Relationship }> {
      const pairId = pairIdOf(oneId, otherId);
      for (let attempt = 0; attempt < attempts; attempt++) {
        const found = await relationships.findById(pairId).lean<RelationshipDocument>();
        const before = found ? toRelationship(found) : blankPair(pairId, oneId, otherId);
        const after = await decide(before);
        if (after === before || (await replace(found, after))) return { before, after };
      }
      throw new Error(`The pair ${pairId} did not come to rest`);
    },

    friendsOf: (options: PageOptions) => page('friendIds', options),
    requestsTo: (options: PageOptions) => page('requestedTo', options),
    requestsBy: (options: PageOptions) => page('requestedBy', options),

    /** The pairs in which this person blocks the other, in no order; as many as a blacklist may hold. */
    async blockedBy(userId: string): Promise<Relationship[]> {
      const found = await relationships.find({ blockedBy: userId }).lean<RelationshipDocument[]>();
      return found.map(toRelationship);
    },

    countFriends: (userId: string, upTo: number) =>
      relationships.countDocuments({ friendIds: userId }).limit(upTo).exec(),
    countBlocked: (userId: string, upTo: number) =>
      relationships.countDocuments({ blockedBy: userId }).limit(upTo).exec(),

    /** The ids of this person's friends, in no order, and nothing else of them. */
    async friendIdsOf(userId: string, upTo: number): Promise<string[]> {
      const found = await relationships
        .find({ friendIds: userId }, { low: 1, high: 1 })
        .limit(upTo)
        .lean<Pick<RelationshipDocument, 'low' | 'high'>[]>();
      return found.map(({ low, high }) =>
        otherOf({ low: low.toHexString(), high: high.toHexString() }, userId),
      );
    },

    /** The pairs of this person, in the order of their ids, after one of them. */
    async listAfter(userId: string, afterId: string | null, limit: number): Promise<Relationship[]> {
      const found = await relationships
        .find({ $or: [{ low: userId }, { high: userId }], ...(afterId && { _id: { $gt: afterId } }) })
        .sort({ _id: 1 })
        .limit(limit)
        .lean<RelationshipDocument[]>();
      return found.map(toRelationship);
    },

    /** The pairs of this person that changed after a point in time. */
    async changedSince(userId: string, since: Date): Promise<Relationship[]> {
      const updatedAt = { $gt: since };
      const found = await relationships
        .find({
          $or: [
            { low: userId, updatedAt },
            { high: userId, updatedAt },
          ],
        })
        .lean<RelationshipDocument[]>();
      return found.map(toRelationship);
    },
  };

  async function replace(found: RelationshipDocument | null, after: Relationship): Promise<boolean> {
    const document = toDocument(after, (found?.version ?? 0) + 1);
    if (found) {
      const filter = { _id: found._id, version: found.version };
      return (await relationships.collection.replaceOne(filter, document)).modifiedCount === 1;
    }
    try {
      await relationships.collection.insertOne(document);
      return true;
    } catch (error) {
      if (error instanceof mongo.MongoServerError && error.code === duplicateKey) return false;
      throw error;
    }
  }
}

/** Which time orders the pages of which list. */
const timeOf = { friendIds: 'since', requestedTo: 'requestedAt', requestedBy: 'requestedAt' } as const;

function toRelationship(document: RelationshipDocument): Relationship {
  const { _id, requestedBy: by, requestedAt: at, requestMessage: message } = document;
  return {
    id: _id.toHexString(),
    low: document.low.toHexString(),
    high: document.high.toHexString(),
    lowSide: document.lowSide ?? blankSide,
    highSide: document.highSide ?? blankSide,
    since: document.since,
    request: by && at ? { by: by.toHexString(), at, message } : null,
    updatedAt: document.updatedAt,
  };
}

function toDocument(pair: Relationship, version: number): RelationshipDocument {
  const { id, request, ...rest } = pair;
  const both = [pair.low, pair.high];
  const requestedTo = requestedOf(pair);
  return {
    ...rest,
    _id: new Types.ObjectId(id),
    low: new Types.ObjectId(pair.low),
    high: new Types.ObjectId(pair.high),
    friendIds: pair.since ? both.map((userId) => new Types.ObjectId(userId)) : [],
    requestedBy: request && new Types.ObjectId(request.by),
    requestedTo: requestedTo === null ? null : new Types.ObjectId(requestedTo),
    requestedAt: request?.at ?? null,
    requestMessage: request?.message ?? null,
    blockedBy: both.filter((userId) => isBlocking(pair, userId)).map((userId) => new Types.ObjectId(userId)),
    version,
  };
}
