import { AppError } from '../../core/errors.ts';
import type { Scene } from './group-decisions.ts';
import type { GroupMembership, GroupRecord } from './groups.rules.ts';

interface ScenesDeps {
  findAlive(groupIds: readonly string[]): Promise<GroupRecord[]>;
  findPeople(groupId: string, userIds: readonly string[]): Promise<Map<string, GroupMembership>>;
}

export type ReadScene = ReturnType<typeof createSceneReader>;

/** A group and the actor in it as they are now, for judging what changes nothing. Throws `not_found` where there is no group. */
export function createSceneReader({ findAlive, findPeople }: ScenesDeps) {
  return async (groupId: string, actorId: string): Promise<Scene> => {
    const [[group], people] = await Promise.all([findAlive([groupId]), findPeople(groupId, [actorId])]);
    if (!group) throw new AppError('not_found');
    return { group, actorId, people, now: new Date() };
  };
}
