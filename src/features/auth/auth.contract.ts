import { z } from 'zod';
import { id, timestamp } from '../../core/ids.ts';
import { operation } from '../../core/operation.ts';
import { pageInput, pageOf } from '../../core/page.ts';
import { shortText } from '../../core/text.ts';
import { told } from '../../core/validation-messages.ts';
import { email, me, nickname } from '../users/users.contract.ts';

/** bcrypt reads 72 bytes and no more, so a longer password is refused rather than cut. */
const password = z
  .string()
  .max(200)
  .refine((text) => [...text].length >= 8, told({ en: 'At least 8 characters', zh: '至少 8 个字符' }))
  .refine((text) => Buffer.byteLength(text) <= 72, told({ en: 'At most 72 bytes', zh: '最多 72 字节' }));

const deviceName = shortText({ max: 64 }).optional();

const authResult = z
  .object({ token: z.string(), refreshToken: z.string(), expiresIn: z.int(), user: me })
  .meta({ id: 'AuthResult' });
export type AuthResult = z.output<typeof authResult>;

const session = z
  .object({
    id,
    deviceName: z.string().nullable(),
    address: z.string(),
    createdAt: timestamp,
    lastSeenAt: timestamp,
    current: z.boolean(),
  })
  .meta({ id: 'Session' });

const revocationReason = z.enum([
  'logout',
  'logout_all',
  'revoked',
  'password_changed',
  'password_reset',
  'address_proved',
  'replay',
  'account_deleted',
  'banned',
]);
export type RevocationReason = z.output<typeof revocationReason>;

export const authContract = {
  register: operation({
    summary: 'Register with e-mail and password',
    access: 'public',
    input: z.object({ email, password, nickname, deviceName }),
    output: authResult,
    status: 201,
    errors: ['email_taken'],
    routes: [{ method: 'POST', path: '/api/auth/register' }],
    secret: true,
    flood: 'auth',
  }),
  logIn: operation({
    summary: 'Log in with e-mail and password',
    access: 'public',
    input: z.object({ email, password: z.string().max(200), deviceName }),
    output: authResult,
    errors: ['invalid_credentials'],
    routes: [{ method: 'POST', path: '/api/auth/login' }],
    secret: true,
    flood: 'auth',
  }),
  refresh: operation({
    summary: 'Renew the access token; the refresh token is replaced by its successor',
    access: 'public',
    input: z.object({ refreshToken: z.string().max(200) }),
    output: authResult,
    errors: ['unauthenticated'],
    routes: [{ method: 'POST', path: '/api/auth/refresh-token' }],
    secret: true,
    flood: 'auth',
  }),
  logOut: operation({
    summary: 'Log out here',
    access: 'user',
    input: z.strictObject({}),
    output: null,
    errors: ['unauthenticated'],
    routes: [{ method: 'POST', path: '/api/auth/logout' }],
    event: 'logout',
    flood: 'change',
  }),
  logOutEverywhere: operation({
    summary: 'Log out on all my devices',
    access: 'user',
    input: z.strictObject({}),
    output: null,
    errors: ['unauthenticated'],
    routes: [{ method: 'POST', path: '/api/auth/logout-all' }],
    event: 'logout_all',
    flood: 'change',
  }),
  listSessions: operation({
    summary: 'My devices, the latest first',
    access: 'user',
    input: z.strictObject(pageInput),
    output: pageOf(session),
    errors: ['unauthenticated'],
    routes: [{ method: 'GET', path: '/api/auth/sessions' }],
    event: 'session_list',
    flood: 'read',
  }),
  revokeSession: operation({
    summary: 'Log out one of my devices',
    access: 'user',
    input: z.strictObject({ sessionId: id }),
    output: null,
    errors: ['unauthenticated', 'not_found'],
    routes: [{ method: 'DELETE', path: '/api/auth/sessions/:sessionId' }],
    event: 'session_revoke',
    flood: 'change',
  }),
};

export const authEvents = {
  session_revoked: z.object({ sessionId: id, reason: revocationReason }),
};
