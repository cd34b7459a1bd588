import { AppError, type Text } from '../../core/errors.ts';
import type { FileStorage } from '../../core/file-storage.ts';
import type { BlobStore } from './blobs.store.ts';
import type { UsageStore } from './usage.store.ts';

interface BlobsDeps {
  store: BlobStore;
  usage: UsageStore;
  storage: Pick<FileStorage, 'remove'>;
  /** Whether any file is made of these bytes. */
  isHeld(blobId: string): Promise<boolean>;
  /** What the uploads of one person may take. */
  quotaBytes: number;
  onFailure(error: unknown): void;
}

const hourMs = 3_600_000;
const quietMs = 600_000;
const mostPerSweep = 500;

const parts = { whole: '', raw: '-raw', thumbnail: '-thumbnail' } as const;

/** Where the storage keeps the bytes of a blob: as it arrived, as it is given, and small. */
export const keyOf = (blobId: string, part: keyof typeof parts): string => `files/${blobId}${parts[part]}`;

const full: Text = { en: 'Your files take all the space they may', zh: '您的文件已占满可用空间' };
const spaceUsedUp = () => new AppError('limit_reached', { detail: full });

export type Blobs = ReturnType<typeof createBlobs>;

/**
 * The bytes of files, which several files may share. Whether anything holds a blob is looked up, never counted, so that
 * nothing can be counted twice; what may be held by nothing has `checkAt`, and is looked at again after a crash.
 */
export function createBlobs({ store, usage, storage, isHeld, quotaBytes, onFailure }: BlobsDeps) {
  /** Removes a blob if nothing holds it. Harmless however often, and however many do it at once. */
  async function settle(blobId: string, doubtedAt: Date): Promise<void> {
    if (await isHeld(blobId)) return store.confirm(blobId, doubtedAt);
    await store.markGoing(blobId);
    // who begins to hold a blob looks afterwards whether it is going: one of the two sees the other
    if (await isHeld(blobId)) return store.markStaying(blobId);
    const keys = (['whole', 'raw', 'thumbnail'] as const).map((part) => keyOf(blobId, part));
    await Promise.all(keys.map((key) => storage.remove(key)));
    const removed = await store.remove(blobId);
    if (removed && removed.size > 0) await usage.giveBack(removed.ownerId, removed.size);
  }

  async function settleAll(blobIds: readonly string[], doubtedAt: Date): Promise<void> {
    // what fails is taken up again by the sweep
    for (const blobId of new Set(blobIds)) await settle(blobId, doubtedAt).catch(onFailure);
  }

  return {
    isStaying: store.isStaying,

    /**
     * Makes room for bytes that arrive and runs what stores them and makes a file of them; if it fails, nothing of them
     * remains. `charge` has to be called with what they take; it throws `limit_reached` like this itself.
     */
    async fill<T>(
      ownerId: string,
      work: (blob: { id: string; charge(bytes: number): Promise<void> }) => Promise<T>,
    ): Promise<T> {
      if ((await usage.bytesOf(ownerId)) >= quotaBytes) throw spaceUsedUp();
      const abandonedAt = new Date(Date.now() + hourMs);
      const id = await store.create(ownerId, abandonedAt);
      const charge = async (bytes: number): Promise<void> => {
        if (!(await usage.charge(ownerId, bytes, quotaBytes))) throw spaceUsedUp();
        await store.setSize(id, bytes);
      };
      try {
        const result = await work({ id, charge });
        await store.confirm(id, abandonedAt);
        return result;
      } catch (error) {
        await settle(id, abandonedAt).catch(onFailure);
        throw error;
      }
    },

    /** Runs what ends files of these blobs, and removes the blobs that nothing holds then. */
    async release(blobIds: readonly string[], endFiles: () => Promise<void>): Promise<void> {
      const doubtedAt = new Date();
      await store.doubt(blobIds, doubtedAt);
      await endFiles();
      await settleAll(blobIds, doubtedAt);
    },

    /** Finishes what a crash broke off: bytes without a file, and sums that are not true. */
    async sweep(): Promise<void> {
      const now = new Date();
      await settleAll(await store.findDue(now, mostPerSweep), now);
      const quietSince = new Date(now.getTime() - quietMs);
      for (const { userId, changedAt } of await usage.listUnchecked(quietSince, mostPerSweep))
        await usage.correct(userId, await store.sizeOf(userId), changedAt);
    },

    forgetUsage: usage.remove,
  };
}
