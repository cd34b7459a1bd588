import type { Actor } from '../../core/actor.ts';
import { AppError } from '../../core/errors.ts';
import type { FileStorage } from '../../core/file-storage.ts';
import { Media } from '../../core/media.ts';
import type { Handlers } from '../../core/operation.ts';
import type { createArrivals } from './arrivals.ts';
import { toStored, unsentLifetimeMs } from './attachments.ts';
import { type Blobs, keyOf } from './blobs.ts';
import { type filesContract, toFile } from './files.contract.ts';
import { cleanName, isShownInPlace, withEnding } from './files.rules.ts';
import type { FileRecord, FileStore, Sent } from './files.store.ts';

interface FilesDeps {
  store: FileStore;
  blobs: Pick<Blobs, 'fill'>;
  receive: ReturnType<typeof createArrivals>;
  storage: Pick<FileStorage, 'get'>;
  /** Whether somebody may see a message now. */
  canSeeMessage(asked: Sent & { userId: string }): Promise<boolean>;
  /** How these messages stand; those that were never stored are left out. */
  messageStates(messageIds: readonly string[]): Promise<ReadonlyMap<string, 'kept' | 'recalled'>>;
  issueFileAccess(actor: Actor): { token: string; expiresIn: number };
  publicUrl: string;
}

/** No scripts, no frames, nothing loaded: whatever a file holds, it can do nothing. */
const contentSecurityPolicy = "default-src 'none'; sandbox";

/** Uploading files and fetching them. */
export function createFilesService({ store, blobs, receive, storage, ...deps }: FilesDeps) {
  async function maySee({ ownerId, sent }: FileRecord, userId: string): Promise<boolean> {
    if (sent === null) return ownerId === userId;
    if (await deps.canSeeMessage({ userId, ...sent })) return true;
    if (ownerId !== userId) return false;
    // its send was refused, so it is its uploader's still
    return !(await deps.messageStates([sent.messageId])).has(sent.messageId);
  }

  const handlers: Handlers<typeof filesContract> = {
    async upload(_input, { actor, file }) {
      const record = await blobs.fill(actor.userId, async ({ id: blobId, charge }) => {
        const { mimeType, ...arrived } = await receive(file, blobId);
        await charge(arrived.size + (arrived.thumbnailSize ?? 0));
        const created: FileRecord = {
          id: store.newId(),
          ownerId: actor.userId,
          blobId,
          name: nameOf(file.name, mimeType),
          mimeType,
          ...arrived,
          createdAt: new Date(),
          sent: null,
        };
        await store.insert(created, new Date(Date.now() + unsentLifetimeMs));
        return created;
      });
      return toFile(toStored(record), deps.publicUrl);
    },

    async get({ fileId, size: wanted }, { actor }) {
      const record = await store.findById(fileId);
      if (!record || !(await maySee(record, actor.userId))) throw new AppError('not_found');
      const isSmall = wanted === 'thumbnail';
      const size = isSmall ? record.thumbnailSize : record.size;
      if (size === null) throw new AppError('not_found');
      const key = keyOf(record.blobId, isSmall ? 'thumbnail' : 'whole');
      const mimeType = isSmall ? 'image/webp' : record.mimeType;
      const read = async (range?: { start: number; end: number }) => {
        const stored = await storage.get(key, range);
        if (!stored) throw new AppError('not_found');
        return stored.content;
      };
      return new Media(
        mimeType,
        { size, read },
        {
          fileName: isSmall ? withEnding(record.name, 'webp') : record.name,
          disposition: isShownInPlace(mimeType) ? 'inline' : 'attachment',
          etag: `"${fileId}${isSmall ? '-thumbnail' : ''}"`,
          // kept, but asked for each time: after a recall it is gone at once
          cacheControl: 'private, no-cache',
          isCrossOrigin: true,
          contentSecurityPolicy,
        },
      );
    },

    async issueToken(_input, { actor }) {
      return deps.issueFileAccess(actor);
    },
  };

  return handlers;
}

/** A picture that became WebP is called so. */
function nameOf(name: string, mimeType: string): string {
  const clean = cleanName(name);
  return mimeType === 'image/webp' && !/\.webp$/i.test(clean) ? withEnding(clean, 'webp') : clean;
}
