import { z } from 'zod';
import type { S3Settings } from '../platform/file-storage/s3-settings.ts';
import { type Given, httpUrl, missing, wholeNumber } from './fields.ts';

const mebibyte = 1024 * 1024;
const mostBytes = 100 * 1024 * mebibyte;

/** What may be uploaded. */
export const uploadSettings = {
  UPLOAD_MAX_BYTES: wholeNumber(1, mostBytes).optional(),
  UPLOAD_QUOTA_BYTES: wholeNumber(0, 999_999_999_999).default(1024 * mebibyte),
};
const uploadShape = z.object(uploadSettings);

export interface UploadLimits {
  /** Of one file. */
  maxBytes: { image: number; other: number };
  /** Of all files of one person together. */
  quotaBytes: number;
}

export function toUploadLimits(set: z.output<typeof uploadShape>): UploadLimits {
  const { UPLOAD_MAX_BYTES: max, UPLOAD_QUOTA_BYTES: quota } = set;
  return {
    maxBytes: { image: max ?? 10 * mebibyte, other: max ?? 50 * mebibyte },
    quotaBytes: quota === 0 ? Number.MAX_SAFE_INTEGER : quota,
  };
}

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
