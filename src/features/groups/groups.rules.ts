import type { GroupChange, GroupSettings, JoinMode, Role } from './groups.contract.ts';

export interface Announcement {
  id: string;
  content: string;
  authorId: string;
  createdAt: Date;
}

/** A link that brings people in as long as who made it may. */
export interface Invite {
  id: string;
  codeHash: string;
  createdBy: string;
  expiresAt: Date;
  /** `null`: as many as like. */
  maxUses: number | null;
  uses: number;
}

/** A group: the serialisation point of everything that happens to it. */
export interface GroupRecord {
  id: string;
  name: string;
  description: string | null;
  avatarKey: string | null;
  ownerId: string;
  adminIds: string[];
  memberCount: number;
  /** How many ask to join. */
  requestCount: number;
  joinMode: JoinMode;
  settings: GroupSettings;
  mutedAll: boolean;
  announcement: Announcement | null;
  invites: Invite[];
  createdAt: Date;
  dissolvedAt: Date | null;
  /** Rises with every change. */
  version: number;
  /** The change that is made, and not in the memberships and the log yet. */
  outbox?: OutboxItem;
}

/** What becomes of memberships and requests besides what the log says. */
export interface Aftermath {
  /** Of who joins: whether they see what was before. */
  seesHistory?: boolean;
  barred?: string;
  unbarred?: string;
  /** Who asks to join, or is proposed by a member. */
  requested?: { userIds: string[] } & Omit<JoinRequest, 'at'>;
  /** Whose request to join is taken back, or refused and they are told so. */
  withdrawn?: string;
  rejected?: string;
  /** The key of a picture that is not the group's any more. */
  pictureGone?: string;
}

/** A change that is made, on its way to memberships, requests and the log. */
export interface OutboxItem {
  /** The id of its entry. */
  entryId: string;
  actorId: string;
  at: Date;
  /** The group's version with it. */
  version: number;
  /** What the log says; `null` where it says nothing. */
  change: GroupChange | null;
  aftermath: Aftermath;
}

/** What somebody is, or was, in a group. */
export interface GroupMembership {
  userId: string;
  /** `null` for who is not in it any more. */
  role: Role | null;
  nickname: string | null;
  /** Kept over leaving and joining again. */
  mutedUntil: Date | null;
  barredAt: Date | null;
  joinedAt: Date;
  request: JoinRequest | null;
}

/** That somebody is to join, if an admin agrees. */
export interface JoinRequest {
  at: Date;
  message: string | null;
  /** The member who proposes them, or whose code they came by. */
  invitedBy: string | null;
  /** Whether they asked themselves; who is proposed does not know of it. */
  isOwn: boolean;
}

export type GroupUpdate = Partial<Omit<GroupRecord, 'id' | 'version' | 'outbox' | 'createdAt'>>;

/** What is to become of a group. */
export interface Decision {
  update: GroupUpdate;
  change?: GroupChange;
  aftermath?: Aftermath;
}

export const mostAdmins = 50;
export const mostJoined = 500;
export const mostRequests = 1000;
export const mostInvites = 50;

export const openSettings: GroupSettings = {
  whoCanInvite: 'members',
  whoCanMentionAll: 'admins',
  whoCanEdit: 'admins',
  newcomersSeeHistory: false,
};
