import type { Handlers } from '../../core/operation.ts';
import { createConversationList } from './conversation-list.ts';
import type { conversationsContract } from './conversations.contract.ts';
import { createMemberState } from './member-state.ts';
import { createSync } from './sync.ts';

type ConversationsDeps = Parameters<typeof createSync>[0] &
  Parameters<typeof createConversationList>[0] &
  Parameters<typeof createMemberState>[0];

/** What members do with their conversations, and how they keep up with them. */
export function createConversationsService(deps: ConversationsDeps) {
  const { handlers: stateHandlers, noteDeleted } = createMemberState(deps);
  const handlers: Handlers<typeof conversationsContract> = {
    ...createSync(deps),
    ...createConversationList(deps),
    ...stateHandlers,
  };
  return { handlers, noteDeleted };
}
