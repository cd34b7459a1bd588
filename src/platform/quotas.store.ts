import { type Connection, Schema } from 'mongoose';
import { RateLimiterMongo, RateLimiterRes } from 'rate-limiter-flexible';
import type { Quota } from '../core/quota.ts';
import { asRateLimited } from './rate-limited.ts';

interface QuotaOptions {
  /** Tells its keys from those of other quotas. */
  name: string;
  points: number;
  /** The span begins with the first take. */
  durationSeconds: number;
}

const limitSchema = new Schema(
  { key: String, points: Number, expire: Date },
  { collection: 'limits', versionKey: false },
);
limitSchema.index({ key: 1 }, { unique: true });
limitSchema.index({ expire: 1 }, { expireAfterSeconds: 0 });

/** Lets everything pass: for limits by address while RATE_LIMITS=off. */
export const noQuota: Quota = {
  take: () => Promise.resolve(),
  requireLeft: () => Promise.resolve(),
  giveBack: () => Promise.resolve(),
};

/** Makes quotas that are counted in the database, each take by one atomic write. */
export function createQuotaStore(connection: Connection) {
  const { collection } = connection.model('Limit', limitSchema);

  return ({ name, points, durationSeconds }: QuotaOptions): Quota => {
    const limiter = new RateLimiterMongo({
      storeClient: connection,
      tableName: collection.collectionName,
      disableIndexesCreation: true,
      keyPrefix: name,
      points,
      duration: durationSeconds,
    });
    return {
      async take(key) {
        await limiter.consume(key).catch(async (rejection: unknown) => {
          // what was refused was counted too, and would outweigh what is given back later
          if (rejection instanceof RateLimiterRes) await limiter.reward(key);
          throw asRateLimited(rejection);
        });
      },
      async requireLeft(key) {
        const taken = await limiter.get(key);
        if (taken && taken.consumedPoints >= points) throw asRateLimited(taken);
      },
      async giveBack(key) {
        await limiter.reward(key);
      },
    };
  };
}
