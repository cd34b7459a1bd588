import { type Connection, mongo, Schema, Types } from 'mongoose';

interface ReactionDocument {
  messageId: Types.ObjectId;
  emoji: string;
  userId: Types.ObjectId;
  /** Whether the person has set it and is not among those that the message names. */
  isUnnamed: boolean;
  /** Of the message: the change that wrote this last. What an older one comes to write too late is void. */
  rev: number;
}

/** One emoji under one message. */
export interface ReactionPlace {
  messageId: string;
  emoji: string;
}

/** What a change has made of one person's reaction. */
export interface ReactionChange extends ReactionPlace {
  userId: string;
  rev: number;
  isUnnamed: boolean;
}

const duplicateKey = 11_000;

const reactionSchema = new Schema<ReactionDocument>(
  {
    messageId: Schema.Types.ObjectId,
    emoji: String,
    userId: Schema.Types.ObjectId,
    isUnnamed: Boolean,
    rev: Number,
  },
  { collection: 'reactions', versionKey: false },
);
reactionSchema.index({ messageId: 1, emoji: 1, userId: 1 }, { unique: true });
reactionSchema.index({ messageId: 1, emoji: 1, isUnnamed: 1, rev: 1 });

export type ReactionStore = ReturnType<typeof createReactionStore>;

/** Who else has set a reaction than the first ones, whom the message itself names. */
export function createReactionStore(connection: Connection) {
  const raw = connection.model('Reaction', reactionSchema)
    .collection as unknown as mongo.Collection<ReactionDocument>;

  const placeOf = ({ messageId, emoji }: ReactionPlace) => ({
    messageId: new Types.ObjectId(messageId),
    emoji,
  });

  return {
    /** Whether somebody is among them. */
    async has(place: ReactionPlace, userId: string): Promise<boolean> {
      const found = await raw.findOne({ ...placeOf(place), userId: new Types.ObjectId(userId) });
      return found?.isUnnamed ?? false;
    },

    /** Who of them has set it first; `null` if there is nobody. */
    async findFirst(place: ReactionPlace): Promise<string | null> {
      const first = await raw.findOne({ ...placeOf(place), isUnnamed: true }, { sort: { rev: 1 } });
      return first?.userId.toHexString() ?? null;
    },

    /** Writes what a change has made of these, unless a later one has written. Repeating is harmless. */
    async write(changes: readonly ReactionChange[]): Promise<void> {
      const writes = changes.map(({ userId, rev, isUnnamed, ...place }) => ({
        updateOne: {
          filter: { ...placeOf(place), userId: new Types.ObjectId(userId), rev: { $not: { $gte: rev } } },
          update: { $set: { isUnnamed, rev } },
          // who was never among them need not be taken out
          upsert: isUnnamed,
        },
      }));
      try {
        await raw.bulkWrite(writes, { ordered: false });
      } catch (error) {
        // a later change was here already
        if (!(error instanceof mongo.MongoBulkWriteError && error.code === duplicateKey)) throw error;
      }
    },

    /** Of messages that are recalled, or gone for good. */
    async forget(messageIds: readonly string[]): Promise<void> {
      await raw.deleteMany({ messageId: { $in: messageIds.map((id) => new Types.ObjectId(id)) } });
    },
  };
}
