import { z } from 'zod';
import { id } from '../../core/ids.ts';
import { media } from '../../core/media.ts';
import { operation } from '../../core/operation.ts';

/** A file as clients see it. */
export const file = z
  .object({
    id,
    url: z
      .string()
      .meta({ description: 'Wants a token: as Bearer, or as `?access=` (POST /api/files/token)' }),
    name: z.string(),
    size: z.int().min(1).meta({ description: 'In bytes' }),
    mimeType: z.string().meta({ description: 'As the bytes themselves say' }),
    width: z.int().min(1).optional(),
    height: z.int().min(1).optional(),
    duration: z.number().min(0).optional().meta({ description: 'In seconds' }),
    thumbnailUrl: z.string().optional().meta({ description: 'WebP, 320 pixels at its longer edge at most' }),
  })
  .meta({ id: 'File' });
export type File = z.output<typeof file>;

/** A file as a message keeps it: plain JSON. */
export interface StoredFile {
  fileId: string;
  name: string;
  size: number;
  mimeType: string;
  width?: number;
  height?: number;
  duration?: number;
  hasThumbnail: boolean;
}

/** Shows a file that a message keeps; `publicUrl` is where clients reach the server. */
export function toFile({ fileId, hasThumbnail, ...rest }: StoredFile, publicUrl: string): File {
  const url = `${publicUrl}/api/files/${fileId}`;
  return { id: fileId, url, ...rest, ...(hasThumbnail && { thumbnailUrl: `${url}?size=thumbnail` }) };
}

/** What a message may attach a file as. */
export type AttachmentType = 'image' | 'file' | 'audio' | 'video';

export const filesContract = {
  upload: operation({
    summary: 'Upload a file, to be sent in a message within 24 hours; pictures lose their metadata',
    access: 'user',
    input: z.strictObject({}),
    upload: { field: 'file', as: 'stream' },
    output: file,
    status: 201,
    errors: [
      'unauthenticated',
      'image_invalid',
      'limit_reached',
      'payload_too_large',
      'unsupported_media_type',
    ],
    routes: [{ method: 'POST', path: '/api/files' }],
    flood: 'change',
  }),
  get: operation({
    summary: 'The bytes of a file that I uploaded or that is in a message I may see; in parts, too (Range)',
    access: 'user',
    fileAccess: true,
    input: z.strictObject({
      fileId: id,
      size: z.literal('thumbnail').optional(),
      access: z.string().optional().meta({ description: 'A token of POST /api/files/token' }),
    }),
    output: media,
    errors: ['unauthenticated', 'not_found', 'range_not_satisfiable'],
    routes: [{ method: 'GET', path: '/api/files/:fileId' }],
    flood: 'read',
  }),
  issueToken: operation({
    summary:
      'A token for addresses of files, as in <img> and <video>: `?access=`; it reads files and nothing else',
    access: 'user',
    input: z.strictObject({}),
    output: z.object({ token: z.string(), expiresIn: z.int().meta({ description: 'In seconds' }) }),
    errors: ['unauthenticated'],
    routes: [{ method: 'POST', path: '/api/files/token' }],
    secret: true,
    flood: 'change',
  }),
};
