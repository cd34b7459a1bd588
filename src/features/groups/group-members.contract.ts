import { z } from 'zod';
import { id, timestamp } from '../../core/ids.ts';
import { operation } from '../../core/operation.ts';
import { pageInput, pageOf } from '../../core/page.ts';
import { shortText } from '../../core/text.ts';
import { user } from '../users/users.contract.ts';
import { group, groupMember, memberErrors, memberIds, pending } from './groups.contract.ts';

const mostMuteMinutes = 43_200;

const onMember = z.strictObject({ groupId: id, userId: id });

const joinRequest = z
  .object({ user, message: z.string().nullable(), invitedBy: user.optional(), createdAt: timestamp })
  .meta({ id: 'GroupJoinRequest' });

const barred = z.object({ user, createdAt: timestamp }).meta({ id: 'BarredPerson' });

export const groupMembersContract = {
  list: operation({
    summary: 'The members of a group: the owner, the admins, then in the order of joining',
    access: 'user',
    input: z.object({ groupId: id, ...pageInput }),
    output: pageOf(groupMember),
    errors: ['unauthenticated', 'not_found'],
    routes: [{ method: 'GET', path: '/api/groups/:groupId/members' }],
    event: 'group_member_list',
    flood: 'read',
  }),
  invite: operation({
    summary: 'Bring friends of mine into a group; all of them or none',
    access: 'user',
    input: z.strictObject({ groupId: id, userIds: memberIds.refine((ids) => ids.length > 0) }),
    output: z.union([z.object({ items: z.array(groupMember) }), pending]),
    status: 201,
    pends: true,
    errors: [...memberErrors, 'limit_reached'],
    routes: [{ method: 'POST', path: '/api/groups/:groupId/members' }],
    event: 'group_invite',
    flood: 'change',
  }),
  kick: operation({
    summary: 'Remove a member, and keep them out if `barred`',
    access: 'user',
    input: onMember.extend({ barred: z.boolean().default(false) }),
    output: null,
    errors: memberErrors,
    routes: [{ method: 'DELETE', path: '/api/groups/:groupId/members/:userId' }],
    event: 'group_kick',
    flood: 'change',
  }),
  listBarred: operation({
    summary: 'Who is kept out of a group, the latest first; for admins',
    access: 'user',
    input: z.object({ groupId: id, ...pageInput }),
    output: pageOf(barred),
    errors: memberErrors,
    routes: [{ method: 'GET', path: '/api/groups/:groupId/barred' }],
    event: 'group_barred_list',
    flood: 'read',
  }),
  unbar: operation({
    summary: 'Let somebody come in again',
    access: 'user',
    input: onMember,
    output: null,
    errors: memberErrors,
    routes: [{ method: 'DELETE', path: '/api/groups/:groupId/barred/:userId' }],
    event: 'group_unbar',
    flood: 'change',
  }),
  join: operation({
    summary: 'Join an `open` group; ask to join an `approval` group',
    access: 'user',
    input: z.strictObject({ groupId: id, message: shortText({ max: 500 }).nullable().default(null) }),
    output: z.union([group, pending]),
    pends: true,
    errors: [...memberErrors, 'limit_reached'],
    routes: [{ method: 'POST', path: '/api/groups/:groupId/join' }],
    event: 'group_join',
    flood: 'change',
  }),
  withdraw: operation({
    summary: 'Take back my request to join',
    access: 'user',
    input: z.strictObject({ groupId: id }),
    output: null,
    errors: ['unauthenticated', 'not_found'],
    routes: [{ method: 'DELETE', path: '/api/groups/:groupId/join' }],
    event: 'group_join_withdraw',
    flood: 'change',
  }),
  leave: operation({
    summary: 'Leave a group; its owner has to transfer or dissolve it',
    access: 'user',
    input: z.strictObject({ groupId: id }),
    output: null,
    errors: ['unauthenticated', 'not_found', 'owner_cannot_leave'],
    routes: [{ method: 'POST', path: '/api/groups/:groupId/leave' }],
    event: 'group_leave',
    flood: 'change',
  }),
  listRequests: operation({
    summary: 'Who asks to join, the oldest first; for admins',
    access: 'user',
    input: z.object({ groupId: id, ...pageInput }),
    output: pageOf(joinRequest),
    errors: memberErrors,
    routes: [{ method: 'GET', path: '/api/groups/:groupId/requests' }],
    event: 'group_request_list',
    flood: 'read',
  }),
  acceptRequest: operation({
    summary: 'Let somebody in who asks to join',
    access: 'user',
    input: onMember,
    output: groupMember,
    errors: [...memberErrors, 'limit_reached'],
    routes: [{ method: 'POST', path: '/api/groups/:groupId/requests/:userId/accept' }],
    event: 'group_request_accept',
    flood: 'change',
  }),
  rejectRequest: operation({
    summary: 'Refuse somebody who asks to join',
    access: 'user',
    input: onMember,
    output: null,
    errors: memberErrors,
    routes: [{ method: 'POST', path: '/api/groups/:groupId/requests/:userId/reject' }],
    event: 'group_request_reject',
    flood: 'change',
  }),
  mute: operation({
    summary: 'Keep a member from writing for some minutes',
    access: 'user',
    input: onMember.extend({ minutes: z.number().min(1).max(mostMuteMinutes) }),
    output: groupMember,
    errors: memberErrors,
    routes: [{ method: 'PUT', path: '/api/groups/:groupId/members/:userId/mute' }],
    event: 'group_member_mute',
    flood: 'change',
  }),
  unmute: operation({
    summary: 'Let a member write again before their mute ends',
    access: 'user',
    input: onMember,
    output: null,
    errors: memberErrors,
    routes: [{ method: 'DELETE', path: '/api/groups/:groupId/members/:userId/mute' }],
    event: 'group_member_unmute',
    flood: 'change',
  }),
  setRole: operation({
    summary: 'Make a member an admin, or an admin a member; for the owner',
    access: 'user',
    input: onMember.extend({ role: z.enum(['admin', 'member']) }),
    output: groupMember,
    errors: [...memberErrors, 'limit_reached'],
    routes: [{ method: 'PUT', path: '/api/groups/:groupId/members/:userId/role' }],
    event: 'group_role_set',
    flood: 'change',
  }),
  transfer: operation({
    summary: 'Make another member the owner; I become an admin',
    access: 'user',
    input: onMember,
    output: group,
    errors: [...memberErrors, 'limit_reached'],
    routes: [{ method: 'PUT', path: '/api/groups/:groupId/owner' }],
    event: 'group_transfer',
    flood: 'change',
  }),
  setNickname: operation({
    summary: 'What I am called in a group; an empty one clears it',
    access: 'user',
    input: z.strictObject({ groupId: id, nickname: shortText({ max: 32 }) }),
    output: groupMember,
    errors: ['unauthenticated', 'not_found'],
    routes: [{ method: 'PUT', path: '/api/groups/:groupId/nickname' }],
    event: 'group_nickname_set',
    flood: 'change',
  }),
};
