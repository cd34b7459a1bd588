import { type Connection, mongo, Schema } from 'mongoose';

/** Whose code it is: a person's own, or by which they bring people into a group. Of each there is one. */
export interface CodeOwner {
  userId: string;
  /** `null`: the code leads to the person. */
  groupId: string | null;
}

export interface QrCodeRecord extends CodeOwner {
  code: string;
  expiresAt: Date;
}

/** `_id` is the person, and the group if there is one. */
type QrCodeDocument = Pick<QrCodeRecord, 'code' | 'expiresAt'> & { _id: string };

const qrCodeSchema = new Schema<QrCodeDocument>(
  { _id: String, code: String, expiresAt: Date },
  { collection: 'qr_codes', versionKey: false },
);
qrCodeSchema.index({ code: 1 }, { unique: true });
// those of groups that have ended are renewed by nobody
qrCodeSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

const duplicateKey = 11_000;
const separator = ':';
const afterSeparator = ';';

export type QrCodeStore = ReturnType<typeof createQrCodeStore>;

export function createQrCodeStore(connection: Connection) {
  const codes = connection.model('QrCode', qrCodeSchema);

  return {
    /** The code of its owner as it is; if there is none that is good, the one that is offered. */
    async findOrCreate({ code, expiresAt, ...owner }: QrCodeRecord): Promise<QrCodeRecord> {
      const _id = keyOf(owner);
      try {
        const created = await codes
          .findOneAndUpdate(
            { _id, expiresAt: { $lte: new Date() } },
            { $set: { code, expiresAt } },
            { upsert: true, returnDocument: 'after' },
          )
          .lean<QrCodeDocument>();
        return toRecord(created);
      } catch (error) {
        // there is one that has not expired, so the upsert met it
        if (!(error instanceof mongo.MongoServerError && error.code === duplicateKey)) throw error;
        const found = await codes.findById(_id).lean<QrCodeDocument>();
        if (!found) throw error;
        return toRecord(found);
      }
    },

    /** Puts a code in the place of the one before. */
    async replace({ code, expiresAt, ...owner }: QrCodeRecord): Promise<void> {
      await codes.updateOne({ _id: keyOf(owner) }, { $set: { code, expiresAt } }, { upsert: true });
    },

    /** Whose code it is; `null` if it is unknown, renewed or expired. */
    async findOwner(code: string): Promise<CodeOwner | null> {
      const found = await codes.findOne({ code, expiresAt: { $gt: new Date() } }).lean<QrCodeDocument>();
      return found && ownerOf(found._id);
    },

    /** Removes all codes of a person, those for groups too. Answers how many there were. */
    async removeAll(userId: string): Promise<number> {
      const [own, ofGroups] = await Promise.all([
        codes.deleteOne({ _id: userId }),
        codes.deleteMany({ _id: { $gt: userId + separator, $lt: userId + afterSeparator } }),
      ]);
      return own.deletedCount + ofGroups.deletedCount;
    },
  };
}

function keyOf({ userId, groupId }: CodeOwner): string {
  return groupId === null ? userId : userId + separator + groupId;
}

function ownerOf(key: string): CodeOwner {
  const [userId = '', groupId = null] = key.split(separator);
  return { userId, groupId };
}

function toRecord({ _id, ...rest }: QrCodeDocument): QrCodeRecord {
  return { ...ownerOf(_id), ...rest };
}
