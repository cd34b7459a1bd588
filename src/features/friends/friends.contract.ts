import { z } from 'zod';
import { email, phone } from '../../core/contact.ts';
import { id, timestamp } from '../../core/ids.ts';
import { operation } from '../../core/operation.ts';
import { pageInput, pageOf } from '../../core/page.ts';
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
};

export const friendsEvents = {
  friend_request_received: friendRequest,
  friend_request_accepted: friend,
  friend_request_withdrawn: z.object({ userId: id }),
  friend_removed: z.object({ userId: id }),
};
