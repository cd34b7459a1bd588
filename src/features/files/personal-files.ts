import type { PersonalData } from '../../core/personal-data.ts';
import type { Blobs } from './blobs.ts';
import type { FileStore } from './files.store.ts';

interface PersonalFilesDeps {
  store: FileStore;
  blobs: Pick<Blobs, 'release' | 'forgetUsage'>;
}

/** A person's files: uploads that nobody was sent go with the account, the others stay with who received them. */
export function createPersonalFiles({ store, blobs }: PersonalFilesDeps): PersonalData {
  return {
    async erase(userId) {
      const unsent = await store.findUnsentOf(userId);
      await blobs.release(
        unsent.map(({ blobId }) => blobId),
        () => store.remove(unsent),
      );
      await blobs.forgetUsage(userId);
      const sent = await store.countSentOf(userId);
      return {
        ...(unsent.length > 0 && { deleted: { attachments: unsent.length } }),
        ...(sent > 0 && { kept: { attachments: sent } }),
      };
    },
  };
}
