import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { AppError } from '../../core/errors.ts';
import type { FileStorage } from '../../core/file-storage.ts';
import { Media } from '../../core/media.ts';
import type { Handlers } from '../../core/operation.ts';
import type { PersonalData } from '../../core/personal-data.ts';
import type { Quota } from '../../core/quota.ts';
import type { Me } from '../users/users.contract.ts';
import type { avatarsContract } from './avatars.contract.ts';

interface AvatarsDeps {
  storage: FileStorage;
  images: { encodeAvatar(bytes: Buffer): Promise<{ large: Buffer; small: Buffer }> };
  people: {
    /** Answers the person as they are now, and the key that was there before; `null` if they have gone. */
    setAvatar(userId: string, key: string | null): Promise<{ me: Me; before: string | null } | null>;
    avatarKeyOf(userId: string): Promise<string | null>;
  };
  /** New avatars of one person. */
  quota: Quota;
  tellProfile(me: Me, originSocketId: string | null): void;
  onFailure(error: unknown): void;
}

const mimeType = 'image/webp';
const sizes = ['large', 'small'] as const;
const fileOf = (key: string, size: (typeof sizes)[number]) => `avatars/${key}-${size}`;

/** Pictures of people: public for who knows their address, which nobody can guess. */
export function createAvatars({ storage, images, people, quota, ...deps }: AvatarsDeps) {
  const handlers: Handlers<typeof avatarsContract> = {
    async setAvatar(_input, { actor, file, originSocketId }) {
      await quota.take(actor.userId);
      const pictures = await images.encodeAvatar(file);
      const key = randomBytes(18).toString('base64url');
      await Promise.all(
        sizes.map((size) => storage.put(fileOf(key, size), Readable.from([pictures[size]]), mimeType)),
      );
      const changed = await people.setAvatar(actor.userId, key);
      if (!changed) {
        await removeFiles(key);
        throw new AppError('unauthenticated');
      }
      if (changed.before !== null) await removeFiles(changed.before);
      deps.tellProfile(changed.me, originSocketId);
      return changed.me;
    },

    async removeAvatar(_input, { actor, originSocketId }) {
      const changed = await people.setAvatar(actor.userId, null);
      if (!changed) throw new AppError('unauthenticated');
      if (changed.before === null) return;
      await removeFiles(changed.before);
      deps.tellProfile(changed.me, originSocketId);
    },

    async getAvatar({ key, size }) {
      const file = await storage.get(fileOf(key, size));
      if (!file) throw new AppError('not_found');
      return new Media(mimeType, file.content, {
        cacheControl: 'public, max-age=31536000, immutable',
        isCrossOrigin: true,
      });
    },
  };

  /** A picture that could not be removed is nobody's any more; it is told to the log and costs its space. */
  async function removeFiles(key: string): Promise<void> {
    await Promise.all(sizes.map((size) => storage.remove(fileOf(key, size)))).catch(deps.onFailure);
  }

  const personalData: PersonalData = {
    async exportOf(userId) {
      const key = await people.avatarKeyOf(userId);
      const file = key === null ? null : await storage.get(fileOf(key, 'large'));
      return file ? [{ name: 'avatar.webp', content: file.content }] : [];
    },
    async erase(userId) {
      const key = await people.avatarKeyOf(userId);
      if (key === null) return {};
      // not removeFiles: if this fails, the erasure is taken up again
      await Promise.all(sizes.map((size) => storage.remove(fileOf(key, size))));
      await people.setAvatar(userId, null);
      return { deleted: { files: sizes.length } };
    },
  };

  return { handlers, personalData };
}
