import { z } from 'zod';
import { id, timestamp } from '../../core/ids.ts';
import { operation } from '../../core/operation.ts';
import { pageInput, pageOf } from '../../core/page.ts';
import { shortText } from '../../core/text.ts';
import { told } from '../../core/validation-messages.ts';

export const nickname = shortText({ min: 1, max: 32 });
const gender = z.enum(['male', 'female', 'other']).nullable();
const birthday = z.iso
  .date({ abort: true })
  .refine(isBirthday, told({ en: 'From 1900-01-01 to today', zh: '须在 1900-01-01 至今天之间' }))
  .nullable();

/** Whether a calendar date can be the birthday of somebody who lives; "today" is the latest anywhere on Earth. */
function isBirthday(date: string): boolean {
  const latestToday = new Date(Date.now() + 14 * 3_600_000).toISOString().slice(0, 10);
  return date >= '1900-01-01' && date <= latestToday;
}

const privacy = z.object({
  findByEmail: z.boolean(),
  findByPhone: z.boolean(),
  friendRequests: z.enum(['everyone', 'nobody']),
  groupInvites: z.enum(['friends', 'nobody']),
  lastSeen: z.boolean(),
  readReceipts: z.boolean(),
});
export type Privacy = z.output<typeof privacy>;

/** The person who asks, as they see themselves. */
export const me = z
  .object({
    id,
    nickname: z.string(),
    email: z.string().nullable(),
    phone: z.string().nullable(),
    emailVerified: z.boolean(),
    avatarUrl: z.string().nullable(),
    bio: z.string().nullable(),
    gender,
    birthday: z.string().nullable(),
    region: z.string().nullable(),
    privacy,
    createdAt: timestamp,
  })
  .meta({ id: 'Me' });
export type Me = z.output<typeof me>;

const relation = z.enum(['self', 'none', 'friend', 'request_sent', 'request_received', 'blocked']);
export type Relation = z.output<typeof relation>;

/** An account that was deleted: the anonymous author of what it wrote. */
const deletedUser = z
  .object({ id, nickname: z.string(), avatarUrl: z.null(), deleted: z.literal(true) })
  .meta({ id: 'DeletedUser' });

const presentUser = z
  .object({
    id,
    nickname: z.string(),
    avatarUrl: z.string().nullable(),
    bio: z.string().nullable(),
    gender,
    region: z.string().nullable(),
    relation,
  })
  .meta({ id: 'User' });

/** Somebody, as others see them. */
export const user = z.union([presentUser, deletedUser]);
export type User = z.output<typeof user>;

const mostIds = 100;
/** A list of ids; in a query they are separated by commas. */
const ids = z
  .union([
    z.array(z.unknown()),
    z
      .string()
      .max(mostIds * 30)
      .transform((text) => text.split(',')),
  ])
  .pipe(z.array(id).min(1).max(mostIds));

/** The search of people, which clients know by two names. */
const peopleSearch = {
  access: 'user',
  input: z.object({ q: z.string().trim().min(1).max(64), ...pageInput }),
  output: pageOf(user),
  errors: ['unauthenticated'],
  flood: 'search',
} as const;

export const usersContract = {
  getProfile: operation({
    summary: 'Me',
    access: 'user',
    input: z.object({}),
    output: me,
    errors: ['unauthenticated'],
    routes: [
      { method: 'GET', path: '/api/users/me' },
      { method: 'GET', path: '/api/user/profile', alias: true },
    ],
    event: 'profile_get',
    flood: 'read',
  }),
  updateProfile: operation({
    summary: 'Change my profile; what is not named stays',
    access: 'user',
    input: z.object({
      nickname: nickname.optional(),
      bio: shortText({ max: 500 }).nullable().optional(),
      gender: gender.optional(),
      birthday: birthday.optional(),
      region: shortText({ max: 64 }).nullable().optional(),
      privacy: privacy.partial().optional(),
    }),
    output: me,
    errors: ['unauthenticated'],
    routes: [
      { method: 'PATCH', path: '/api/users/me' },
      { method: 'PUT', path: '/api/users/me' },
      { method: 'PUT', path: '/api/user/profile', alias: true },
      { method: 'POST', path: '/api/user/nickname', alias: true },
    ],
    event: 'profile_update',
    flood: 'change',
  }),
  searchUsers: operation({
    ...peopleSearch,
    summary: 'People by exact e-mail or phone, by the beginning of a nickname, by pinyin or its initials',
    routes: [
      { method: 'GET', path: '/api/users/search' },
      { method: 'GET', path: '/api/user/search', alias: true },
    ],
    event: 'user_search',
  }),
  searchFriends: operation({
    ...peopleSearch,
    summary: 'Find people to add as friends, as `user_search` does',
    routes: [
      { method: 'GET', path: '/api/friends/search' },
      { method: 'GET', path: '/api/friend/search', alias: true },
    ],
    event: 'friend_search',
  }),
  listUsers: operation({
    summary: 'Several people; ids that mean nobody are left out',
    access: 'user',
    input: z.object({ ids }),
    output: pageOf(user),
    errors: ['unauthenticated'],
    routes: [{ method: 'GET', path: '/api/users' }],
    event: 'user_list',
    flood: 'read',
  }),
  getUser: operation({
    summary: 'Somebody',
    access: 'user',
    input: z.object({ userId: id }),
    output: user,
    errors: ['unauthenticated', 'not_found'],
    routes: [
      { method: 'GET', path: '/api/users/:userId' },
      { method: 'GET', path: '/api/user/:userId', alias: true },
    ],
    event: 'user_get',
    flood: 'read',
  }),
};

export const usersEvents = { profile_updated: me };
