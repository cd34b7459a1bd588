import { type Connection, mongo, Types } from 'mongoose';
import type { Role } from '../groups/groups.contract.ts';
import { current, type MembershipDocument, membershipModel, start } from './membership-collection.store.ts';

/** What somebody is, or was, in a group. */
interface GroupMembership {
  userId: string;
  /** `null` for who is not in it any more. */
  role: Role | null;
  nickname: string | null;
  mutedUntil: Date | null;
  barredAt: Date | null;
  joinedAt: Date;
}

/** When a change of the group was made, and its place among them. */
interface Stamp {
  version: number;
  at: Date;
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
const ranks: Record<Role, number> = { owner: 0, admin: 1, member: 2 };

export type GroupMembershipStore = ReturnType<typeof createGroupMembershipStore>;

/**
 * Memberships of groups as changes of the groups leave them. Each write names the version of the group it belongs to, so
 * that repeating it is harmless, and one that comes too late is void.
 */
export function createGroupMembershipStore(connection: Connection) {
  const memberships = membershipModel(connection);
  const raw = memberships.collection as unknown as mongo.Collection<MembershipDocument>;

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
    { version, at }: Stamp,
    { $set = {}, $unset }: { $set?: object; $unset?: Record<string, ''> },
  ): Promise<void> {
    await raw.updateOne(
      { ...keyOf(groupId, userId), ...olderThan(version) },
      { $set: { ...$set, version, updatedAt: at }, ...($unset && { $unset }) },
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
        updatedAt: at,
      };
      const writes = members.map(({ userId, role }) => ({
        updateOne: {
          filter: { ...keyOf(groupId, userId), ...olderThan(version) },
          update: { $set: { ...fields, role, order: orderOf(role, joinSeq, userId) } },
          upsert: true,
        },
      }));
      try {
        await raw.bulkWrite(writes, { ordered: false });
      } catch (error) {
        // who is there already by this change or a later one
        if (!(error instanceof mongo.MongoBulkWriteError && error.code === duplicateKey)) throw error;
      }
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
          { $set: { leftAt: at, pinned: false, version, updatedAt: at }, $unset: { role: '', order: '' } },
        );
      }
    },

    /** What these people are, or were, in a group; without who never was in it. */
    async findAll(groupId: string, userIds: readonly string[]): Promise<Map<string, GroupMembership>> {
      const found = await raw
        .find({ conversationId: idOf(groupId), userId: { $in: userIds.map(idOf) } })
        .toArray();
      return new Map(found.map((document) => [document.userId.toHexString(), toGroupMembership(document)]));
    },

    /** Those of these people who are in these groups now, by group. One read for all of them. */
    async findMembers(
      asked: readonly { groupId: string; userIds: readonly string[] }[],
    ): Promise<Map<string, Map<string, GroupMembership>>> {
      const members = new Map(asked.map(({ groupId }) => [groupId, new Map<string, GroupMembership>()]));
      if (asked.length === 0) return members;
      const $or = asked.map(({ groupId, userIds }) => ({
        conversationId: idOf(groupId),
        userId: { $in: userIds.map(idOf) },
      }));
      for (const document of await raw.find({ $or, ...current }).toArray())
        members
          .get(document.conversationId.toHexString())
          ?.set(document.userId.toHexString(), toGroupMembership(document));
      return members;
    },

    /** A page of a group's members in their order, after a place in it. */
    async list(groupId: string, after: string | null, limit: number) {
      const found = await raw
        .find(
          { conversationId: idOf(groupId), order: after === null ? { $exists: true } : { $gt: after } },
          { sort: { order: 1 }, limit },
        )
        .toArray();
      return found.map((document) => ({ ...toGroupMembership(document), order: document.order ?? '' }));
    },

    /** Who follows the owner: the admin who has been one of the group for longest, else the member; `null` if nobody is left. */
    async findSuccessor(groupId: string): Promise<string | null> {
      const [first] = await raw
        .find(
          { conversationId: idOf(groupId), order: { $gt: `${ranks.admin}` } },
          { sort: { order: 1 }, limit: 1 },
        )
        .toArray();
      return first?.userId.toHexString() ?? null;
    },

    /** Who is kept out, the latest first, after a place in that order. */
    async listBarred(
      groupId: string,
      after: { barredAt: Date; userId: string } | null,
      limit: number,
    ): Promise<{ userId: string; barredAt: Date }[]> {
      const found = await raw
        .find(
          {
            conversationId: idOf(groupId),
            barredAt: after ? { $lte: after.barredAt } : { $exists: true },
            ...(after && {
              $or: [{ barredAt: { $lt: after.barredAt } }, { userId: { $gt: idOf(after.userId) } }],
            }),
          },
          { sort: { barredAt: -1, userId: 1 }, limit },
        )
        .toArray();
      return found.map(({ userId, barredAt }) => ({
        userId: userId.toHexString(),
        barredAt: barredAt ?? new Date(0),
      }));
    },

    /** The groups that somebody is in. */
    async groupIdsOf(userId: string): Promise<string[]> {
      const found = await raw
        .find(
          { userId: idOf(userId), order: { $exists: true } },
          { projection: { _id: 0, conversationId: 1 } },
        )
        .toArray();
      return found.map(({ conversationId }) => conversationId.toHexString());
    },

    /** In how many groups somebody is, counted no further than `upTo`. */
    countGroupsOf: (userId: string, upTo: number): Promise<number> =>
      raw.countDocuments({ userId: idOf(userId), order: { $exists: true } }, { limit: upTo }),

    /** Whose membership of which groups has changed from a point in time on. */
    async movesSince(userIds: readonly string[], since: Date) {
      const found = await raw
        .find(
          { userId: { $in: userIds.map(idOf) }, updatedAt: { $gt: since }, type: 'group' },
          { projection: { userId: 1, conversationId: 1, leftAt: 1 } },
        )
        .toArray();
      return found.map(({ userId, conversationId, leftAt }) => ({
        userId: userId.toHexString(),
        conversationId: conversationId.toHexString(),
        isMember: !leftAt,
      }));
    },

    /** What a member calls themselves in a group. Answers whether they are in it. */
    async setNickname(groupId: string, userId: string, nickname: string | null): Promise<boolean> {
      const filter = { ...keyOf(groupId, userId), order: { $exists: true } };
      return (await raw.updateOne(filter, { $set: { nickname } })).matchedCount === 1;
    },
  };
}

function orderOf(role: Role, joinSeq: number, userId: string): string {
  return `${ranks[role]}:${String(joinSeq).padStart(12, '0')}:${userId}`;
}

function toGroupMembership(document: mongo.WithId<MembershipDocument>): GroupMembership {
  const { userId, role, nickname, mutedUntil, barredAt, joinedAt } = document;
  return {
    userId: userId.toHexString(),
    role: role ?? null,
    nickname: nickname ?? null,
    mutedUntil: mutedUntil ?? null,
    barredAt: barredAt ?? null,
    joinedAt: joinedAt ?? new Date(0),
  };
}
