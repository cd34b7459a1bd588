import { type Connection, Schema } from 'mongoose';

/** A code that was sent and may still be used. */
export interface CodeRecord {
  /** Names purpose and target without telling them. */
  id: string;
  codeHash: string;
  /** Who asked for it; `null` where nobody was logged in. */
  userId: string | null;
  triesLeft: number;
  expiresAt: Date;
}

type CodeDocument = Omit<CodeRecord, 'id'> & { _id: string };

const codeSchema = new Schema<CodeDocument>(
  { _id: String, codeHash: String, userId: String, triesLeft: Number, expiresAt: Date },
  { collection: 'codes', versionKey: false },
);
codeSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

export type CodeStore = ReturnType<typeof createCodeStore>;

export function createCodeStore(connection: Connection) {
  const codes = connection.model('Code', codeSchema);

  return {
    /** Puts a code in the place of the one before it, which it answers. */
    async replace({ id, ...code }: CodeRecord): Promise<CodeRecord | null> {
      const before = await codes
        .findOneAndUpdate({ _id: id }, { $set: code }, { upsert: true, returnDocument: 'before' })
        .lean<CodeDocument>();
      return before && toRecord(before);
    },

    /** Takes a code back that was not delivered, and puts the one before it in its place. */
    async takeBack({ id, codeHash }: CodeRecord, before: CodeRecord | null): Promise<void> {
      if (before === null) {
        await codes.deleteOne({ _id: id, codeHash });
        return;
      }
      const { id: _, ...earlier } = before;
      await codes.updateOne({ _id: id, codeHash }, { $set: earlier });
    },

    /** Counts a try, in one atomic write. Answers what it may be held against; `null` if there is no try left. */
    async countTry(id: string): Promise<CodeRecord | null> {
      const found = await codes
        .findOneAndUpdate(
          { _id: id, triesLeft: { $gt: 0 }, expiresAt: { $gt: new Date() } },
          { $inc: { triesLeft: -1 } },
          { returnDocument: 'after' },
        )
        .lean<CodeDocument>();
      return found && toRecord(found);
    },

    /** Uses a code up. Answers whether it was still there: of several who know it, one gets it. */
    async use({ id, codeHash }: CodeRecord): Promise<boolean> {
      return (await codes.deleteOne({ _id: id, codeHash })).deletedCount === 1;
    },
  };
}

function toRecord({ _id, ...rest }: CodeDocument): CodeRecord {
  return { id: _id, ...rest };
}
