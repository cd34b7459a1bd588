import { type Connection, Schema, type Types } from 'mongoose';
import type { Role } from '../groups/groups.contract.ts';
import type { Membership } from './conversations.rules.ts';

/** What is kept of a membership: all of it but the floor, which is its log's. */
export type StoredMembership = Omit<Membership, 'floorSeq'>;

type Ids = 'id' | 'conversationId' | 'userId' | 'peerId' | 'role';

export type MembershipDocument = Omit<StoredMembership, Ids> & {
  _id: Types.ObjectId;
  conversationId: Types.ObjectId;
  userId: Types.ObjectId;
  /** Of private conversations. */
  peerId?: Types.ObjectId;
  /** Of groups, as long as the person is in them. */
  role?: StoredMembership['role'];
  /** Where a member of a group stands in its list. */
  order?: string;
  nickname?: string | null;
  /** Kept over leaving and joining again. */
  mutedUntil?: Date | null;
  /** When, and with which entry, they joined. */
  joinedAt?: Date;
  joinSeq?: number;
  /** Since when they are not in the group any more. */
  leftAt?: Date | null;
  /** Since when they are kept out of the group. */
  barredAt?: Date | null;
  /** Of who asks to join: since when, with what words, and whose idea it was. */
  requestedAt?: Date;
  requestMessage?: string | null;
  invitedBy?: Types.ObjectId | null;
  askedThemselves?: boolean;
  /** Of the group: the change that wrote this last. What an older one comes to write too late is void. */
  version?: number;
};

const objectId = Schema.Types.ObjectId;
const membershipSchema = new Schema<MembershipDocument>(
  {
    conversationId: objectId,
    userId: objectId,
    type: String,
    peerId: objectId,
    role: String,
    order: String,
    nickname: String,
    mutedUntil: Date,
    joinedAt: Date,
    joinSeq: Number,
    leftAt: Date,
    barredAt: Date,
    requestedAt: Date,
    requestMessage: String,
    invitedBy: objectId,
    askedThemselves: Boolean,
    version: Number,
    joinedFrom: Number,
    readSeq: Number,
    deliveredSeq: Number,
    toldReadSeq: Number,
    toldDeliveredSeq: Number,
    clearedSeq: Number,
    hiddenSeq: Number,
    shownInstead: Schema.Types.Mixed,
    pinned: Boolean,
    muted: Boolean,
    updatedAt: Date,
  },
  { collection: 'memberships', versionKey: false },
);
membershipSchema.index({ userId: 1, conversationId: 1 }, { unique: true });
membershipSchema.index({ userId: 1, updatedAt: -1 });
// of groups alone, whose members are listed and counted
const ofMembers = { partialFilterExpression: { order: { $exists: true } } };
membershipSchema.index({ conversationId: 1, order: 1 }, ofMembers);
membershipSchema.index({ conversationId: 1, toldReadSeq: 1 }, ofMembers);
membershipSchema.index({ userId: 1, order: 1 }, ofMembers);
// few are ever kept out, or wait to come in
membershipSchema.index(
  { conversationId: 1, barredAt: -1 },
  { partialFilterExpression: { barredAt: { $exists: true } } },
);
membershipSchema.index(
  { conversationId: 1, requestedAt: 1 },
  { partialFilterExpression: { requestedAt: { $exists: true } } },
);

/** Where a membership begins, and what one lacks that was written before a field was known. */
export const start = {
  joinedFrom: 1,
  readSeq: 0,
  deliveredSeq: 0,
  toldReadSeq: 0,
  toldDeliveredSeq: 0,
  clearedSeq: 0,
  hiddenSeq: 0,
  shownInstead: null,
  pinned: false,
  muted: false,
};

/** In which order a group lists its members. */
export const ranks: Record<Role, number> = { owner: 0, admin: 1, member: 2 };

export const roles: readonly Role[] = ['owner', 'admin', 'member'];

/** Where somebody stands in that order. */
export function orderOf(role: Role, joinSeq: number, userId: string): string {
  return `${ranks[role]}:${String(joinSeq).padStart(12, '0')}:${userId}`;
}

/** Of somebody who is in the conversation. */
export const current = { leftAt: null };

export const membershipModel = (connection: Connection) =>
  connection.model<MembershipDocument>('Membership', membershipSchema);

export function toMembership(document: MembershipDocument): StoredMembership {
  const { _id, conversationId, userId, peerId, role, order, nickname, mutedUntil, ...others } = document;
  const { joinedAt, joinSeq, leftAt, barredAt, requestedAt, requestMessage, invitedBy, ...more } = others;
  const { askedThemselves, version, ...rest } = more;
  return {
    id: _id.toHexString(),
    conversationId: conversationId.toHexString(),
    userId: userId.toHexString(),
    peerId: peerId?.toHexString() ?? null,
    role: role ?? null,
    ...start,
    ...rest,
  };
}
