import { z } from 'zod';
import { id, timestamp } from '../../core/ids.ts';
import { operation } from '../../core/operation.ts';
import { pageInput, pageOf } from '../../core/page.ts';
import { shortText } from '../../core/text.ts';
import { told } from '../../core/validation-messages.ts';
import { user } from '../users/users.contract.ts';

const avatarMaxBytes = 10 * 1024 * 1024;

/** How people come in: by themselves, by asking, or only if somebody inside brings them. */
const joinMode = z.enum(['open', 'approval', 'invite', 'closed']);
export type JoinMode = z.output<typeof joinMode>;

const whoMay = z.enum(['members', 'admins']);

const settings = z.object({
  whoCanInvite: whoMay,
  whoCanMentionAll: whoMay,
  whoCanEdit: whoMay.meta({ description: 'Name, description and avatar' }),
  newcomersSeeHistory: z.boolean().meta({ description: 'Of those who join from now on' }),
});
export type GroupSettings = z.output<typeof settings>;

const role = z.enum(['owner', 'admin', 'member']);
export type Role = z.output<typeof role>;

/** A group as one of its members sees it; `role` is theirs. */
export const group = z
  .object({
    id,
    name: z.string(),
    avatarUrl: z.string().nullable(),
    description: z.string().nullable(),
    ownerId: id,
    memberCount: z.int().min(1),
    joinMode,
    settings,
    mutedAll: z.boolean(),
    role,
    createdAt: timestamp,
  })
  .meta({ id: 'Group' });
export type Group = z.output<typeof group>;

/** What is shown of a group to who may join it. */
const groupPreview = z
  .object({ id, name: z.string(), avatarUrl: z.string().nullable(), memberCount: z.int().min(1), joinMode })
  .meta({ id: 'GroupPreview' });
export type GroupPreview = z.output<typeof groupPreview>;

/** Somebody asks to join, and is not in yet. */
export const pending = z.object({ status: z.literal('pending') });

export const groupMember = z
  .object({
    user,
    role,
    nickname: z.string().nullable().meta({ description: 'What they are called in this group' }),
    mutedUntil: timestamp.nullable(),
    joinedAt: timestamp,
  })
  .meta({ id: 'GroupMember' });
export type GroupMember = z.output<typeof groupMember>;

const name = shortText({ min: 1, max: 64 });
const description = shortText({ max: 500 })
  .nullable()
  .transform((text) => (text === '' ? null : text));

/** People named at once; who is named twice counts once. */
export const memberIds = z
  .array(id)
  .max(100)
  .transform((ids) => [...new Set(ids)]);

const profileChanges = {
  name: name.optional(),
  description: description.optional(),
  joinMode: joinMode.optional(),
  settings: settings
    .partial()
    .strict()
    .refine(
      (rules) => Object.values(rules).some((value) => value !== undefined),
      told({ en: 'Nothing to change', zh: '没有要修改的内容' }),
    )
    .optional(),
};

/** What every operation on one group may be refused with. */
export const memberErrors = ['unauthenticated', 'not_found', 'not_allowed'] as const;

export const groupsContract = {
  create: operation({
    summary: 'Create a group with friends of mine who allow it; all of them or none',
    access: 'user',
    input: z.object({
      name,
      description: description.default(null),
      memberIds: memberIds.default([]),
      joinMode: joinMode.default('invite'),
      settings: settings.partial().default({}),
    }),
    output: group,
    status: 201,
    errors: ['unauthenticated', 'not_allowed', 'limit_reached'],
    routes: [{ method: 'POST', path: '/api/groups' }],
    event: 'group_create',
    flood: 'change',
  }),
  list: operation({
    summary: 'The groups that I am in',
    access: 'user',
    input: z.object(pageInput),
    output: pageOf(group),
    errors: ['unauthenticated'],
    routes: [{ method: 'GET', path: '/api/groups' }],
    event: 'group_list',
    flood: 'read',
  }),
  get: operation({
    summary: 'A group of mine; of an `open` or `approval` group, a preview for everybody',
    access: 'user',
    input: z.object({ groupId: id }),
    output: z.union([group, groupPreview]),
    errors: ['unauthenticated', 'not_found'],
    routes: [{ method: 'GET', path: '/api/groups/:groupId' }],
    event: 'group_get',
    flood: 'read',
  }),
  update: operation({
    summary: 'Change a group: its profile by who may edit it, how people join and its settings by admins',
    access: 'user',
    input: z
      .strictObject({ groupId: id, ...profileChanges })
      .refine(
        ({ groupId: _, ...changes }) => Object.values(changes).some((value) => value !== undefined),
        told({ en: 'Nothing to change', zh: '没有要修改的内容' }),
      ),
    output: group,
    errors: memberErrors,
    routes: [{ method: 'PATCH', path: '/api/groups/:groupId' }],
    event: 'group_update',
    flood: 'change',
  }),
  setAvatar: operation({
    summary: 'Set the picture of a group, by who may edit it',
    access: 'user',
    input: z.object({ groupId: id }),
    upload: { field: 'avatar', as: 'buffer', maxBytes: avatarMaxBytes },
    output: group,
    status: 201,
    errors: [...memberErrors, 'image_invalid', 'unsupported_media_type', 'payload_too_large'],
    routes: [{ method: 'POST', path: '/api/groups/:groupId/avatar' }],
    flood: 'change',
  }),
  dissolve: operation({
    summary: 'End my group for everybody',
    access: 'user',
    input: z.strictObject({ groupId: id }),
    output: null,
    errors: memberErrors,
    routes: [{ method: 'DELETE', path: '/api/groups/:groupId' }],
    event: 'group_dissolve',
    flood: 'change',
  }),
  muteAll: operation({
    summary: 'Let only admins write',
    access: 'user',
    input: z.strictObject({ groupId: id }),
    output: group,
    errors: memberErrors,
    routes: [{ method: 'PUT', path: '/api/groups/:groupId/mute' }],
    event: 'group_mute',
    flood: 'change',
  }),
  unmuteAll: operation({
    summary: 'Let everybody write again',
    access: 'user',
    input: z.strictObject({ groupId: id }),
    output: null,
    errors: memberErrors,
    routes: [{ method: 'DELETE', path: '/api/groups/:groupId/mute' }],
    event: 'group_unmute',
    flood: 'change',
  }),
  joinRoom: operation({
    summary: 'Put my sockets into the room of a group of mine, where they are by themselves already',
    access: 'user',
    input: z.object({ groupId: id }),
    output: z.object({ groupId: id }),
    errors: ['unauthenticated', 'not_found'],
    routes: [],
    event: 'join_group_room',
    flood: 'read',
  }),
};

/** Where an event of a group stands in its log. */
const place = { groupId: id, conversationId: id, seq: z.int().min(1) };

/** What happens to a group: live events, and the content of their entries in its log. */
export const groupChangeEvents = {
  group_created: z.object({
    ...place,
    name: z.string(),
    members: z.array(z.object({ userId: id, role })),
  }),
  group_member_joined: z.object({
    ...place,
    userIds: z.array(id),
    byId: id,
    via: z.enum(['invite', 'join', 'request', 'qrcode']),
  }),
  group_member_left: z.object({ ...place, userId: id }),
  group_member_removed: z.object({ ...place, userId: id, byId: id }),
  group_member_muted: z.object({ ...place, userId: id, mutedUntil: timestamp.nullable(), byId: id }),
  group_role_changed: z.object({
    ...place,
    changes: z.array(z.object({ userId: id, role })),
    byId: id,
  }),
  group_updated: z.object({
    ...place,
    changes: z.object({
      ...profileChanges,
      avatarUrl: z.string().optional(),
      mutedAll: z.boolean().optional(),
    }),
    byId: id,
  }),
  group_announcement_updated: z.object({
    ...place,
    announcement: z.string(),
    announcementId: id,
    byId: id,
  }),
  group_dissolved: z.object(place),
};
export type GroupChangeEvents = {
  [Name in keyof typeof groupChangeEvents]: z.output<(typeof groupChangeEvents)[Name]>;
};
type Told<Name extends keyof GroupChangeEvents> = Omit<GroupChangeEvents[Name], keyof typeof place>;

/** What happened to a group, as its log keeps it; where it stands there is the entry's own. */
export type GroupChange = {
  [Name in keyof GroupChangeEvents]: { event: Name; data: Told<Name> };
}[keyof GroupChangeEvents];

export const groupsEvents = {
  ...groupChangeEvents,
  group_join_requested: z.object({ groupId: id, user, message: z.string().nullable() }),
  group_join_rejected: z.object({ groupId: id }),
};
