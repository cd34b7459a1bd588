import type { FileStorage } from '../../core/file-storage.ts';
import { createGridFsStorage } from './gridfs.store.ts';
import { createS3Storage } from './s3.ts';
import type { S3Settings } from './s3-settings.ts';

interface FileStorageOptions {
  s3: S3Settings | null;
  connection: Parameters<typeof createGridFsStorage>[0];
}

/** Keeps files in a bucket if there is one, else in the database. */
export function createFileStorage({ s3, connection }: FileStorageOptions): FileStorage {
  return s3 === null ? createGridFsStorage(connection) : createS3Storage(s3);
}
