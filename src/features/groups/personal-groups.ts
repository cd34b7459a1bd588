import { AppError } from '../../core/errors.ts';
import type { Erased, ExportedFile, PersonalData } from '../../core/personal-data.ts';
import type { AnnouncementStore } from './announcements.store.ts';
import type { Scene } from './authority.rules.ts';
import { withoutInvitesOf } from './code-decisions.ts';
import type { GroupChanges } from './group-changes.ts';
import type { Decision, GroupMembership, GroupRecord } from './groups.rules.ts';
import { answered, bequeathed, left } from './member-decisions.ts';
import { dissolved } from './profile-decisions.ts';

interface PersonalGroupsDeps {
  changes: GroupChanges;
  memberships: {
    /** What somebody is in groups, or asks to be. */
    listOf(userId: string): Promise<(GroupMembership & { groupId: string })[]>;
    /** Who follows the owner; `null` if nobody is left. */
    findSuccessor(groupId: string): Promise<string | null>;
    /** Takes away what somebody called themselves and wrote. Answers in how many groups they had been. */
    anonymise(userId: string): Promise<number>;
  };
  announcements: Pick<AnnouncementStore, 'writtenBy' | 'countWrittenBy' | 'forgetAllReadsOf'>;
  findAlive(groupIds: readonly string[]): Promise<GroupRecord[]>;
}

const groupsAtOnce = 8;
const mostLooks = 5;

/**
 * A person's groups: who goes leaves them all, each of their own to who has served it for longest. What they told groups stays
 * with these.
 */
export function createPersonalGroups(deps: PersonalGroupsDeps): PersonalData {
  const { changes, memberships, announcements } = deps;

  /** Answers whether there was anything to change. */
  async function change(
    groupId: string,
    actorId: string,
    decide: (scene: Scene) => Decision | Promise<Decision>,
  ): Promise<boolean> {
    try {
      await changes.change({ groupId, actorId, decide, originSocketId: null });
      return true;
    } catch (error) {
      // somebody else has ended the group meanwhile, removed the person, or answered them
      if (error instanceof AppError && error.code === 'not_found') return false;
      throw error;
    }
  }

  /** One step out of a group: away from what is another's, or somebody else becomes the owner. Answers what was theirs. */
  async function stepOut(groupId: string, userId: string): Promise<'passed' | 'dissolved' | null> {
    let fate: 'passed' | 'dissolved' | null = null;
    const isDone = await change(groupId, userId, async (scene) => {
      fate = null;
      if (scene.group.ownerId !== userId) return withoutInvitesOf(userId, left(scene), scene.group);
      // nobody comes or goes between this look and the change, or else it is decided anew
      const successorId = await memberships.findSuccessor(groupId);
      fate = successorId === null ? 'dissolved' : 'passed';
      return successorId === null ? dissolved(scene) : bequeathed(scene, successorId);
    });
    return isDone ? fate : null;
  }

  /** Looks again after each step: an owner takes two, and somebody may have let the person in meanwhile. */
  async function leaveAll(userId: string): Promise<{ passed: number; dissolved: number }> {
    const fates: Awaited<ReturnType<typeof stepOut>>[] = [];
    for (let look = 0; look < mostLooks; look++) {
      const groups = (await memberships.listOf(userId)).filter(({ role }) => role !== null);
      if (groups.length === 0) break;
      for (let at = 0; at < groups.length; at += groupsAtOnce) {
        const some = groups.slice(at, at + groupsAtOnce);
        fates.push(...(await Promise.all(some.map(({ groupId }) => stepOut(groupId, userId)))));
      }
    }
    const count = (what: 'passed' | 'dissolved') => fates.filter((fate) => fate === what).length;
    return { passed: count('passed'), dissolved: count('dissolved') };
  }

  return {
    async exportOf(userId): Promise<ExportedFile[]> {
      const [mine, written] = await Promise.all([
        memberships.listOf(userId),
        announcements.writtenBy(userId),
      ]);
      const alive = await deps.findAlive(mine.map(({ groupId }) => groupId));
      const names = new Map(alive.map(({ id, name }) => [id, name]));
      const known = mine.filter(({ groupId }) => names.has(groupId));
      const content = {
        groups: known
          .filter(({ role }) => role !== null)
          .map(({ groupId: id, role, nickname, joinedAt }) => ({
            id,
            name: names.get(id),
            role,
            nickname,
            joinedAt,
          })),
        requests: known.flatMap(({ groupId, request }) =>
          // whom a member would like to have does not know of it
          request === null || !request.isOwn
            ? []
            : { groupId, message: request.message, createdAt: request.at },
        ),
        announcements: written.map(({ groupId, content, createdAt }) => ({ groupId, content, createdAt })),
      };
      return [{ name: 'groups.json', content: JSON.stringify(content, null, 2) }];
    },

    async erase(userId): Promise<Erased> {
      const asked = (await memberships.listOf(userId)).filter(({ request }) => request !== null);
      for (const { groupId } of asked)
        await change(groupId, userId, (scene) => answered(scene, userId, 'withdrawn'));
      const { passed, dissolved } = await leaveAll(userId);
      const reads = await announcements.forgetAllReadsOf(userId);
      const written = await announcements.countWrittenBy(userId);
      const anonymous = await memberships.anonymise(userId);
      return {
        deleted: counted({ groups: dissolved, announcement_reads: reads }),
        anonymised: counted({ memberships: anonymous }),
        kept: counted({ groups: passed, announcements: written }),
      };
    },
  };
}

/** Without what there is none of. */
function counted(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}
