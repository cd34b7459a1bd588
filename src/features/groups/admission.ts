import { AppError } from '../../core/errors.ts';
import type { InTurn } from '../../core/in-turn.ts';
import type { Privacy } from '../users/users.contract.ts';
import { type Decision, mostJoined } from './groups.rules.ts';

interface AdmissionDeps {
  privateConversationOf(oneId: string, otherId: string): string;
  /** Which of these pairs are friends now. */
  findFriendPairs(pairIds: readonly string[]): Promise<Set<string>>;
  findPeople(userIds: readonly string[]): Promise<{ privacy: Privacy; isGone: boolean }[]>;
  /** In how many groups somebody is, counted no further than `upTo`. */
  countGroupsOf(userId: string, upTo: number): Promise<number>;
  inTurn: InTurn;
}

export type Admission = ReturnType<typeof createAdmission>;

/** Who may be brought into groups, and who has room for another one. */
export function createAdmission(deps: AdmissionDeps) {
  /** Throws `limit_reached` if one of them is in as many groups as one can be in. */
  async function requireRoom(userIds: readonly string[]): Promise<void> {
    const counts = await Promise.all(userIds.map((userId) => deps.countGroupsOf(userId, mostJoined)));
    if (counts.some((count) => count >= mostJoined)) throw new AppError('limit_reached');
  }

  return {
    requireRoom,

    /** Throws `not_allowed` unless all of them are friends of the inviter and let friends do so. */
    async requireInvitable(inviterId: string, userIds: readonly string[]): Promise<void> {
      if (userIds.length === 0) return;
      const pairIds = userIds.map((userId) => deps.privateConversationOf(inviterId, userId));
      const [friends, people] = await Promise.all([deps.findFriendPairs(pairIds), deps.findPeople(userIds)]);
      const areWilling = people.every(({ privacy, isGone }) => !isGone && privacy.groupInvites === 'friends');
      if (friends.size < userIds.length || people.length < userIds.length || !areWilling)
        throw new AppError('not_allowed');
    },

    /** The decision, unless one of those who would join by it is in too many groups. */
    async withRoom(decision: Decision | null): Promise<Decision | null> {
      if (decision?.change?.event === 'group_member_joined') await requireRoom(decision.change.data.userIds);
      return decision;
    },

    /** Lets people join one group after the other in this process, so that their room holds until they are in. */
    inTurnOf: <T>(userIds: readonly string[], work: () => Promise<T>): Promise<T> =>
      deps.inTurn([...new Set(userIds)], work),
  };
}
