import { hash } from 'node:crypto';
import { type Connection, mongo, Schema, Types } from 'mongoose';
import { blankPair, type Relationship } from './friends.rules.ts';

/** Ids are kept as ObjectIds; everything else is as the rules see it. `version` judges concurrent changes. */
interface RelationshipDocument
  extends Omit<Relationship, 'id' | 'low' | 'high' | 'friendIds' | 'requestedBy' | 'requestedTo'> {
  _id: Types.ObjectId;
  low: Types.ObjectId;
  high: Types.ObjectId;
  friendIds: Types.ObjectId[];
  requestedBy: Types.ObjectId | null;
  requestedTo: Types.ObjectId | null;
  version: number;
}

const objectId = Schema.Types.ObjectId;
const relationshipSchema = new Schema<RelationshipDocument>(
  {
    low: objectId,
    high: objectId,
    friendIds: [objectId],
    since: Date,
    requestedBy: objectId,
    requestedTo: objectId,
    requestedAt: Date,
    requestMessage: String,
    friendsChangedAt: Date,
    requestsChangedAt: Date,
    updatedAt: Date,
    version: Number,
  },
  { collection: 'relationships', versionKey: false },
);
relationshipSchema.index({ friendIds: 1, since: -1, _id: -1 });
relationshipSchema.index({ requestedTo: 1, requestedAt: -1, _id: -1 });
relationshipSchema.index({ requestedBy: 1, requestedAt: -1, _id: -1 });
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
      const found = await relationships.collection
        .find({ _id: { $in }, since: { $ne: null } }, { projection: { _id: 1 } })
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

    /** The friends of a person, in no particular order. */
    async friendIdsOf(userId: string, upTo: number): Promise<string[]> {
      const found = await relationships
        .find({ friendIds: userId }, { _id: 0, friendIds: 1 })
        .limit(upTo)
        .lean<Pick<RelationshipDocument, 'friendIds'>[]>();
      return found.flatMap(({ friendIds }) =>
        friendIds.map((friendId) => friendId.toHexString()).filter((friendId) => friendId !== userId),
      );
    },

    countFriends: (userId: string, upTo: number) =>
      relationships.countDocuments({ friendIds: userId }).limit(upTo).exec(),

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

function toRelationship({ version: _, ...document }: RelationshipDocument): Relationship {
  const { _id, low, high, friendIds, requestedBy, requestedTo, ...rest } = document;
  return {
    ...rest,
    id: _id.toHexString(),
    low: low.toHexString(),
    high: high.toHexString(),
    friendIds: friendIds.map((friendId) => friendId.toHexString()),
    requestedBy: requestedBy?.toHexString() ?? null,
    requestedTo: requestedTo?.toHexString() ?? null,
  };
}

function toDocument({ id, ...pair }: Relationship, version: number): RelationshipDocument {
  const { low, high, friendIds, requestedBy, requestedTo, ...rest } = pair;
  const orNull = (userId: string | null) => (userId === null ? null : new Types.ObjectId(userId));
  return {
    ...rest,
    _id: new Types.ObjectId(id),
    low: new Types.ObjectId(low),
    high: new Types.ObjectId(high),
    friendIds: friendIds.map((friendId) => new Types.ObjectId(friendId)),
    requestedBy: orNull(requestedBy),
    requestedTo: orNull(requestedTo),
    version,
  };
}
