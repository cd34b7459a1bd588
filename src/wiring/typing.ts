import type { Logger } from 'pino';
import type { pushEvents } from '../contracts.ts';
import type { Delivery } from '../core/delivery.ts';
import { pairIdOf } from '../features/friends/friends.store.ts';
import type { createRelations } from '../features/friends/relations.ts';
import { createTyping } from '../features/typing/typing.service.ts';
import { createTurns } from '../platform/turns.ts';

interface TypingInput {
  log: Logger;
  delivery: Delivery<typeof pushEvents>;
  relations: ReturnType<typeof createRelations>;
  requireMayWrite(userId: string, conversation: { conversationId: string; type: 'group' }): Promise<void>;
  countMembers(groupId: string): Promise<number>;
}

/** Who types where. */
export function buildTyping({ log, delivery, relations, requireMayWrite, countMembers }: TypingInput) {
  return createTyping({
    delivery,
    privateConversationOf: pairIdOf,
    areFriends: relations.areFriends,
    requireMayWrite: (userId, groupId) => requireMayWrite(userId, { conversationId: groupId, type: 'group' }),
    countMembers,
    inTurn: createTurns(),
    onFailure: (error) => log.warn({ err: error }, 'the end of typing was not told'),
  });
}
