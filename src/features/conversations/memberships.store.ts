import { type Connection, Types } from 'mongoose';
import type { Membership, MembershipKey } from './conversations.rules.ts';
import {
  current,
  type MembershipDocument,
  membershipModel,
  type StoredMembership,
  start,
  toMembership,
} from './membership-collection.store.ts';

export type { StoredMembership } from './membership-collection.store.ts';

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
  const memberships = membershipModel(connection);

  async function find(filter: Record<string, unknown>): Promise<StoredMembership[]> {
    return (await memberships.find({ ...filter, ...current }).lean<MembershipDocument[]>()).map(toMembership);
  }

  async function raise(
    filter: Record<string, unknown>,
    { mark, alongside = [], seq, set }: Raise,
  ): Promise<StoredMembership | null> {
    const before = await memberships
      .findOneAndUpdate(
        { ...filter, ...current, [mark]: { $not: { $gte: seq } } },
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
    async findPeers(memberships: readonly StoredMembership[]): Promise<StoredMembership[]> {
      const $or = memberships.flatMap(({ peerId, conversationId }) =>
        peerId === null ? [] : [{ userId: peerId, conversationId }],
      );
      return $or.length === 0 ? [] : find({ $or });
    },

    /** A person's memberships in the order of conversation ids, after one of them. */
    async listAfter(userId: string, after: string | null, limit: number): Promise<StoredMembership[]> {
      const found = await memberships
        .find({ userId, ...current, ...(after && { conversationId: { $gt: after } }) })
        .sort({ conversationId: 1 })
        .limit(limit)
        .lean<MembershipDocument[]>();
      return found.map(toMembership);
    },

    countPrivateOf: (userId: string): Promise<number> =>
      memberships.countDocuments({ userId, type: 'private' }).exec(),

    findOf: (userId: string, conversationIds: readonly string[]) =>
      find({ userId, conversationId: { $in: conversationIds } }),

    find: async (key: MembershipKey): Promise<StoredMembership | null> => (await find({ ...key }))[0] ?? null,

    /**
     * Raises marks to a seq that the member sees. Answers the membership as it was before; `null` if the mark stands there
     * or higher, or the member does not see it, or a type is given and the conversation is of another.
     */
    raiseMarks: (key: MembershipKey & { type?: Membership['type'] }, { seq, ...marks }: Raise) =>
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
      return (await memberships.updateOne({ ...key, ...current, $or }, set)).modifiedCount === 1;
    },

    /** Which message a member sees in place of the newest; told as a change whatever it is. */
    async showInstead(key: MembershipKey, shownInstead: Membership['shownInstead']): Promise<void> {
      await memberships.updateOne({ ...key, ...current }, { $set: { shownInstead, updatedAt: new Date() } });
    },

    /** How many conversations a person has pinned, counted no further than `upTo`. */
    countPinned: (userId: string, upTo: number): Promise<number> =>
      memberships
        .countDocuments({ userId, ...current, pinned: true })
        .limit(upTo)
        .exec(),

    /** A person's memberships whose own state changed after a point in time. */
    changedSince: (userId: string, since: Date) => find({ userId, updatedAt: { $gt: since } }),
  };
}
