import { z } from 'zod';
import { timestamp } from '../../core/ids.ts';
import { media } from '../../core/media.ts';
import { operation } from '../../core/operation.ts';

const qrCode = z
  .object({ code: z.string(), url: z.string(), expiresAt: timestamp })
  .meta({ id: 'QrCode', description: 'The same until it is renewed or has expired' });

const format = z
  .enum(['json', 'png', 'svg'])
  .default('json')
  .meta({ description: 'Pictures over REST only' });

export const qrCodesContract = {
  getMine: operation({
    summary: 'My QR code, by which people add me',
    access: 'user',
    input: z.strictObject({ format }),
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
  showPage: operation({
    summary: 'The public page of a QR code: name and avatar',
    access: 'public',
    input: z.object({ code: z.string().max(200) }),
    output: media,
    errors: [],
    routes: [{ method: 'GET', path: '/q/:code' }],
    flood: 'read',
  }),
};
