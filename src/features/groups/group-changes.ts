import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../core/errors.ts';
import type { InTurn } from '../../core/in-turn.ts';
import type { Scene } from './authority.rules.ts';
import type { GroupEffects } from './group-effects.ts';
import type { TellGroup } from './group-news.ts';
import type { GroupChange } from './groups.contract.ts';
import type { Decision, GroupMembership, GroupRecord, OutboxItem } from './groups.rules.ts';
import type { GroupStore } from './groups.store.ts';

interface GroupChangesDeps {
  store: GroupStore;
  findPeople(groupId: string, userIds: readonly string[]): Promise<Map<string, GroupMembership>>;
  effects: GroupEffects;
  /** Writes what happened into the log, once. Answers its place there. */
  log(entry: {
    id: string;
    groupId: string;
    actorId: string;
    change: GroupChange;
  }): Promise<{ seq: number; isRepeat: boolean }>;
  /** Makes what waits to be written there be checked again. */
  recheck(groupId: string): void;
  tell: TellGroup;
  /** Lets changes of one group happen one after the other in this process. */
  inTurn: InTurn;
}

interface ChangeRequest {
  groupId: string;
  actorId: string;
  /** Whom the change is about, besides the actor. */
  userIds?: readonly string[];
  /** Answers `null` where nothing is to be changed; throws to refuse. Asked again if another change came first. */
  decide(scene: Scene): Decision | null | Promise<Decision | null>;
  originSocketId: string | null;
}

const attempts = 50;
const jitterMs = 20;
const unsettledPerTurn = 100;
/** A change that is older is left over from a crash. */
const settlesWithinMs = 10_000;

export type GroupChanges = ReturnType<typeof createGroupChanges>;

/**
 * Changes groups: one conditional write of the group is the change, judged by its version, so that all changes of a group
 * have one order and each is decided on what the one before has left. Memberships and the log follow, by anybody.
 */
export function createGroupChanges({
  store,
  findPeople,
  effects,
  recheck,
  tell,
  inTurn,
  ...deps
}: GroupChangesDeps) {
  /** Throws `not_found` where there is no group any more. */
  async function findSettled(groupId: string): Promise<GroupRecord> {
    const group = await store.find(groupId);
    if (group?.outbox) {
      const { outbox, ...settled } = group;
      await settle(group, outbox, null);
      return settled;
    }
    if (!group) throw new AppError('not_found');
    return group;
  }

  /** Brings a change that is made into memberships and log, and tells it. */
  async function settle(group: GroupRecord, item: OutboxItem, originSocketId: string | null): Promise<void> {
    await effects.beforeEntry(group, item);
    recheck(group.id);
    const { entryId: id, actorId, change } = item;
    const logged = change && (await deps.log({ id, groupId: group.id, actorId, change }));
    if (logged) await effects.afterEntry(group, item, logged.seq);
    const told = {
      group,
      item,
      seq: logged?.seq ?? null,
      isRepeat: logged?.isRepeat ?? false,
      originSocketId,
    };
    await Promise.all([tell(told), store.settle(group.id, id)]);
  }

  return {
    /** Begins a group. Resolves when its first members are in it. */
    async begin(group: GroupRecord, outbox: OutboxItem, originSocketId: string | null): Promise<void> {
      await store.create({ ...group, outbox });
      await inTurn([group.id], () => settle(group, outbox, originSocketId));
    },

    /** Resolves with the group as it is then, when everything that follows the change is done. */
    change: ({
      groupId,
      actorId,
      userIds = [],
      decide,
      originSocketId,
    }: ChangeRequest): Promise<GroupRecord> =>
      inTurn([groupId], async () => {
        for (let attempt = 0; attempt < attempts; attempt++) {
          const group = await findSettled(groupId);
          if (group.dissolvedAt) throw new AppError('not_found');
          const people = await findPeople(groupId, [...new Set([actorId, ...userIds])]);
          const now = new Date();
          const decision = await decide({ group, actorId, people, now });
          if (!decision) return group;
          const { update, change = null, aftermath = {} } = decision;
          const item = {
            entryId: store.newId(),
            actorId,
            at: now,
            version: group.version + 1,
            change,
            aftermath,
          };
          const after = await store.commit(group, update, item);
          if (after) {
            await settle(after, item, originSocketId);
            return after;
          }
          await delay(Math.random() * jitterMs);
        }
        throw new AppError('unavailable');
      }),

    /** Takes up what a crash left over. One that cannot be settled does not hold up the others. */
    async resume(): Promise<void> {
      const before = new Date(Date.now() - settlesWithinMs);
      const failures: unknown[] = [];
      for (const { id } of await store.findUnsettled(before, unsettledPerTurn))
        await inTurn([id], () => findSettled(id)).catch((error: unknown) => failures.push(error));
      if (failures.length > 0) throw new AggregateError(failures, 'Changes of groups could not be settled');
    },
  };
}
