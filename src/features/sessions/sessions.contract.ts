import { z } from 'zod';
import { id, timestamp } from '../../core/ids.ts';
import { operation } from '../../core/operation.ts';
import { pageInput, pageOf } from '../../core/page.ts';

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

export const sessionsContract = {
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

export const sessionsEvents = {
  session_revoked: z.object({ sessionId: id, reason: revocationReason }),
};
