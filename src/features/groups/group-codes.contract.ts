import { z } from 'zod';
import { id, timestamp } from '../../core/ids.ts';
import { media } from '../../core/media.ts';
import { operation } from '../../core/operation.ts';
import { pageInput, pageOf } from '../../core/page.ts';
import { anyCode, codeFormat, qrCode } from '../qr-codes/qr-codes.contract.ts';
import { group, memberErrors, pending } from './groups.contract.ts';

const longestInviteSeconds = 365 * 86_400;
const mostUses = 100_000;

const listedInvite = z
  .object({
    id,
    expiresAt: timestamp,
    maxUses: z.int().min(1).nullable().meta({ description: '`null`: as many as like' }),
    uses: z.int().min(0),
    createdBy: id,
  })
  .meta({ id: 'ListedInvite' });
export type ListedInvite = z.output<typeof listedInvite>;

const invite = listedInvite
  .extend({ code: z.string(), url: z.string() })
  .meta({ id: 'Invite', description: 'Code and address are told once, and kept nowhere' });

export const groupCodesContract = {
  getCode: operation({
    summary: 'My QR code for a group, by which I bring people in as long as I may',
    access: 'user',
    input: z.strictObject({ groupId: id, format: codeFormat }),
    output: z.union([qrCode, media]),
    errors: memberErrors,
    routes: [{ method: 'GET', path: '/api/groups/:groupId/qrcode' }],
    event: 'group_qrcode_get',
    flood: 'read',
  }),
  renewCode: operation({
    summary: 'A new QR code of mine for a group; the old one ends',
    access: 'user',
    input: z.strictObject({ groupId: id }),
    output: qrCode,
    status: 201,
    errors: memberErrors,
    routes: [{ method: 'POST', path: '/api/groups/:groupId/qrcode' }],
    event: 'group_qrcode_renew',
    flood: 'change',
  }),
  createInvite: operation({
    summary: 'An invite link by which people come in as long as I may bring them in',
    access: 'user',
    input: z.strictObject({
      groupId: id,
      maxUses: z.int().min(1).max(mostUses).nullable().default(null),
      expiresIn: z
        .int()
        .min(1)
        .max(longestInviteSeconds)
        .optional()
        .meta({ description: 'Seconds; unless said, as long as QR codes of groups are good' }),
    }),
    output: invite,
    status: 201,
    secret: true,
    errors: [...memberErrors, 'limit_reached'],
    routes: [{ method: 'POST', path: '/api/groups/:groupId/invites' }],
    event: 'group_invite_create',
    flood: 'change',
  }),
  listInvites: operation({
    summary: 'The invite links of a group that still work, the latest first: all for admins, else my own',
    access: 'user',
    input: z.object({ groupId: id, ...pageInput }),
    output: pageOf(listedInvite),
    errors: ['unauthenticated', 'not_found'],
    routes: [{ method: 'GET', path: '/api/groups/:groupId/invites' }],
    event: 'group_invite_list',
    flood: 'read',
  }),
  revokeInvite: operation({
    summary: 'End an invite link: any for admins, else my own',
    access: 'user',
    input: z.strictObject({ groupId: id, inviteId: id }),
    output: null,
    errors: memberErrors,
    routes: [{ method: 'DELETE', path: '/api/groups/:groupId/invites/:inviteId' }],
    event: 'group_invite_revoke',
    flood: 'change',
  }),
  joinByCode: operation({
    summary: 'Join a group by a QR code or an invite link, or ask to where its maker may only propose people',
    access: 'user',
    input: z.strictObject({ code: anyCode }),
    output: z.union([group, pending]),
    pends: true,
    errors: [...memberErrors, 'limit_reached'],
    routes: [{ method: 'POST', path: '/api/groups/join-by-qrcode' }],
    event: 'group_join_by_qrcode',
    flood: 'change',
  }),
};
