import type { Role } from './groups.contract.ts';
import type { Announcement, GroupRecord, JoinRequest, OutboxItem } from './groups.rules.ts';

interface Stamp {
  version: number;
  at: Date;
}

interface EffectsDeps {
  /** Memberships as changes leave them; repeating a write is harmless. */
  memberships: {
    join(
      groupId: string,
      joining: Stamp & {
        members: readonly { userId: string; role: Role }[];
        joinSeq: number;
        seesHistory: boolean;
      },
    ): Promise<void>;
    leave(groupId: string, userId: string, stamp: Stamp & { isBarred?: boolean }): Promise<void>;
    unbar(groupId: string, userId: string, stamp: Stamp): Promise<void>;
    mute(groupId: string, userId: string, stamp: Stamp & { mutedUntil: Date | null }): Promise<void>;
    setRoles(
      groupId: string,
      changes: readonly { userId: string; role: Role }[],
      stamp: Stamp,
    ): Promise<void>;
    endAll(groupId: string, stamp: Stamp): Promise<void>;
    request(
      groupId: string,
      request: Stamp & { userIds: readonly string[] } & Omit<JoinRequest, 'at'>,
    ): Promise<void>;
    answer(groupId: string, userIds: readonly string[], stamp: Stamp): Promise<void>;
  };
  /** Keeps what an announcement was, beyond the next one. */
  keepAnnouncement(groupId: string, version: number, announcement: Announcement): Promise<void>;
  /** What somebody has read is forgotten when they leave. */
  forgetReads(groupId: string, userId: string): Promise<void>;
  removePicture(key: string): Promise<void>;
}

export type GroupEffects = ReturnType<typeof createGroupEffects>;

/** What follows the change of a group in other documents. */
export function createGroupEffects({ memberships, ...deps }: EffectsDeps) {
  async function leave(groupId: string, userId: string, stamp: Stamp & { isBarred?: boolean }) {
    await memberships.leave(groupId, userId, stamp);
    await deps.forgetReads(groupId, userId);
  }

  return {
    /** What has to hold before anything is written above the change: whoever loses something has lost it. */
    async beforeEntry(group: GroupRecord, { change, aftermath, version, at }: OutboxItem): Promise<void> {
      const { id, announcement } = group;
      const stamp = { version, at };
      const { requested, unbarred, withdrawn, rejected, pictureGone } = aftermath;
      const answered = withdrawn ?? rejected;
      if (requested) await memberships.request(id, { ...requested, ...stamp });
      if (unbarred !== undefined) await memberships.unbar(id, unbarred, stamp);
      if (answered !== undefined) await memberships.answer(id, [answered], stamp);
      if (pictureGone !== undefined) await deps.removePicture(pictureGone);
      switch (change?.event) {
        case 'group_member_left':
          return leave(id, change.data.userId, stamp);
        case 'group_member_removed': {
          const { userId } = change.data;
          return leave(id, userId, { ...stamp, isBarred: aftermath.barred === userId });
        }
        case 'group_member_muted': {
          const { userId, mutedUntil } = change.data;
          return memberships.mute(id, userId, {
            ...stamp,
            mutedUntil: mutedUntil === null ? null : new Date(mutedUntil),
          });
        }
        case 'group_role_changed':
          return memberships.setRoles(id, change.data.changes, stamp);
        case 'group_announcement_updated':
          return announcement ? deps.keepAnnouncement(id, version, announcement) : undefined;
        case 'group_dissolved':
          return memberships.endAll(id, stamp);
      }
    },

    /** What begins with the entry: who joins sees from there on. */
    async afterEntry(
      { id }: GroupRecord,
      { change, aftermath, version, at }: OutboxItem,
      seq: number,
    ): Promise<void> {
      const joining = { version, at, joinSeq: seq, seesHistory: aftermath.seesHistory ?? false };
      if (change?.event === 'group_created')
        await memberships.join(id, { ...joining, members: change.data.members });
      if (change?.event !== 'group_member_joined') return;
      const members = change.data.userIds.map((userId) => ({ userId, role: 'member' as const }));
      await memberships.join(id, { ...joining, members });
    },
  };
}
