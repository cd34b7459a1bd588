import { type Connection, Schema, Types } from 'mongoose';

/**
 * What one process may leave unindexed: messages whose ids were made in this time. A process that lives renews its lease;
 * the lease of one that does not is work for the others.
 */
export interface IndexLease {
  id: string;
  from: Date;
  until: Date;
  renewedAt: Date;
}

type LeaseDocument = Omit<IndexLease, 'id'> & { _id: Types.ObjectId; isDone?: boolean };

/** The lease of everything that was written before there was an index. */
const firstId = new Types.ObjectId('000000000000000000000000');
const longAgo = new Date(0);

const leaseSchema = new Schema<LeaseDocument>(
  { from: Date, until: Date, renewedAt: Date, isDone: Boolean },
  { collection: 'index_leases', versionKey: false },
);

export type IndexLeaseStore = ReturnType<typeof createIndexLeaseStore>;

export function createIndexLeaseStore(connection: Connection) {
  const leases = connection.model('IndexLease', leaseSchema);

  return {
    newId: () => new Types.ObjectId().toHexString(),

    /** Makes sure that what was written before there was an index is indexed once. */
    async openFirst(): Promise<void> {
      const now = new Date();
      await leases.updateOne(
        { _id: firstId },
        { $setOnInsert: { from: longAgo, until: now, renewedAt: longAgo } },
        { upsert: true },
      );
    },

    async renew({ id, ...lease }: IndexLease): Promise<void> {
      await leases.updateOne({ _id: id }, { $set: lease }, { upsert: true });
    },

    /** The leases of others, with work that is left of their time. */
    async findOthers(id: string): Promise<IndexLease[]> {
      const found = await leases
        .find({ _id: { $ne: id }, isDone: { $ne: true } })
        .sort({ _id: -1 })
        .lean<LeaseDocument[]>();
      return found.map(({ _id, from, until, renewedAt }) => ({
        id: _id.toHexString(),
        from,
        until,
        renewedAt,
      }));
    },

    /** Keeps how far a lease that is nobody's was worked off. */
    async advance(id: string, from: Date): Promise<void> {
      await leases.updateOne({ _id: id }, { $max: { from } });
    },

    /** Ends a lease of which nothing is left to do. */
    async end(id: string): Promise<void> {
      if (firstId.equals(id)) await leases.updateOne({ _id: id }, { $set: { isDone: true } });
      else await leases.deleteOne({ _id: id });
    },
  };
}
