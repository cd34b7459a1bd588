import { type Connection, Schema, Types } from 'mongoose';
import type { Membership } from './conversations.rules.ts';

type MembershipDocument = Omit<Membership, 'id' | 'conversationId' | 'userId' | 'peerId'> & {
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
    clearedSeq: Number,
    pinned: Boolean,
    muted: Boolean,
    updatedAt: Date,
  },
  { collection: 'memberships', versionKey: false },
);
membershipSchema.index({ userId: 1, conversationId: 1 }, { unique: true });
membershipSchema.index({ userId: 1, updatedAt: -1 });

export type MembershipStore = ReturnType<typeof createMembershipStore>;

export function createMembershipStore(connection: Connection) {
  const memberships = connection.model('Membership', membershipSchema);

  async function find(filter: Record<string, unknown>): Promise<Membership[]> {
    return (await memberships.find(filter).lean<MembershipDocument[]>()).map(toMembership);
  }

  return {
    /** Gives both people their membership of a private conversation, unless they have it. */
    async createPair(conversationId: string, userIds: readonly [string, string]): Promise<void> {
      const [low, high] = userIds.map((userId) => new Types.ObjectId(userId)) as [
        Types.ObjectId,
        Types.ObjectId,
      ];
      const start = {
        joinedFrom: 1,
        readSeq: 0,
        deliveredSeq: 0,
        clearedSeq: 0,
        pinned: false,
        muted: false,
      };
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
    findPeers: (memberships: readonly Membership[]) =>
      memberships.length === 0
        ? Promise.resolve([])
        : find({
            $or: memberships.map(({ peerId, conversationId }) => ({ userId: peerId, conversationId })),
          }),

    /** A person's memberships in the order of conversation ids, after one of them. */
    async listAfter(userId: string, after: string | null, limit: number): Promise<Membership[]> {
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

    /** A person's memberships whose own state changed after a point in time. */
    changedSince: (userId: string, since: Date) => find({ userId, updatedAt: { $gt: since } }),
  };
}

function toMembership({ _id, conversationId, userId, peerId, ...rest }: MembershipDocument): Membership {
  return {
    id: _id.toHexString(),
    conversationId: conversationId.toHexString(),
    userId: userId.toHexString(),
    peerId: peerId.toHexString(),
    ...rest,
  };
}
