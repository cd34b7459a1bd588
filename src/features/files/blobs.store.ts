import { type Connection, Schema, Types } from 'mongoose';

interface BlobDocument {
  _id: Types.ObjectId;
  /** Who uploaded it, and whose quota it counts on. */
  ownerId: Types.ObjectId;
  /** In bytes, with its thumbnail; 0 while it arrives. */
  size: number;
  /** From then on it is to be looked at whether a file holds it; absent as long as one is known to. */
  checkAt?: Date;
  /** Its bytes are being removed: nothing may hold it any more. */
  isGoing?: boolean;
}

const blobSchema = new Schema<BlobDocument>(
  { ownerId: Schema.Types.ObjectId, size: Number, checkAt: Date, isGoing: Boolean },
  { collection: 'blobs', versionKey: false },
);
blobSchema.index({ ownerId: 1 });
blobSchema.index({ checkAt: 1 }, { sparse: true });

export type BlobStore = ReturnType<typeof createBlobStore>;

export function createBlobStore(connection: Connection) {
  const blobs = connection.model('Blob', blobSchema);

  return {
    async create(ownerId: string, checkAt: Date): Promise<string> {
      const _id = new Types.ObjectId();
      await blobs.collection.insertOne({ _id, ownerId: new Types.ObjectId(ownerId), size: 0, checkAt });
      return _id.toHexString();
    },

    async setSize(id: string, size: number): Promise<void> {
      await blobs.updateOne({ _id: id }, { $set: { size } });
    },

    /** These may be held by nothing from now on. */
    async doubt(ids: readonly string[], checkAt: Date): Promise<void> {
      await blobs.updateMany({ _id: { $in: ids } }, { $set: { checkAt } });
    },

    /** A file holds it, unless somebody has come to doubt it since. */
    async confirm(id: string, before: Date): Promise<void> {
      await blobs.updateOne({ _id: id, checkAt: { $lte: before } }, { $unset: { checkAt: 1 } });
    },

    async findDue(now: Date, limit: number): Promise<string[]> {
      const due = await blobs
        .find({ checkAt: { $lte: now } }, { _id: 1 })
        .limit(limit)
        .lean<Pick<BlobDocument, '_id'>[]>();
      return due.map(({ _id }) => _id.toHexString());
    },

    /** Whether something may still hold it. */
    async isStaying(id: string): Promise<boolean> {
      return (await blobs.exists({ _id: id, isGoing: { $ne: true } })) !== null;
    },

    async markGoing(id: string): Promise<void> {
      await blobs.updateOne({ _id: id }, { $set: { isGoing: true } });
    },

    /** Something had come to hold it. */
    async markStaying(id: string): Promise<void> {
      await blobs.updateOne({ _id: id }, { $unset: { isGoing: 1 } });
    },

    /** Answers what it was; `null` if somebody else has removed it. */
    async remove(id: string): Promise<{ ownerId: string; size: number } | null> {
      const removed = await blobs.findOneAndDelete({ _id: id }).lean<BlobDocument>();
      return removed && { ownerId: removed.ownerId.toHexString(), size: removed.size };
    },

    /** All that somebody has uploaded and is kept, in bytes. */
    async sizeOf(ownerId: string): Promise<number> {
      const [sum] = await blobs.aggregate<{ size: number }>([
        { $match: { ownerId: new Types.ObjectId(ownerId) } },
        { $group: { _id: null, size: { $sum: '$size' } } },
      ]);
      return sum?.size ?? 0;
    },
  };
}
