import { z } from 'zod';
import { media } from '../../core/media.ts';
import { operation } from '../../core/operation.ts';
import { me } from '../users/users.contract.ts';

const avatarMaxBytes = 10 * 1024 * 1024;

export const avatarsContract = {
  setAvatar: operation({
    summary: 'Set my avatar: a JPEG, PNG, WebP, GIF or AVIF picture; its middle is kept, as WebP',
    access: 'user',
    input: z.object({}),
    upload: { field: 'avatar', as: 'buffer', maxBytes: avatarMaxBytes },
    output: me,
    status: 201,
    errors: ['unauthenticated', 'image_invalid', 'unsupported_media_type', 'payload_too_large'],
    routes: [
      { method: 'POST', path: '/api/users/me/avatar' },
      { method: 'POST', path: '/api/user/avatar', alias: true },
    ],
    flood: 'change',
  }),
  removeAvatar: operation({
    summary: 'Have no avatar',
    access: 'user',
    input: z.object({}),
    output: null,
    errors: ['unauthenticated'],
    routes: [{ method: 'DELETE', path: '/api/users/me/avatar' }],
    flood: 'change',
  }),
  getAvatar: operation({
    summary: 'An avatar; its address is all it takes, and changes with the picture',
    access: 'public',
    input: z.object({
      key: z.string().regex(/^[\w-]{24}$/),
      size: z.enum(['large', 'small']).default('large'),
    }),
    output: media,
    errors: ['not_found'],
    routes: [{ method: 'GET', path: '/avatars/:key' }],
    flood: 'read',
  }),
};
