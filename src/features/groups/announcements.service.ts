import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import { decodeCursor, encodeCursor } from '../../core/page.ts';
import type { User } from '../users/users.contract.ts';
import type { announcementsContract, ShownAnnouncement } from './announcements.contract.ts';
import { announced } from './announcements.rules.ts';
import type { AnnouncementStore } from './announcements.store.ts';
import { requireAdmin, requireMember } from './authority.rules.ts';
import type { GroupChanges } from './group-changes.ts';
import type { Scenes } from './group-scenes.ts';
import type { Announcement, GroupRecord } from './groups.rules.ts';

interface AnnouncementsDeps {
  store: AnnouncementStore;
  changes: GroupChanges;
  scenes: Scenes;
  newId(): string;
  usersFor(viewerId: string, userIds: readonly string[]): Promise<Map<string, User>>;
}

const usualLimit = 50;
const oneId = z.string().regex(/^[0-9a-f]{24}$/);
/** Which announcement the readers are of, and the last of them: another one may have come between two pages. */
const readerPosition = z.tuple([oneId, oneId]);
const none: ShownAnnouncement = {
  id: null,
  content: '',
  authorId: null,
  createdAt: null,
  readCount: 0,
  readAt: null,
};

/** What groups are told by their admins, and who has read it. */
export function createAnnouncements({
  store,
  changes,
  scenes,
  ...deps
}: AnnouncementsDeps): Handlers<typeof announcementsContract> {
  /** How these look to somebody. */
  async function showAll(
    announcements: readonly Announcement[],
    viewerId: string,
  ): Promise<ShownAnnouncement[]> {
    const ids = announcements.map(({ id }) => id);
    const [counts, readTimes] = await Promise.all([
      Promise.all(ids.map(store.countReads)),
      store.readTimesOf(viewerId, ids),
    ]);
    return announcements.map(({ id, content, authorId, createdAt }, index) => ({
      id,
      content,
      authorId,
      createdAt: createdAt.toISOString(),
      readCount: counts[index] ?? 0,
      readAt: readTimes.get(id)?.toISOString() ?? null,
    }));
  }

  async function show({ announcement }: GroupRecord, viewerId: string): Promise<ShownAnnouncement> {
    const [shown] = announcement ? await showAll([announcement], viewerId) : [];
    return shown ?? none;
  }

  /** The one that is named, or the one there is; `null` if none is. */
  async function idOf({ id: groupId, announcement }: GroupRecord, named?: string): Promise<string | null> {
    const currentId = announcement?.id ?? null;
    if (named === undefined || named === currentId) return currentId;
    if (!(await store.isOf(groupId, named))) throw new AppError('not_found');
    return named;
  }

  return {
    async get({ groupId }, { actor }) {
      const scene = await scenes.require(groupId, actor.userId);
      requireMember(scene);
      return show(scene.group, actor.userId);
    },

    async set({ groupId, content }, { actor, originSocketId }) {
      const id = deps.newId();
      const group = await changes.change({
        groupId,
        actorId: actor.userId,
        decide: (scene) => announced(scene, id, content),
        originSocketId,
      });
      return show(group, actor.userId);
    },

    async read({ groupId, announcementId: named }, { actor }) {
      const scene = await scenes.require(groupId, actor.userId);
      requireMember(scene);
      const announcementId = await idOf(scene.group, named);
      if (announcementId !== null) await store.noteRead({ groupId, announcementId, userId: actor.userId });
    },

    async listReaders({ groupId, announcementId: named, limit = usualLimit, cursor }, { actor }) {
      const [ofId = named, after = null] = cursor === undefined ? [] : decodeCursor(cursor, readerPosition);
      const scene = await scenes.require(groupId, actor.userId);
      requireAdmin(scene);
      const announcementId = await idOf(scene.group, ofId);
      if (announcementId === null) return { items: [], nextCursor: null };
      const found = await store.listReaders(announcementId, after, limit + 1);
      const page = found.slice(0, limit);
      const last = page.at(-1);
      const users = await deps.usersFor(
        actor.userId,
        page.map(({ userId }) => userId),
      );
      return {
        items: page.flatMap(({ userId }) => users.get(userId) ?? []),
        nextCursor: found.length > limit && last ? encodeCursor([announcementId, last.id]) : null,
      };
    },

    async list({ groupId, limit = usualLimit, cursor }, { actor }) {
      const before = cursor === undefined ? null : decodeCursor(cursor, z.int());
      requireMember(await scenes.require(groupId, actor.userId));
      const found = await store.list(groupId, before, limit + 1);
      const page = found.slice(0, limit);
      const last = page.at(-1);
      return {
        items: await showAll(page, actor.userId),
        nextCursor: found.length > limit && last ? encodeCursor(last.version) : null,
      };
    },
  };
}
