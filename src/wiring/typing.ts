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
}

/** Who types where. */
export function buildTyping({ log, delivery, relations }: TypingInput) {
  return createTyping({
    delivery,
    privateConversationOf: pairIdOf,
    areFriends: relations.areFriends,
    // nobody is in a group yet
    findAudience: async () => null,
    inTurn: createTurns(),
    onFailure: (error) => log.warn({ err: error }, 'the end of typing was not told'),
  });
}
