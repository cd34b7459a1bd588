import { type Connection, Schema, Types } from 'mongoose';
import type { RevocationReason } from './sessions.contract.ts';

/** A person's device, from its log-in to its log-out. */
export interface SessionRecord {
  id: string;
  userId: string;
  deviceName: string | null;
  address: string;
  createdAt: Date;
  lastSeenAt: Date;
  /** Hash of the refresh token that is good now. */
  refreshHash: string;
  /** Those that it replaced of late, and when: repeating them is no replay yet. */
  replaced: { hash: string; at: Date }[];
  expiresAt: Date;
  revokedAt: Date | null;
  /** Why it was ended; `null` as long as it was not. */
  revokedFor: RevocationReason | null;
}

type SessionDocument = Omit<SessionRecord, 'id' | 'userId'> & { _id: Types.ObjectId; userId: Types.ObjectId };

const sessionSchema = new Schema<SessionDocument>(
  {
    userId: Schema.Types.ObjectId,
    deviceName: String,
    address: String,
    createdAt: Date,
    lastSeenAt: Date,
    refreshHash: String,
    replaced: [{ _id: false, hash: String, at: Date }],
    expiresAt: Date,
    revokedAt: Date,
    revokedFor: String,
  },
  { collection: 'sessions', versionKey: false },
);
sessionSchema.index({ userId: 1, _id: -1 });
sessionSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

/** Sessions that can still be used. */
const live = () => ({ revokedAt: null, expiresAt: { $gt: new Date() } });

export type SessionStore = ReturnType<typeof createSessionStore>;

export function createSessionStore(connection: Connection) {
  const sessions = connection.model('Session', sessionSchema);

  return {
    newId: () => new Types.ObjectId().toHexString(),

    async create({ id, userId, ...session }: Omit<SessionRecord, 'replaced' | 'revokedAt' | 'revokedFor'>) {
      await sessions.collection.insertOne({
        _id: new Types.ObjectId(id),
        userId: new Types.ObjectId(userId),
        ...session,
        replaced: [],
        revokedAt: null,
        revokedFor: null,
      });
    },

    async findLive(id: string): Promise<SessionRecord | null> {
      const found = await sessions.findOne({ _id: id, ...live() }).lean<SessionDocument>();
      return found && toRecord(found);
    },

    /** One page of a person's live sessions, the latest first. */
    async listLive({ userId, limit, afterId }: { userId: string; limit: number; afterId: string | null }) {
      const found = await sessions
        .find({ userId, ...live(), ...(afterId && { _id: { $lt: afterId } }) })
        .sort({ _id: -1 })
        .limit(limit)
        .lean<SessionDocument[]>();
      return found.map(toRecord);
    },

    /** Replaces the refresh token, if it is still the one whose hash is given. */
    async rotate(
      id: string,
      change: { fromHash: string; toHash: string; expiresAt: Date; replaced: SessionRecord['replaced'] },
    ): Promise<boolean> {
      const { fromHash, toHash, expiresAt, replaced } = change;
      const result = await sessions.updateOne(
        { _id: id, refreshHash: fromHash, revokedAt: null },
        { $set: { refreshHash: toHash, replaced, lastSeenAt: new Date(), expiresAt } },
      );
      return result.modifiedCount === 1;
    },

    async touch(id: string, at: Date): Promise<void> {
      await sessions.updateOne({ _id: id }, { $max: { lastSeenAt: at } });
    },

    /** Ends these sessions of this person. Answers how many were live. */
    async revoke(userId: string, ids: readonly string[], reason: RevocationReason): Promise<number> {
      const filter = { _id: { $in: ids }, userId, ...live() };
      const change = { $set: { revokedAt: new Date(), revokedFor: reason } };
      return (await sessions.updateMany(filter, change)).modifiedCount;
    },

    /** Forgets all sessions of this person. Answers how many there were. */
    async removeAll(userId: string): Promise<number> {
      return (await sessions.deleteMany({ userId })).deletedCount;
    },

    /** Which of these sessions can no longer be used, and why; those that were forgotten since have run out. */
    async findEnded(ids: readonly string[]): Promise<Map<string, RevocationReason>> {
      const found = await sessions
        .find({ _id: { $in: ids } }, { expiresAt: 1, revokedFor: 1 })
        .lean<Pick<SessionDocument, '_id' | 'expiresAt' | 'revokedFor'>[]>();
      const now = new Date();
      const live = found.filter(({ expiresAt, revokedFor }) => revokedFor === null && expiresAt > now);
      const isLive = new Set(live.map(({ _id }) => _id.toHexString()));
      const reasons = new Map(found.map(({ _id, revokedFor }) => [_id.toHexString(), revokedFor]));
      const ended = ids.filter((id) => !isLive.has(id));
      return new Map(ended.map((id) => [id, reasons.get(id) ?? 'revoked']));
    },
  };
}

function toRecord({ _id, userId, ...rest }: SessionDocument): SessionRecord {
  return { id: _id.toHexString(), userId: userId.toHexString(), ...rest };
}
