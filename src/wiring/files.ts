import type { Connection } from 'mongoose';
import { contracts } from '../contracts.ts';
import type { Actor } from '../core/actor.ts';
import type { FileStorage } from '../core/file-storage.ts';
import { bind } from '../core/operation.ts';
import { createPictures, type Pictures } from '../features/avatars/pictures.ts';
import { createArrivals } from '../features/files/arrivals.ts';
import { createAttachments } from '../features/files/attachments.ts';
import { createBlobStore } from '../features/files/blobs.store.ts';
import { createBlobs } from '../features/files/blobs.ts';
import { createFilesService } from '../features/files/files.service.ts';
import { createFileStore } from '../features/files/files.store.ts';
import { createPersonalFiles } from '../features/files/personal-files.ts';
import { createUsageStore } from '../features/files/usage.store.ts';
import { createFileStorage } from '../platform/file-storage/file-storage.ts';
import type { Images } from '../platform/images.ts';
import type { CommonDeps } from './common.ts';

const picturesAtOnce = 2;

/** What everything that keeps files shares. */
export interface FileTools {
  storage: FileStorage;
  /** Avatars of people and of groups. */
  pictures: Pictures;
  /** The codecs are loaded with the first picture, as the start has no use for them. */
  images(): Promise<Images>;
}

export function buildFileTools({ config, log }: CommonDeps, connection: Connection): FileTools {
  let loading: Promise<Images> | null = null;
  const storage = createFileStorage({ s3: config.s3, connection });
  const images = () => {
    loading ??= import('../platform/images.ts').then(({ createImages }) =>
      createImages({ mostAtOnce: picturesAtOnce }),
    );
    return loading;
  };
  return {
    storage,
    images,
    pictures: createPictures({
      storage,
      images: { encodeAvatar: async (bytes) => (await images()).encodeAvatar(bytes) },
      onFailure: (error) => log.error({ err: error }, 'files of an avatar were not removed'),
    }),
  };
}

interface FilesInput extends CommonDeps {
  connection: Connection;
  fileTools: FileTools;
  /** Whether somebody may see a message now. */
  canSeeMessage(asked: { userId: string; messageId: string; conversationId: string }): Promise<boolean>;
  messageStates(messageIds: readonly string[]): Promise<ReadonlyMap<string, 'kept' | 'recalled'>>;
  issueFileAccess(actor: Actor): { token: string; expiresIn: number };
}

/** Files: how they arrive, who fetches them, and how messages hold them. */
export function buildFiles({ config, log, connection, fileTools, messageStates, ...input }: FilesInput) {
  const store = createFileStore(connection);
  const { storage } = fileTools;
  const blobs = createBlobs({
    store: createBlobStore(connection),
    usage: createUsageStore(connection),
    storage,
    isHeld: store.holds,
    quotaBytes: config.uploads.quotaBytes,
    onFailure: (error) => log.error({ err: error }, 'bytes of a file were not removed yet'),
  });
  const service = createFilesService({
    store,
    blobs,
    storage,
    receive: createArrivals({
      storage,
      recognise: async (start) => (await import('../platform/file-types.ts')).recognise(start),
      encodePicture: async (read, keep) => (await fileTools.images()).encodePicture(read, keep),
      maxBytes: config.uploads.maxBytes,
    }),
    canSeeMessage: input.canSeeMessage,
    messageStates,
    issueFileAccess: input.issueFileAccess,
    publicUrl: config.publicUrl,
  });

  return {
    operations: bind('files', contracts.files, service),
    attachments: createAttachments({ store, blobs, messageStates }),
    personalFiles: createPersonalFiles({ store, blobs }),
  };
}
