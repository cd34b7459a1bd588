import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import type { Admission } from './admission.ts';
import { cameByCode, isGood } from './code-decisions.ts';
import type { GroupChanges } from './group-changes.ts';
import type { groupCodesContract } from './group-codes.contract.ts';
import type { Scenes } from './group-scenes.ts';
import type { GroupViews } from './group-views.ts';
import type { GroupPreview } from './groups.contract.ts';

interface JoiningByCodeDeps {
  changes: GroupChanges;
  views: GroupViews;
  admission: Admission;
  scenes: Scenes;
  /** What a code means; `null` for nothing. Throws `rate_limited` after many of those from one network. */
  readCode(
    codeOrUrl: string,
    address: string,
  ): Promise<{ makerId: string; groupId: string | null; inviteId: string | null } | null>;
  /** Whether somebody has an account still. */
  isPresent(userId: string): Promise<boolean>;
  mostMembers: number;
}

export type JoiningByCode = ReturnType<typeof createJoiningByCode>;

/** How people come in by a code, and what they see of the group before. */
export function createJoiningByCode({ changes, views, admission, scenes, ...deps }: JoiningByCodeDeps) {
  const joinByCode: Handlers<typeof groupCodesContract>['joinByCode'] = async (
    { code },
    { actor: { userId }, address, originSocketId },
  ) => {
    const meaning = await deps.readCode(code, address);
    if (!meaning || meaning.groupId === null) throw new AppError('not_found');
    const { groupId, makerId, inviteId } = meaning;
    let isPending = false;
    const group = await admission.inTurnOf([userId], () =>
      changes.change({
        groupId,
        actorId: userId,
        userIds: [makerId],
        async decide(scene) {
          const hasMaker = await deps.isPresent(makerId);
          const came = cameByCode(scene, { makerId, hasMaker, inviteId }, deps.mostMembers);
          isPending = came.isPending;
          return admission.withRoom(came.decision);
        },
        originSocketId,
      }),
    );
    return isPending ? { status: 'pending' } : views.toGroup(group, userId);
  };

  return {
    joinByCode,

    /** The group that a code leads to; `null` if nobody would come in by it now. */
    async findGroup(
      groupId: string,
      by: { makerId: string; inviteId: string | null },
    ): Promise<GroupPreview | null> {
      const hasMaker = await deps.isPresent(by.makerId);
      const scene = await scenes.find(groupId, by.makerId);
      return scene && isGood(scene, { ...by, hasMaker }) ? views.toPreview(scene.group) : null;
    },
  };
}
