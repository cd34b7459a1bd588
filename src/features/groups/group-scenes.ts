import { AppError } from '../../core/errors.ts';
import type { Scene } from './authority.rules.ts';
import type { GroupMembership, GroupRecord } from './groups.rules.ts';

interface ScenesDeps {
  findAlive(groupIds: readonly string[]): Promise<GroupRecord[]>;
  findPeople(groupId: string, userIds: readonly string[]): Promise<Map<string, GroupMembership>>;
}

export type Scenes = ReturnType<typeof createScenes>;

/** Reads by what questions are judged that change nothing. */
export function createScenes({ findAlive, findPeople }: ScenesDeps) {
  /** A group as it stands for somebody; `null` if there is none. */
  async function find(groupId: string, actorId: string): Promise<Scene | null> {
    const [[group], people] = await Promise.all([findAlive([groupId]), findPeople(groupId, [actorId])]);
    return group ? { group, actorId, people, now: new Date() } : null;
  }

  return {
    find,

    /** Throws `not_found` where there is no group. */
    async require(groupId: string, actorId: string): Promise<Scene> {
      const scene = await find(groupId, actorId);
      if (!scene) throw new AppError('not_found');
      return scene;
    },
  };
}
