import { AppError } from '../../core/errors.ts';
import { Media } from '../../core/media.ts';
import type { Handlers } from '../../core/operation.ts';
import type { PersonalData } from '../../core/personal-data.ts';
import type { Quota } from '../../core/quota.ts';
import type { Me } from '../users/users.contract.ts';
import type { avatarsContract } from './avatars.contract.ts';
import { type Pictures, pictureSizes, pictureType } from './pictures.ts';

interface AvatarsDeps {
  pictures: Pictures;
  people: {
    /** Answers the person as they are now, and the key that was there before; `null` if they have gone. */
    setAvatar(userId: string, key: string | null): Promise<{ me: Me; before: string | null } | null>;
    avatarKeyOf(userId: string): Promise<string | null>;
  };
  /** New avatars of one person. */
  quota: Quota;
  tellProfile(me: Me, originSocketId: string | null): void;
}

/** Pictures of people: public for who knows their address, which nobody can guess. */
export function createAvatars({ pictures, people, quota, ...deps }: AvatarsDeps) {
  const handlers: Handlers<typeof avatarsContract> = {
    async setAvatar(_input, { actor, file, originSocketId }) {
      await quota.take(actor.userId);
      const key = await pictures.save(file);
      const changed = await people.setAvatar(actor.userId, key);
      if (!changed) {
        await pictures.remove(key);
        throw new AppError('unauthenticated');
      }
      if (changed.before !== null) await pictures.remove(changed.before);
      deps.tellProfile(changed.me, originSocketId);
      return changed.me;
    },

    async removeAvatar(_input, { actor, originSocketId }) {
      const changed = await people.setAvatar(actor.userId, null);
      if (!changed) throw new AppError('unauthenticated');
      if (changed.before === null) return;
      await pictures.remove(changed.before);
      deps.tellProfile(changed.me, originSocketId);
    },

    async getAvatar({ key, size }) {
      const file = await pictures.find(key, size);
      if (!file) throw new AppError('not_found');
      return new Media(pictureType, file.content, {
        cacheControl: 'public, max-age=31536000, immutable',
        isCrossOrigin: true,
      });
    },
  };

  const personalData: PersonalData = {
    async exportOf(userId) {
      const key = await people.avatarKeyOf(userId);
      const file = key === null ? null : await pictures.find(key, 'large');
      return file ? [{ name: 'avatar.webp', content: file.content }] : [];
    },
    async erase(userId) {
      const key = await people.avatarKeyOf(userId);
      if (key === null) return {};
      // not `remove`: if this fails, the erasure is taken up again
      await pictures.erase(key);
      await people.setAvatar(userId, null);
      return { deleted: { files: pictureSizes.length } };
    },
  };

  return { handlers, personalData };
}
