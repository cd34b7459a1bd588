import { AppError, invalidField } from '../../core/errors.ts';
import type { GroupSettings, Role } from '../groups/groups.contract.ts';
import { isMessage } from './messages.rules.ts';
import type { Send } from './pending.ts';

/** What somebody is in a group that they are in, and until when they may not write there. */
interface Member {
  role: Role | null;
  mutedUntil: Date | null;
}

interface SendRules {
  mutedAll: boolean;
  settings: Pick<GroupSettings, 'whoCanMentionAll'>;
}

interface SendAuthorityDeps {
  /** Which of these pairs are friends now. */
  findFriendPairs(pairIds: readonly string[]): Promise<Set<string>>;
  /** Those of these people who are in these groups now, by group. */
  findMembers(
    asked: readonly { groupId: string; userIds: readonly string[] }[],
  ): Promise<Map<string, Map<string, Member>>>;
  /** What these groups let their members do; without those that have ended. */
  findSendRules(groupIds: readonly string[]): Promise<Map<string, SendRules>>;
}

/** Something that somebody is about to write, or to do to what is written. */
type Act = Pick<Send, 'senderId' | 'conversationId' | 'type' | 'mentions'>;

/** What is so now of everything that acts have to do with. */
interface Standing {
  friendPairs: ReadonlySet<string>;
  members: ReadonlyMap<string, ReadonlyMap<string, Member>>;
  rules: ReadonlyMap<string, SendRules>;
  at: Date;
}

const everybody = 'all';
const notAMember = { en: 'Not a member of this group', zh: '不是本群成员' };

/**
 * Judges who may write where, for all that waits in one read of each kind. Never remembered: authority is what it is now.
 * Refuses with `not_allowed`, `not_found`, `muted` (with `until`) or, for who is called, `validation_failed`.
 */
export function createSendAuthority({ findFriendPairs, findMembers, findSendRules }: SendAuthorityDeps) {
  async function findStanding(acts: readonly Act[]): Promise<Standing> {
    const pairIds = new Set<string>();
    const asked = new Map<string, Set<string>>();
    for (const { type, conversationId, senderId, mentions = [] } of acts) {
      if (type === 'private') {
        pairIds.add(conversationId);
        continue;
      }
      const userIds = asked.get(conversationId) ?? new Set();
      for (const userId of [senderId, ...mentions]) if (userId !== everybody) userIds.add(userId);
      asked.set(conversationId, userIds);
    }
    const [friendPairs, members, rules] = await Promise.all([
      pairIds.size > 0 ? findFriendPairs([...pairIds]) : new Set<string>(),
      asked.size > 0
        ? findMembers([...asked].map(([groupId, userIds]) => ({ groupId, userIds: [...userIds] })))
        : new Map(),
      asked.size > 0 ? findSendRules([...asked.keys()]) : new Map(),
    ]);
    return { friendPairs, members, rules, at: new Date() };
  }

  return {
    /** Which of these must not be written, as things stand now. */
    async findRefused(sends: readonly Send[]): Promise<Map<Send, AppError>> {
      // a change is made already when it comes here
      const messages = sends.filter(isMessage);
      if (messages.length === 0) return new Map();
      const standing = await findStanding(messages);
      const refused = new Map<Send, AppError>();
      for (const send of messages) {
        const refusal = refusalOf(send, standing);
        if (refusal) refused.set(send, refusal);
      }
      return refused;
    },

    /** Throws unless the person may write in this conversation now. */
    async requireMayWrite(
      userId: string,
      { conversationId, type }: Pick<Send, 'conversationId' | 'type'>,
    ): Promise<void> {
      const act = { senderId: userId, conversationId, type };
      const refusal = refusalOf(act, await findStanding([act]));
      if (refusal) throw refusal;
    },
  };
}

function refusalOf(act: Act, { friendPairs, members, rules, at }: Standing): AppError | null {
  const { type, conversationId, senderId } = act;
  if (type === 'private') return friendPairs.has(conversationId) ? null : new AppError('not_allowed');
  const inGroup = members.get(conversationId);
  const sender = inGroup?.get(senderId);
  const groupRules = rules.get(conversationId);
  if (!inGroup || !sender || !groupRules) return new AppError('not_found');
  const muted = refusalOfMuted(sender, groupRules, at);
  if (muted) return muted;
  const { mentions = [] } = act;
  if (mentions.some((userId) => userId !== everybody && !inGroup.has(userId)))
    return invalidField('mentions', notAMember);
  const mayCallAll = sender.role !== 'member' || groupRules.settings.whoCanMentionAll === 'members';
  return mentions.includes(everybody) && !mayCallAll ? new AppError('not_allowed') : null;
}

/** Nobody can mute the owner, and who becomes it is free. Who is muted along with all others cannot be told when that ends. */
function refusalOfMuted({ role, mutedUntil }: Member, { mutedAll }: SendRules, at: Date): AppError | null {
  if (role === 'owner') return null;
  if (mutedAll && role === 'member') return new AppError('muted', { extra: { until: null } });
  const isMuted = mutedUntil !== null && mutedUntil > at;
  return isMuted ? new AppError('muted', { extra: { until: mutedUntil.toISOString() } }) : null;
}
