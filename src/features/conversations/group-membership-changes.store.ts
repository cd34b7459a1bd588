import { type Connection, mongo, Types } from 'mongoose';
import type { Role } from '../groups/groups.contract.ts';
import { type MembershipDocument, membershipModel, orderOf, start } from './membership-collection.store.ts';

/** When a change of the group was made, and its place among them. */
interface Stamp {
  version: number;
  at: Date;
}

interface Requesting extends Stamp {
  userIds: readonly string[];
  message: string | null;
  invitedBy: string | null;
  isOwn: boolean;
}

interface Joining extends Stamp {
  members: readonly { userId: string; role: Role }[];
  /** The place of the entry that tells of it. */
  joinSeq: number;
  seesHistory: boolean;
}

const duplicateKey = 11_000;
/** Longer, and a write would hold up others. */
const mostPerWrite = 1000;
const noRequest = { requestedAt: '', requestMessage: '', invitedBy: '', askedThemselves: '' } as const;

export type GroupMembershipChangeStore = ReturnType<typeof createGroupMembershipChangeStore>;

/**
 * Memberships of groups as changes of the groups leave them. Each write names the version of the group it belongs to, so
 * that repeating it is harmless, and one that comes too late is void.
 */
export function createGroupMembershipChangeStore(connection: Connection) {
  const raw = membershipModel(connection).collection as unknown as mongo.Collection<MembershipDocument>;

  const idOf = (id: string) => new Types.ObjectId(id);
  const keyOf = (groupId: string, userId: string) => ({
    userId: idOf(userId),
    conversationId: idOf(groupId),
  });
  const olderThan = (version: number) => ({ version: { $not: { $gte: version } } });
  const membersOf = (groupId: string) => ({ conversationId: idOf(groupId), order: { $exists: true } });

  async function write(
    groupId: string,
    userId: string,
    { version }: Pick<Stamp, 'version'>,
    { $set = {}, $unset }: { $set?: object; $unset?: Record<string, ''> },
  ): Promise<void> {
    await raw.updateOne(
      { ...keyOf(groupId, userId), ...olderThan(version) },
      { $set: { ...$set, version, updatedAt: new Date() }, ...($unset && { $unset }) },
    );
  }

  return {
    /** Puts people into a group. Who was in it before begins anew, but for a mute. */
    async join(groupId: string, { members, joinSeq, seesHistory, version, at }: Joining): Promise<void> {
      const fields = {
        ...start,
        type: 'group' as const,
        joinedFrom: seesHistory ? 1 : joinSeq,
        readSeq: joinSeq,
        deliveredSeq: joinSeq,
        nickname: null,
        joinedAt: at,
        joinSeq,
        leftAt: null,
        version,
        updatedAt: new Date(),
      };
      const writes = members.map(({ userId, role }) => ({
        updateOne: {
          filter: { ...keyOf(groupId, userId), ...olderThan(version) },
          update: { $set: { ...fields, role, order: orderOf(role, joinSeq, userId) }, $unset: noRequest },
          upsert: true,
        },
      }));
      await unlessNewer(() => raw.bulkWrite(writes, { ordered: false }));
    },

    /** Notes who asks to join, and may never have been in the group. */
    async request(groupId: string, { userIds, version, at, ...request }: Requesting): Promise<void> {
      const $set = {
        requestedAt: at,
        requestMessage: request.message,
        invitedBy: request.invitedBy === null ? null : idOf(request.invitedBy),
        askedThemselves: request.isOwn,
        version,
        updatedAt: new Date(),
      };
      const $setOnInsert = { ...start, type: 'group' as const, joinedAt: at, leftAt: at };
      const writes = userIds.map((userId) => ({
        updateOne: {
          filter: { ...keyOf(groupId, userId), ...olderThan(version) },
          update: { $set, $setOnInsert },
          upsert: true,
        },
      }));
      await unlessNewer(() => raw.bulkWrite(writes, { ordered: false }));
    },

    /** They do not ask any more. */
    async answer(groupId: string, userIds: readonly string[], stamp: Stamp): Promise<void> {
      for (const userId of userIds) await write(groupId, userId, stamp, { $unset: noRequest });
    },

    /** Takes somebody out of a group. */
    async leave(groupId: string, userId: string, stamp: Stamp & { isBarred?: boolean }): Promise<void> {
      await write(groupId, userId, stamp, {
        $set: { leftAt: stamp.at, pinned: false, ...(stamp.isBarred && { barredAt: stamp.at }) },
        $unset: { role: '', order: '' },
      });
    },

    async unbar(groupId: string, userId: string, stamp: Stamp): Promise<void> {
      await write(groupId, userId, stamp, { $unset: { barredAt: '' } });
    },

    async mute(
      groupId: string,
      userId: string,
      { mutedUntil, ...stamp }: Stamp & { mutedUntil: Date | null },
    ) {
      await write(groupId, userId, stamp, { $set: { mutedUntil } });
    },

    async setRoles(
      groupId: string,
      changes: readonly { userId: string; role: Role }[],
      stamp: Stamp,
    ): Promise<void> {
      for (const { userId, role } of changes) {
        const found = await raw.findOne(keyOf(groupId, userId), { projection: { joinSeq: 1 } });
        const order = orderOf(role, found?.joinSeq ?? 0, userId);
        await write(groupId, userId, stamp, { $set: { role, order } });
      }
    },

    /** Takes everybody out, any number of people. */
    async endAll(groupId: string, { version, at }: Stamp): Promise<void> {
      for (;;) {
        const some = await raw
          .find(membersOf(groupId), { projection: { _id: 1 }, limit: mostPerWrite })
          .toArray();
        if (some.length === 0) return;
        await raw.updateMany(
          { _id: { $in: some.map(({ _id }) => _id) } },
          {
            $set: { leftAt: at, pinned: false, version, updatedAt: new Date() },
            $unset: { role: '', order: '' },
          },
        );
      }
    },
  };
}

/** An upsert meets who is there already by this change or a later one. */
async function unlessNewer(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!(error instanceof mongo.MongoBulkWriteError && isOnlyMeeting(error))) throw error;
  }
}

function isOnlyMeeting({ writeErrors, result }: mongo.MongoBulkWriteError): boolean {
  return [writeErrors].flat().every(({ code }) => code === duplicateKey) && !result.getWriteConcernError();
}
