import { type Connection, Schema, Types } from 'mongoose';
import type { Membership, MembershipKey } from './conversations.rules.ts';

/** What is kept of a membership: all of it but the floor, which is its log's. */
export type StoredMembership = Omit<Membership, 'floorSeq'>;

type MembershipDocument = Omit<StoredMembership, 'id' | 'conversationId' | 'userId' | 'peerId'> & {
  _id: Types.ObjectId;
  conversationId: Types.ObjectId;
  userId: Types.ObjectId;
  peerId: Types.ObjectId;
};

const objectId = Schema.Types.ObjectId;
const membershipSchema = new Schema<MembershipDocument>(
  {
    conversationId: objectId,
    userId: objectId,
    type: String,
    peerId: objectId,
    joinedFrom: Number,
    readSeq: Number,
    deliveredSeq: Number,
    toldReadSeq: Number,
    toldDeliveredSeq: Number,
    clearedSeq: Number,
    hiddenSeq: Number,
    shownInstead: Schema.Types.Mixed,
    pinned: Boolean,
    muted: Boolean,
    updatedAt: Date,
  },
  { collection: 'memberships', versionKey: false },
);
membershipSchema.index({ userId: 1, conversationId: 1 }, { unique: true });
membershipSchema.index({ userId: 1, updatedAt: -1 });

/** Where a membership begins, and what one lacks that was written before a field was known. */
const start = {
  joinedFrom: 1,
  readSeq: 0,
  deliveredSeq: 0,
  toldReadSeq: 0,
  toldDeliveredSeq: 0,
  clearedSeq: 0,
  hiddenSeq: 0,
  shownInstead: null,
  pinned: false,
  muted: false,
};

/** What only rises. */
type Mark = 'readSeq' | 'deliveredSeq' | 'toldReadSeq' | 'toldDeliveredSeq' | 'clearedSeq' | 'hiddenSeq';

interface Raise {
  /** Unless this one rises, nothing is written. */
  mark: Mark;
  /** Raised with it, each unless it stands higher. */
  alongside?: readonly Mark[];
  seq: number;
  set?: Partial<StoredMembership>;
}

export type MembershipStore = ReturnType<typeof createMembershipStore>;

export function createMembershipStore(connection: Connection) {
  const memberships = connection.model('Membership', membershipSchema);

  async function find(filter: Record<string, unknown>): Promise<StoredMembership[]> {
    return (await memberships.find(filter).lean<MembershipDocument[]>()).map(toMembership);
  }

  async function raise(
    filter: Record<string, unknown>,
    { mark, alongside = [], seq, set }: Raise,
  ): Promise<StoredMembership | null> {
    const before = await memberships
      .findOneAndUpdate(
        { ...filter, [mark]: { $not: { $gte: seq } } },
        {
          $max: Object.fromEntries([mark, ...alongside].map((raised) => [raised, seq])),
          $set: { ...set, updatedAt: new Date() },
        },
        { returnDocument: 'before' },
      )
      .lean<MembershipDocument | null>();
    return before && toMembership(before);
  }

  return {
    /** Gives both people their membership of a private conversation, unless they have it. */
    async createPair(conversationId: string, userIds: readonly [string, string]): Promise<void> {
      const [low, high] = userIds.map((userId) => new Types.ObjectId(userId)) as [
        Types.ObjectId,
        Types.ObjectId,
      ];
      const upsert = (userId: Types.ObjectId, peerId: Types.ObjectId) => ({
        updateOne: {
          filter: { userId, conversationId: new Types.ObjectId(conversationId) },
          update: { $setOnInsert: { type: 'private', peerId, ...start, updatedAt: new Date() } },
          upsert: true,
        },
      });
      await memberships.collection.bulkWrite([upsert(low, high), upsert(high, low)], { ordered: false });
    },

    /** Both memberships of a private conversation; none if it has not begun. */
    findPair: (conversationId: string, userIds: readonly [string, string]) =>
      find({ conversationId, userId: { $in: userIds } }),

    /** The memberships of other people in these private conversations. */
    findPeers: (memberships: readonly StoredMembership[]) =>
      memberships.length === 0
        ? Promise.resolve([])
        : find({
            $or: memberships.map(({ peerId, conversationId }) => ({ userId: peerId, conversationId })),
          }),

    /** A person's memberships in the order of conversation ids, after one of them. */
    async listAfter(userId: string, after: string | null, limit: number): Promise<StoredMembership[]> {
      const found = await memberships
        .find({ userId, ...(after && { conversationId: { $gt: after } }) })
        .sort({ conversationId: 1 })
        .limit(limit)
        .lean<MembershipDocument[]>();
      return found.map(toMembership);
    },

    countOf: (userId: string): Promise<number> => memberships.countDocuments({ userId }).exec(),

    findOf: (userId: string, conversationIds: readonly string[]) =>
      find({ userId, conversationId: { $in: conversationIds } }),

    find: async (key: MembershipKey): Promise<StoredMembership | null> => (await find({ ...key }))[0] ?? null,

    /**
     * Raises marks to a seq that the member sees. Answers the membership as it was before; `null` if the mark stands there
     * or higher, or the member does not see it.
     */
    raiseMarks: (key: MembershipKey, { seq, ...marks }: Raise) =>
      raise({ ...key, joinedFrom: { $lte: seq }, clearedSeq: { $lt: seq } }, { seq, ...marks }),

    /** Forgets everything up to a seq, which is neither unread nor undelivered then. Answers whether anything was left. */
    clear: async (key: MembershipKey, seq: number): Promise<boolean> =>
      null !==
      (await raise(
        { ...key },
        { mark: 'clearedSeq', alongside: ['readSeq', 'deliveredSeq'], seq, set: { shownInstead: null } },
      )),

    /** Hides until something comes above a seq, and unpins. Answers whether it was not hidden. */
    hide: async (key: MembershipKey, seq: number): Promise<boolean> =>
      null !== (await raise({ ...key }, { mark: 'hiddenSeq', seq, set: { pinned: false } })),

    /** Sets what has another value. Answers whether anything had. */
    async set(key: MembershipKey, values: Partial<StoredMembership>): Promise<boolean> {
      const $or = Object.entries(values).map(([field, value]) => ({ [field]: { $ne: value } }));
      const set = { $set: { ...values, updatedAt: new Date() } };
      return (await memberships.updateOne({ ...key, $or }, set)).modifiedCount === 1;
    },

    /** Which message a member sees in place of the newest; told as a change whatever it is. */
    async showInstead(key: MembershipKey, shownInstead: Membership['shownInstead']): Promise<void> {
      await memberships.updateOne({ ...key }, { $set: { shownInstead, updatedAt: new Date() } });
    },

    /** How many conversations a person has pinned, counted no further than `upTo`. */
    countPinned: (userId: string, upTo: number): Promise<number> =>
      memberships.countDocuments({ userId, pinned: true }).limit(upTo).exec(),

    /** A person's memberships whose own state changed after a point in time. */
    changedSince: (userId: string, since: Date) => find({ userId, updatedAt: { $gt: since } }),
  };
}

function toMembership({
  _id,
  conversationId,
  userId,
  peerId,
  ...rest
}: MembershipDocument): StoredMembership {
  return {
    id: _id.toHexString(),
    conversationId: conversationId.toHexString(),
    userId: userId.toHexString(),
    peerId: peerId.toHexString(),
    ...start,
    ...rest,
  };
}
