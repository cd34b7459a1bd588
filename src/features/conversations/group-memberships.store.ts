import { type Connection, type mongo, Types } from 'mongoose';
import type { Role } from '../groups/groups.contract.ts';
import {
  current,
  type MembershipDocument,
  membershipModel,
  orderOf,
  ranks,
  roles,
} from './membership-collection.store.ts';

/** What somebody is, or was, in a group. */
interface GroupMembership {
  userId: string;
  /** `null` for who is not in it any more. */
  role: Role | null;
  nickname: string | null;
  mutedUntil: Date | null;
  barredAt: Date | null;
  joinedAt: Date;
  request: JoinRequest | null;
}

/** By what it is judged whether somebody may write. */
type Sender = Pick<GroupMembership, 'role' | 'mutedUntil'>;

/** That somebody is to join, if an admin agrees; `isOwn`: they asked themselves. */
interface JoinRequest {
  at: Date;
  message: string | null;
  invitedBy: string | null;
  isOwn: boolean;
}

export type GroupMembershipStore = ReturnType<typeof createGroupMembershipStore>;

/** Who is in groups, was in them, or would like to be. */
export function createGroupMembershipStore(connection: Connection) {
  const memberships = membershipModel(connection);
  const raw = memberships.collection as unknown as mongo.Collection<MembershipDocument>;

  const idOf = (id: string) => new Types.ObjectId(id);
  const keyOf = (groupId: string, userId: string) => ({
    userId: idOf(userId),
    conversationId: idOf(groupId),
  });

  return {
    /** Who asks to join, the oldest first, after a place in that order. */
    async listRequests(
      groupId: string,
      after: { at: Date; userId: string } | null,
      limit: number,
    ): Promise<{ userId: string; request: JoinRequest }[]> {
      const found = await raw
        .find(
          {
            conversationId: idOf(groupId),
            requestedAt: after ? { $gte: after.at } : { $exists: true },
            ...(after && {
              $or: [{ requestedAt: { $gt: after.at } }, { userId: { $gt: idOf(after.userId) } }],
            }),
          },
          { sort: { requestedAt: 1, userId: 1 }, limit },
        )
        .toArray();
      return found.flatMap((document) => {
        const { userId, request } = toGroupMembership(document);
        return request ? [{ userId, request }] : [];
      });
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
    ): Promise<Map<string, Map<string, Sender>>> {
      const members = new Map(asked.map(({ groupId }) => [groupId, new Map<string, Sender>()]));
      if (asked.length === 0) return members;
      const $or = asked.map(({ groupId, userIds }) => ({
        conversationId: idOf(groupId),
        userId: { $in: userIds.map(idOf) },
      }));
      // asked for every message, so no more than what is judged by
      const projection = { _id: 0, conversationId: 1, userId: 1, role: 1, mutedUntil: 1 };
      const found = await raw.find({ $or, ...current }, { projection }).toArray();
      for (const { conversationId, userId, role = null, mutedUntil = null } of found)
        members.get(conversationId.toHexString())?.set(userId.toHexString(), { role, mutedUntil });
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

    /** Who has come after a place in a group's log, and sees nothing of what was before them. */
    async findNewcomers(groupId: string, seq: number): Promise<string[]> {
      const $or = roles.map((role) => ({
        conversationId: idOf(groupId),
        order: { $gt: orderOf(role, seq + 1, ''), $lt: String(ranks[role] + 1) },
        joinedFrom: { $gt: seq },
      }));
      const found = await raw.find({ $or }, { projection: { _id: 0, userId: 1 } }).toArray();
      return found.map(({ userId }) => userId.toHexString());
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

    /** What somebody is in groups, or asks to be. */
    async listOf(userId: string): Promise<(GroupMembership & { groupId: string })[]> {
      const found = await raw
        .find({
          userId: idOf(userId),
          type: 'group',
          $or: [{ order: { $exists: true } }, { requestedAt: { $exists: true } }],
        })
        .toArray();
      return found.map((document) => ({
        ...toGroupMembership(document),
        groupId: document.conversationId.toHexString(),
      }));
    },

    /** Takes away what somebody called themselves and wrote. Answers in how many groups they are or were. */
    async anonymise(userId: string): Promise<number> {
      const { matchedCount } = await raw.updateMany(
        { userId: idOf(userId), type: 'group' },
        {
          $set: { nickname: null },
          $unset: { requestedAt: '', requestMessage: '', invitedBy: '', askedThemselves: '' },
        },
      );
      return matchedCount;
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

function toGroupMembership(document: mongo.WithId<MembershipDocument>): GroupMembership {
  const { userId, role, nickname, mutedUntil, barredAt, joinedAt } = document;
  const { requestedAt, requestMessage, invitedBy, askedThemselves } = document;
  return {
    userId: userId.toHexString(),
    role: role ?? null,
    nickname: nickname ?? null,
    mutedUntil: mutedUntil ?? null,
    barredAt: barredAt ?? null,
    joinedAt: joinedAt ?? new Date(0),
    request: requestedAt
      ? {
          at: requestedAt,
          message: requestMessage ?? null,
          invitedBy: invitedBy?.toHexString() ?? null,
          isOwn: askedThemselves ?? false,
        }
      : null,
  };
}
