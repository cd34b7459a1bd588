import { z } from 'zod';
import type { S3Settings } from '../platform/file-storage/s3-settings.ts';
import { type Given, httpUrl, missing } from './fields.ts';

/** Where files are kept: in the database unless a bucket is named. */
export const storageSettings = {
  S3_ENDPOINT: httpUrl.optional(),
  S3_BUCKET: z.string().optional(),
  S3_REGION: z.string().optional(),
  S3_ACCESS_KEY_ID: z.string().optional(),
  S3_SECRET_ACCESS_KEY: z.string().optional(),
};
const shape = z.object(storageSettings);
type StorageVariables = z.output<typeof shape>;

const needed = ['S3_ENDPOINT', 'S3_BUCKET', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'];

/** All of them or none. */
export function storageFaults(set: Given): string[] {
  const isAsked = Object.keys(storageSettings).some((name) => set[name] !== undefined);
  return isAsked ? missing(set, needed, 'to keep files in a bucket') : [];
}

/** `null`: in the database. */
export function toS3(set: StorageVariables): S3Settings | null {
  if (set.S3_ENDPOINT === undefined) return null;
  return {
    endpoint: set.S3_ENDPOINT,
    bucket: set.S3_BUCKET ?? '',
    region: set.S3_REGION ?? 'us-east-1',
    accessKeyId: set.S3_ACCESS_KEY_ID ?? '',
    secretAccessKey: set.S3_SECRET_ACCESS_KEY ?? '',
  };
}
