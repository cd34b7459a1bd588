import { AppError } from '../../core/errors.ts';
import type { Send } from './pending.ts';

interface SendAuthorityDeps {
  /** Which of these pairs are friends now. */
  findFriendPairs(pairIds: readonly string[]): Promise<Set<string>>;
}

/** Judges who may write where, for all that waits in one read. Never remembered: authority is what it is now. */
export function createSendAuthority({ findFriendPairs }: SendAuthorityDeps) {
  return async (sends: readonly Send[]): Promise<Map<Send, AppError>> => {
    const friendPairs = await findFriendPairs([
      ...new Set(sends.map(({ conversationId }) => conversationId)),
    ]);
    const refused = sends.filter(({ conversationId }) => !friendPairs.has(conversationId));
    return new Map(refused.map((send) => [send, new AppError('not_allowed')]));
  };
}
