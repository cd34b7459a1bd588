import { type Connection, mongo, Schema } from 'mongoose';

interface UsageDocument {
  /** A person. */
  _id: string;
  bytes: number;
  /** When it was last changed; absent once it was held against what is really kept. */
  changedAt?: Date;
}

const usageSchema = new Schema<UsageDocument>(
  { _id: String, bytes: Number, changedAt: Date },
  { collection: 'storage_usage', versionKey: false },
);
usageSchema.index({ changedAt: 1 }, { sparse: true });

const duplicateKey = 11_000;

/** What people's uploads take: a sum that is kept, as adding up on every upload would be slow. */
export type UsageStore = ReturnType<typeof createUsageStore>;

export function createUsageStore(connection: Connection) {
  const usage = connection.model('StorageUsage', usageSchema);
  const by = (bytes: number) => ({ $inc: { bytes }, $set: { changedAt: new Date() } });

  return {
    async bytesOf(userId: string): Promise<number> {
      const found = await usage.findById(userId).lean<UsageDocument>();
      return found?.bytes ?? 0;
    },

    /** Adds to what somebody has, if it stays within a limit. Answers whether it did. */
    async charge(userId: string, bytes: number, limit: number): Promise<boolean> {
      if (bytes > limit) return false;
      const withRoom = { _id: userId, bytes: { $lte: limit - bytes } };
      try {
        await usage.updateOne(withRoom, by(bytes), { upsert: true });
        return true;
      } catch (error) {
        if (!(error instanceof mongo.MongoServerError && error.code === duplicateKey)) throw error;
        // there is no room, or another upload made the entry at the same moment
        return (await usage.updateOne(withRoom, by(bytes))).matchedCount === 1;
      }
    },

    async giveBack(userId: string, bytes: number): Promise<void> {
      await usage.updateOne({ _id: userId }, by(-bytes));
    },

    /** Sums that were changed and then left alone since. */
    async listUnchecked(before: Date, limit: number) {
      const found = await usage
        .find({ changedAt: { $lte: before } })
        .limit(limit)
        .lean<Required<UsageDocument>[]>();
      return found.map(({ _id, bytes, changedAt }) => ({ userId: _id, bytes, changedAt }));
    },

    /** Puts a sum right, unless it was changed meanwhile. */
    async correct(userId: string, bytes: number, changedAt: Date): Promise<void> {
      await usage.updateOne({ _id: userId, changedAt }, { $set: { bytes }, $unset: { changedAt: 1 } });
    },

    async remove(userId: string): Promise<void> {
      await usage.deleteOne({ _id: userId });
    },
  };
}
