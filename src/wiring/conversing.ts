import type { Connection } from 'mongoose';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { pushEvents } from '../contracts.ts';
import type { Delivery } from '../core/delivery.ts';
import { createHeadStore } from '../features/conversations/heads.store.ts';
import { createHeads } from '../features/conversations/heads.ts';
import { createMembershipStore } from '../features/conversations/memberships.store.ts';
import { createUndelivered } from '../features/conversations/undelivered.ts';
import type { createRelations } from '../features/friends/relations.ts';
import type { createUsersService } from '../features/users/users.service.ts';
import { buildConversations } from './conversations.ts';
import { buildMessages, type MessagesInput } from './messages.ts';

interface ConversingInput {
  config: Config;
  connection: Connection;
  log: Logger;
  delivery: Delivery<typeof pushEvents>;
  relations: ReturnType<typeof createRelations>;
  users: ReturnType<typeof createUsersService>;
  attachments: MessagesInput['attachments'];
  onSent: MessagesInput['onSent'];
  /** Whether anybody would hear what is told to a person but not to the acting socket. */
  isHeard(userId: string, originSocketId: string | null): boolean;
}

/** Messages and conversations: the log, and what each member sees of it. */
export function buildConversing(input: ConversingInput) {
  const { connection, log } = input;
  const memberships = createMembershipStore(connection);
  const messages = buildMessages({
    ...input,
    viewOf: (viewerId, conversationId, peerId) => conversations.viewOf(viewerId, conversationId, peerId),
    openConversation: memberships.createPair,
    onAppended: (conversationId, head) => heads.note(conversationId, head),
    onDeleted: ({ userId, conversationId, originSocketId }) =>
      conversations.noteDeleted(userId, conversationId, originSocketId),
  });
  const { store: messageStore, hidden, reader } = messages;
  const heads = createHeads({
    store: createHeadStore(connection),
    findHeadsAbove: messageStore.findHeadsAbove,
    onFailure: (error) => log.warn({ err: error }, 'conversation heads were not raised'),
  });
  const conversations = buildConversations({ ...input, memberships, heads, messageStore, hidden, reader });

  return {
    operations: [...messages.operations, ...conversations.operations],
    holders: [
      ...messages.holders,
      // the marks of who has gone are what the other's receipts are told by
      { erase: async (userId: string) => ({ kept: { memberships: await memberships.countOf(userId) } }) },
    ],
    resume: messages.resume,
    recheck: messages.recheck,
    canSeeMessage: messages.canSee,
    messageStates: messages.states,
    findUndelivered: createUndelivered({
      memberships,
      heads,
      findHeadsAt: messageStore.findHeadsAt,
      readOldest: messages.readOldest,
    }),
    async settle(): Promise<void> {
      await messages.idle();
      await heads.flush();
    },
  };
}
