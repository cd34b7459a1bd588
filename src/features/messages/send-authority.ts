import { AppError } from '../../core/errors.ts';
import { isMessage } from './messages.rules.ts';
import type { Send } from './pending.ts';

interface SendAuthorityDeps {
  /** Which of these pairs are friends now. */
  findFriendPairs(pairIds: readonly string[]): Promise<Set<string>>;
}

/** Judges who may write where, for all that waits in one read. Never remembered: authority is what it is now. */
export function createSendAuthority({ findFriendPairs }: SendAuthorityDeps) {
  return async (sends: readonly Send[]): Promise<Map<Send, AppError>> => {
    // a change is made already when it comes here
    const messages = sends.filter(isMessage);
    const pairIds = [...new Set(messages.map(({ conversationId }) => conversationId))];
    const friendPairs = pairIds.length > 0 ? await findFriendPairs(pairIds) : new Set();
    const refused = messages.filter(({ conversationId }) => !friendPairs.has(conversationId));
    return new Map(refused.map((send) => [send, new AppError('not_allowed')]));
  };
}
