import { type Connection, mongo, Schema } from 'mongoose';

export interface QrCodeRecord {
  /** Whom it leads to; each has one. */
  ownerId: string;
  code: string;
  expiresAt: Date;
}

type QrCodeDocument = Omit<QrCodeRecord, 'ownerId'> & { _id: string };

const qrCodeSchema = new Schema<QrCodeDocument>(
  { _id: String, code: String, expiresAt: Date },
  { collection: 'qr_codes', versionKey: false },
);
qrCodeSchema.index({ code: 1 }, { unique: true });

const duplicateKey = 11_000;

export type QrCodeStore = ReturnType<typeof createQrCodeStore>;

export function createQrCodeStore(connection: Connection) {
  const codes = connection.model('QrCode', qrCodeSchema);

  return {
    /** The code of its owner as it is; if there is none that is good, the one that is offered. */
    async findOrCreate({ ownerId, code, expiresAt }: QrCodeRecord): Promise<QrCodeRecord> {
      try {
        const created = await codes
          .findOneAndUpdate(
            { _id: ownerId, expiresAt: { $lte: new Date() } },
            { $set: { code, expiresAt } },
            { upsert: true, returnDocument: 'after' },
          )
          .lean<QrCodeDocument>();
        return toRecord(created);
      } catch (error) {
        // there is one that has not expired, so the upsert met it
        if (!(error instanceof mongo.MongoServerError && error.code === duplicateKey)) throw error;
        const found = await codes.findById(ownerId).lean<QrCodeDocument>();
        if (!found) throw error;
        return toRecord(found);
      }
    },

    /** Puts a code in the place of the one before. */
    async replace({ ownerId, code, expiresAt }: QrCodeRecord): Promise<void> {
      await codes.updateOne({ _id: ownerId }, { $set: { code, expiresAt } }, { upsert: true });
    },

    /** Whom a code leads to; `null` if it is unknown, renewed or expired. */
    async findOwner(code: string): Promise<string | null> {
      const found = await codes.findOne({ code, expiresAt: { $gt: new Date() } }).lean<QrCodeDocument>();
      return found?._id ?? null;
    },

    async remove(ownerId: string): Promise<number> {
      return (await codes.deleteOne({ _id: ownerId })).deletedCount;
    },
  };
}

function toRecord({ _id, ...rest }: QrCodeDocument): QrCodeRecord {
  return { ownerId: _id, ...rest };
}
