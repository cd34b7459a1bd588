import { type Connection, mongo, Schema, Types } from 'mongoose';
import type { GroupRecord, GroupUpdate, Invite, OutboxItem } from './groups.rules.ts';

type GroupDocument = Omit<GroupRecord, 'id' | 'outbox'> & { _id: Types.ObjectId; outbox?: OutboxItem };

const mixed = Schema.Types.Mixed;
const groupSchema = new Schema<GroupDocument>(
  {
    name: String,
    description: String,
    avatarKey: String,
    ownerId: String,
    adminIds: [String],
    memberCount: Number,
    requestCount: Number,
    joinMode: String,
    settings: mixed,
    mutedAll: Boolean,
    announcement: mixed,
    invites: mixed,
    createdAt: Date,
    dissolvedAt: Date,
    version: Number,
    outbox: mixed,
  },
  { collection: 'groups', versionKey: false },
);
groupSchema.index({ 'outbox.entryId': 1 }, { sparse: true });
groupSchema.index({ 'invites.codeHash': 1 }, { sparse: true });

const duplicateKey = 11_000;

export type GroupStore = ReturnType<typeof createGroupStore>;

export function createGroupStore(connection: Connection) {
  const groups = connection.model('Group', groupSchema);
  const raw = groups.collection as unknown as mongo.Collection<GroupDocument>;

  async function find(
    filter: mongo.Filter<GroupDocument>,
    options?: mongo.FindOptions,
  ): Promise<GroupRecord[]> {
    return (await raw.find(filter, options).toArray()).map((found) => toRecord(found as GroupDocument));
  }

  return {
    newId: () => new Types.ObjectId().toHexString(),

    /** Repeating is harmless. */
    async create({ id, ...group }: GroupRecord): Promise<void> {
      try {
        await raw.insertOne({ _id: new Types.ObjectId(id), ...group });
      } catch (error) {
        if (!(error instanceof mongo.MongoServerError && error.code === duplicateKey)) throw error;
      }
    },

    /** `null` for what never was a group, or is none any more unless its last change is still to be settled. */
    async find(groupId: string): Promise<GroupRecord | null> {
      const [found] = await find({ _id: new Types.ObjectId(groupId) });
      return found && (found.dissolvedAt === null || found.outbox) ? found : null;
    },

    /** Those of these groups that have not ended. */
    findAlive: (groupIds: readonly string[]): Promise<GroupRecord[]> =>
      groupIds.length === 0
        ? Promise.resolve([])
        : find({ _id: { $in: groupIds.map((id) => new Types.ObjectId(id)) }, dissolvedAt: null }),

    /** What a send has to know of these groups; without those that have ended. */
    async findSendRules(
      groupIds: readonly string[],
    ): Promise<Map<string, Pick<GroupRecord, 'mutedAll' | 'settings' | 'memberCount'>>> {
      if (groupIds.length === 0) return new Map();
      const found = await raw
        .find(
          { _id: { $in: groupIds.map((id) => new Types.ObjectId(id)) }, dissolvedAt: null },
          { projection: { mutedAll: 1, settings: 1, memberCount: 1 } },
        )
        .toArray();
      return new Map(
        found.map(({ _id, mutedAll, settings, memberCount }) => [
          _id.toHexString(),
          { mutedAll, settings, memberCount },
        ]),
      );
    },

    /** The invite that has this code, and its group; `null` if there is none, or has expired. */
    async findInvite(codeHash: string): Promise<(Invite & { groupId: string }) | null> {
      const [group] = await find({ 'invites.codeHash': codeHash, dissolvedAt: null });
      const invite = group?.invites.find((one) => one.codeHash === codeHash);
      return group && invite && invite.expiresAt > new Date() ? { ...invite, groupId: group.id } : null;
    },

    /** Makes a change, unless another one came first or is not settled yet (then `null`). */
    async commit(before: GroupRecord, update: GroupUpdate, outbox: OutboxItem): Promise<GroupRecord | null> {
      const after = await raw.findOneAndUpdate(
        { _id: new Types.ObjectId(before.id), version: before.version, outbox: { $exists: false } },
        { $set: { ...update, version: outbox.version, outbox } },
        { returnDocument: 'after' },
      );
      return after && toRecord(after as GroupDocument);
    },

    /** The change is in the memberships and the log. */
    async settle(groupId: string, entryId: string): Promise<void> {
      await raw.updateOne(
        { _id: new Types.ObjectId(groupId), 'outbox.entryId': entryId },
        { $unset: { outbox: '' } },
      );
    },

    /** Groups whose change was made before a point in time and is not settled yet. */
    findUnsettled(before: Date, limit: number): Promise<GroupRecord[]> {
      const until = Types.ObjectId.createFromTime(before.getTime() / 1000).toHexString();
      return find({ 'outbox.entryId': { $lt: until } }, { limit });
    },
  };
}

function toRecord({ _id, ...group }: GroupDocument): GroupRecord {
  return { id: _id.toHexString(), ...group };
}
