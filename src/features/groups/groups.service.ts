import { z } from 'zod';
import type { ConversationRooms } from '../../core/delivery.ts';
import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import { decodeCursor, encodeCursor } from '../../core/page.ts';
import type { Admission } from './admission.ts';
import { isMember, requireEditor, requireMember } from './authority.rules.ts';
import type { GroupChanges } from './group-changes.ts';
import type { Scenes } from './group-scenes.ts';
import type { GroupViews } from './group-views.ts';
import type { Group, groupsContract } from './groups.contract.ts';
import { type GroupRecord, openSettings } from './groups.rules.ts';
import type { GroupStore } from './groups.store.ts';
import { dissolved, givenAvatar, mutedAll, updated } from './profile-decisions.ts';

interface GroupsDeps {
  store: GroupStore;
  changes: GroupChanges;
  views: GroupViews;
  admission: Admission;
  rooms: Pick<ConversationRooms, 'follow'>;
  scenes: Scenes;
  groupIdsOf(userId: string): Promise<string[]>;
  pictures: {
    /** Answers the key under which the picture is found. */
    save(bytes: Buffer): Promise<string>;
    remove(key: string): Promise<void>;
  };
  avatarQuota: { take(key: string): Promise<void> };
  mostMembers: number;
}

const usualLimit = 50;
const groupId = z.string().regex(/^[0-9a-f]{24}$/);

export function createGroupsService(deps: GroupsDeps): Handlers<typeof groupsContract> {
  const { store, changes, views, admission, scenes } = deps;

  return {
    async create({ name, description, memberIds, joinMode, settings }, { actor, originSocketId }) {
      const ownerId = actor.userId;
      const others = memberIds.filter((userId) => userId !== ownerId);
      await admission.requireInvitable(ownerId, others);
      const userIds = [ownerId, ...others];
      if (userIds.length > deps.mostMembers) throw new AppError('limit_reached');
      const createdAt = new Date();
      const group: GroupRecord = {
        id: store.newId(),
        name,
        description,
        avatarKey: null,
        ownerId,
        adminIds: [],
        memberCount: userIds.length,
        requestCount: 0,
        joinMode,
        settings: withDefaults(settings),
        mutedAll: false,
        announcement: null,
        invites: [],
        createdAt,
        dissolvedAt: null,
        version: 1,
      };
      const members = userIds.map(
        (userId) => ({ userId, role: userId === ownerId ? 'owner' : 'member' }) as const,
      );
      const outbox = {
        entryId: store.newId(),
        actorId: ownerId,
        at: createdAt,
        version: group.version,
        change: { event: 'group_created', data: { name, members } },
        aftermath: {},
      } as const;
      await admission.inTurnOf(userIds, async () => {
        await admission.requireRoom(userIds);
        await changes.begin(group, outbox, originSocketId);
      });
      return views.toGroup(group, ownerId);
    },

    async list({ limit = usualLimit, cursor }, { actor }) {
      const after = cursor === undefined ? '' : decodeCursor(cursor, groupId);
      const ids = (await deps.groupIdsOf(actor.userId)).toSorted().filter((id) => id > after);
      const page = ids.slice(0, limit);
      const groups = new Map((await store.findAlive(page)).map((group) => [group.id, group]));
      const last = page.at(-1);
      return {
        items: page.flatMap((id) => {
          const group = groups.get(id);
          return group ? [views.toGroup(group, actor.userId)] : [];
        }),
        nextCursor: ids.length > limit && last !== undefined ? encodeCursor(last) : null,
      };
    },

    async get({ groupId: id }, { actor }) {
      const scene = await scenes.require(id, actor.userId);
      const { group } = scene;
      if (isMember(scene, actor.userId)) return views.toGroup(group, actor.userId);
      if (group.joinMode !== 'open' && group.joinMode !== 'approval') throw new AppError('not_found');
      return views.toPreview(group);
    },

    async update({ groupId: id, ...named }, { actor, originSocketId }) {
      return change(id, { actor, originSocketId }, (scene) => updated(scene, named));
    },

    async setAvatar({ groupId: id }, { actor, file, originSocketId }) {
      requireEditor(await scenes.require(id, actor.userId));
      await deps.avatarQuota.take(actor.userId);
      const key = await deps.pictures.save(file);
      try {
        return await change(id, { actor, originSocketId }, (scene) =>
          givenAvatar(scene, key, views.avatarUrlOf(key)),
        );
      } catch (error) {
        // of any other failure nobody knows whether the group has the picture
        if (error instanceof AppError && error.code !== 'unavailable') await deps.pictures.remove(key);
        throw error;
      }
    },

    async dissolve({ groupId: id }, { actor, originSocketId }) {
      await change(id, { actor, originSocketId }, dissolved);
    },

    async muteAll({ groupId: id }, { actor, originSocketId }) {
      return change(id, { actor, originSocketId }, (scene) => mutedAll(scene, true));
    },

    async unmuteAll({ groupId: id }, { actor, originSocketId }) {
      await change(id, { actor, originSocketId }, (scene) => mutedAll(scene, false));
    },

    async joinRoom({ groupId: id }, { actor: { userId } }) {
      // who is removed while this is read stays outside
      await deps.rooms.follow([userId], async () => {
        requireMember(await scenes.require(id, userId));
        return [{ conversationId: id, userId, isMember: true }];
      });
      return { groupId: id };
    },
  };

  type Decide = Parameters<GroupChanges['change']>[0]['decide'];

  async function change(
    id: string,
    { actor, originSocketId }: { actor: { userId: string }; originSocketId: string | null },
    decide: Decide,
  ): Promise<Group> {
    const group = await changes.change({ groupId: id, actorId: actor.userId, decide, originSocketId });
    return views.toGroup(group, actor.userId);
  }
}

function withDefaults(
  settings: { [Name in keyof typeof openSettings]?: (typeof openSettings)[Name] | undefined },
) {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  return { ...openSettings, ...Object.fromEntries(given) };
}
