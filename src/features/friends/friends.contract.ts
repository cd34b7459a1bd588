import { z } from 'zod';
import { email, phone } from '../../core/contact.ts';
import { id, timestamp } from '../../core/ids.ts';
import { operation } from '../../core/operation.ts';
import { pageInput, pageOf } from '../../core/page.ts';
import { shortText } from '../../core/text.ts';
import { told } from '../../core/validation-messages.ts';
import { presence } from '../presence/presence.contract.ts';
import { user } from '../users/users.contract.ts';

const friend = z
  .object({ user, remark: z.string().nullable(), createdAt: timestamp, presence })
  .meta({ id: 'Friend' });
export type Friend = z.output<typeof friend>;

const friendRequest = z
  .object({
    from: user,
    to: user,
    message: z.string().nullable(),
    status: z.enum(['pending', 'accepted']),
    createdAt: timestamp,
  })
  .meta({ id: 'FriendRequest' });
export type FriendRequest = z.output<typeof friendRequest>;

const blocked = z.object({ user, createdAt: timestamp }).meta({ id: 'BlacklistEntry' });
export type Blocked = z.output<typeof blocked>;

const target = {
  userId: id.optional(),
  friendId: id.optional(),
  email: email.optional(),
  phone: phone.optional(),
  qrCode: z.string().max(500).optional().meta({ description: 'A code, or the whole address in it' }),
};

function hasOneTarget(input: { [Name in keyof typeof target]?: unknown }): boolean {
  const { userId, friendId, email, phone, qrCode } = input;
  const given = [userId, friendId === userId ? undefined : friendId, email, phone, qrCode];
  return given.filter((value) => value !== undefined).length === 1;
}

export const friendsContract = {
  list: operation({
    summary: 'My friends, the latest first',
    access: 'user',
    input: z.object(pageInput),
    output: pageOf(friend),
    errors: ['unauthenticated'],
    routes: [
      { method: 'GET', path: '/api/friends' },
      { method: 'GET', path: '/api/friend/list', alias: true },
    ],
    event: 'friend_list',
    flood: 'read',
  }),
  ask: operation({
    summary: 'Ask somebody to be my friend; crossing requests make us friends at once',
    access: 'user',
    input: z.object({ ...target, message: z.string().trim().max(500).optional() }).refine(
      hasOneTarget,
      told({
        en: 'Name exactly one of userId, email, phone and qrCode',
        zh: 'userId、email、phone 与 qrCode 须且只能填写一个',
      }),
    ),
    output: friendRequest,
    status: 201,
    errors: ['unauthenticated', 'not_allowed', 'not_found', 'already_friends', 'limit_reached'],
    routes: [
      { method: 'POST', path: '/api/friends/add' },
      { method: 'POST', path: '/api/friend/request', alias: true },
    ],
    event: 'friend_add',
    flood: 'change',
  }),
  listRequests: operation({
    summary: 'Requests that wait for an answer, the latest first',
    access: 'user',
    input: z.object({ ...pageInput, direction: z.enum(['incoming', 'outgoing']).default('incoming') }),
    output: pageOf(friendRequest),
    errors: ['unauthenticated'],
    routes: [
      { method: 'GET', path: '/api/friends/requests' },
      { method: 'GET', path: '/api/friend/requests', alias: true },
    ],
    event: 'friend_request_list',
    flood: 'read',
  }),
  accept: operation({
    summary: 'Accept the request of `friendId`',
    access: 'user',
    input: z.object({ friendId: id }),
    output: friend,
    errors: ['unauthenticated', 'not_found', 'limit_reached'],
    routes: [
      { method: 'POST', path: '/api/friends/:friendId/accept' },
      { method: 'POST', path: '/api/friend/accept/:friendId', alias: true },
    ],
    event: 'friend_accept',
    flood: 'change',
  }),
  reject: operation({
    summary: 'Reject the request of `friendId`',
    access: 'user',
    input: z.object({ friendId: id }),
    output: null,
    errors: ['unauthenticated', 'not_found'],
    routes: [
      { method: 'POST', path: '/api/friends/:friendId/reject' },
      { method: 'POST', path: '/api/friend/reject/:friendId', alias: true },
    ],
    event: 'friend_reject',
    flood: 'change',
  }),
  withdraw: operation({
    summary: 'Take back my request to `userId`',
    access: 'user',
    input: z.strictObject({ userId: id }),
    output: null,
    errors: ['unauthenticated', 'not_found'],
    routes: [{ method: 'DELETE', path: '/api/friends/requests/:userId' }],
    event: 'friend_withdraw',
    flood: 'change',
  }),
  remove: operation({
    summary: 'End a friendship',
    access: 'user',
    input: z.object({ friendId: id }),
    output: null,
    errors: ['unauthenticated', 'not_found'],
    routes: [
      { method: 'DELETE', path: '/api/friends/:friendId' },
      { method: 'DELETE', path: '/api/friend/:friendId', alias: true },
    ],
    event: 'friend_remove',
    flood: 'change',
  }),
  setRemark: operation({
    summary: 'What I call a friend, for my eyes only; `""` clears it',
    access: 'user',
    input: z.object({ friendId: id, remark: shortText({ max: 64 }) }),
    output: friend,
    errors: ['unauthenticated', 'not_found'],
    routes: [
      { method: 'PUT', path: '/api/friends/:friendId/remark' },
      { method: 'PUT', path: '/api/friend/:friendId/remark', alias: true },
    ],
    event: 'friend_remark',
    flood: 'change',
  }),
  listBlacklist: operation({
    summary: 'Whom I block, the latest first',
    access: 'user',
    input: z.strictObject({ ...pageInput, limit: pageInput.limit.default(50) }),
    output: pageOf(blocked),
    errors: ['unauthenticated'],
    routes: [{ method: 'GET', path: '/api/friends/blacklist' }],
    event: 'blacklist_list',
    flood: 'read',
  }),
  block: operation({
    summary: 'Block somebody, which ends a friendship and takes back my request; they are not told',
    access: 'user',
    input: z.strictObject({ userId: id }),
    output: blocked,
    status: 201,
    errors: ['unauthenticated', 'not_allowed', 'not_found', 'limit_reached'],
    routes: [{ method: 'POST', path: '/api/friends/blacklist' }],
    event: 'blacklist_add',
    flood: 'change',
  }),
  unblock: operation({
    summary: 'Block somebody no more; nothing comes back but a request that they made meanwhile',
    access: 'user',
    input: z.strictObject({ userId: id }),
    output: null,
    errors: ['unauthenticated'],
    routes: [{ method: 'DELETE', path: '/api/friends/blacklist/:userId' }],
    event: 'blacklist_remove',
    flood: 'change',
  }),
};

const other = z.object({ userId: id });

export const friendsEvents = {
  friend_request_received: friendRequest,
  friend_request_accepted: friend,
  friend_request_rejected: other,
  friend_request_withdrawn: other,
  friend_removed: other,
  friend_updated: friend,
  blacklist_updated: z.object({ userId: id, blocked: z.boolean() }),
};
