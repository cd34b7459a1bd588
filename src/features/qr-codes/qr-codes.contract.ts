import { z } from 'zod';
import { timestamp } from '../../core/ids.ts';
import { media } from '../../core/media.ts';
import { operation } from '../../core/operation.ts';

export const qrCode = z
  .object({ code: z.string(), url: z.string(), expiresAt: timestamp })
  .meta({ id: 'QrCode', description: 'The same until it is renewed or has expired' });
export type QrCode = z.output<typeof qrCode>;

export const codeFormat = z
  .enum(['json', 'png', 'svg'])
  .default('json')
  .meta({ description: 'Pictures over REST only' });
export type CodeFormat = z.output<typeof codeFormat>;

export const anyCode = z.string().max(500).meta({ description: 'A code, or the whole address of its page' });

const resolved = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('user'), nickname: z.string(), avatarUrl: z.string().nullable() }),
    z.object({
      type: z.literal('group'),
      name: z.string(),
      avatarUrl: z.string().nullable(),
      memberCount: z.int().min(1),
    }),
  ])
  .meta({ id: 'ResolvedCode' });
export type ResolvedCode = z.output<typeof resolved>;

export const qrCodesContract = {
  getMine: operation({
    summary: 'My QR code, by which people add me',
    access: 'user',
    input: z.strictObject({ format: codeFormat }),
    output: z.union([qrCode, media]),
    errors: ['unauthenticated'],
    routes: [{ method: 'GET', path: '/api/users/me/qrcode' }],
    event: 'profile_qrcode_get',
    flood: 'read',
  }),
  renewMine: operation({
    summary: 'A new QR code; the old one ends',
    access: 'user',
    input: z.strictObject({}),
    output: qrCode,
    status: 201,
    errors: ['unauthenticated'],
    routes: [{ method: 'POST', path: '/api/users/me/qrcode' }],
    event: 'profile_qrcode_renew',
    flood: 'change',
  }),
  resolve: operation({
    summary: 'Whom a QR code or an invite link leads to, if it works now',
    access: 'user',
    input: z.strictObject({ code: anyCode }),
    output: resolved,
    errors: ['unauthenticated', 'not_found'],
    routes: [{ method: 'POST', path: '/api/qrcodes/resolve' }],
    event: 'qrcode_resolve',
    flood: 'read',
  }),
  showPage: operation({
    summary: 'The public page of a QR code or an invite link: name and avatar, of a group how many are in it',
    access: 'public',
    input: z.object({ code: z.string().max(200) }),
    output: media,
    errors: [],
    routes: [{ method: 'GET', path: '/q/:code' }],
    flood: 'read',
  }),
};
