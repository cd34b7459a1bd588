import { z } from 'zod';
import type { Media } from '../../core/media.ts';
import type { Handlers } from '../../core/operation.ts';
import { decodeCursor, encodeCursor } from '../../core/page.ts';
import type { CodeFormat, QrCode } from '../qr-codes/qr-codes.contract.ts';
import { isAdmin, requireMember } from './authority.rules.ts';
import { invited, isLive, revoked } from './code-decisions.ts';
import type { GroupChanges } from './group-changes.ts';
import type { groupCodesContract, ListedInvite } from './group-codes.contract.ts';
import type { Scenes } from './group-scenes.ts';
import type { Invite } from './groups.rules.ts';
import type { JoiningByCode } from './joining-by-code.ts';
import { mayBringIn } from './member-decisions.ts';

/** Whose code it is, and for which group. */
interface CodeOwner {
  userId: string;
  groupId: string;
}

interface GroupCodesDeps {
  changes: GroupChanges;
  scenes: Scenes;
  codes: {
    show(
      owner: CodeOwner,
      how: { format: CodeFormat; originSocketId: string | null },
    ): Promise<QrCode | Media>;
    renew(owner: CodeOwner): Promise<QrCode>;
    newCode(): string;
    urlOf(code: string): string;
  };
  hashOf(code: string): string;
  newId(): string;
  lifetimeSeconds: number;
  joinByCode: JoiningByCode['joinByCode'];
}

const usualLimit = 50;
const inviteId = z.string().regex(/^[0-9a-f]{24}$/);

/** By what members bring people in whom they do not name: their QR code, and invite links. */
export function createGroupCodes(deps: GroupCodesDeps): Handlers<typeof groupCodesContract> {
  const { changes, scenes, codes } = deps;

  return {
    joinByCode: deps.joinByCode,

    async getCode({ groupId, format }, { actor: { userId }, originSocketId }) {
      mayBringIn(await scenes.require(groupId, userId));
      return codes.show({ userId, groupId }, { format, originSocketId });
    },

    async renewCode({ groupId }, { actor: { userId } }) {
      mayBringIn(await scenes.require(groupId, userId));
      return codes.renew({ userId, groupId });
    },

    async createInvite({ groupId, maxUses, expiresIn }, { actor: { userId }, originSocketId }) {
      const code = codes.newCode();
      const invite: Invite = {
        id: deps.newId(),
        codeHash: deps.hashOf(code),
        createdBy: userId,
        expiresAt: new Date(Date.now() + (expiresIn ?? deps.lifetimeSeconds) * 1000),
        maxUses,
        uses: 0,
      };
      await changes.change({
        groupId,
        actorId: userId,
        decide: (scene) => invited(scene, invite),
        originSocketId,
      });
      return { ...toListed(invite), code, url: codes.urlOf(code) };
    },

    async listInvites({ groupId, limit = usualLimit, cursor }, { actor: { userId } }) {
      const before = cursor === undefined ? null : decodeCursor(cursor, inviteId);
      const scene = await scenes.require(groupId, userId);
      requireMember(scene);
      const shown = scene.group.invites
        .filter((invite) => isLive(invite, scene.now) && (isAdmin(scene) || invite.createdBy === userId))
        .filter(({ id }) => before === null || id < before)
        .toSorted((one, other) => (one.id < other.id ? 1 : -1));
      const page = shown.slice(0, limit);
      const last = page.at(-1);
      return {
        items: page.map(toListed),
        nextCursor: shown.length > limit && last ? encodeCursor(last.id) : null,
      };
    },

    async revokeInvite({ groupId, inviteId: id }, { actor, originSocketId }) {
      await changes.change({
        groupId,
        actorId: actor.userId,
        decide: (scene) => revoked(scene, id),
        originSocketId,
      });
    },
  };
}

function toListed({ id, expiresAt, maxUses, uses, createdBy }: Invite): ListedInvite {
  return { id, expiresAt: expiresAt.toISOString(), maxUses, uses, createdBy };
}
