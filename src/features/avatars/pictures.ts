import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FileStorage } from '../../core/file-storage.ts';

interface PicturesDeps {
  storage: FileStorage;
  images: { encodeAvatar(bytes: Buffer): Promise<{ large: Buffer; small: Buffer }> };
  onFailure(error: unknown): void;
}

export const pictureType = 'image/webp';
export const pictureSizes = ['large', 'small'] as const;
const fileOf = (key: string, size: (typeof pictureSizes)[number]) => `avatars/${key}-${size}`;

export type Pictures = ReturnType<typeof createPictures>;

/** The files of avatars, each found by a key that nobody can guess. */
export function createPictures({ storage, images, onFailure }: PicturesDeps) {
  const erase = async (key: string): Promise<void> => {
    await Promise.all(pictureSizes.map((size) => storage.remove(fileOf(key, size))));
  };

  return {
    /** Encodes a picture anew and keeps it. Answers its key. */
    async save(bytes: Buffer): Promise<string> {
      const encoded = await images.encodeAvatar(bytes);
      const key = randomBytes(18).toString('base64url');
      await Promise.all(
        pictureSizes.map((size) =>
          storage.put(fileOf(key, size), Readable.from([encoded[size]]), pictureType),
        ),
      );
      return key;
    },

    find: (key: string, size: (typeof pictureSizes)[number]) => storage.get(fileOf(key, size)),
    erase,

    /** Never fails: what could not be removed is nobody's any more, is told to the log and costs its space. */
    remove: (key: string): Promise<void> => erase(key).catch(onFailure),
  };
}
