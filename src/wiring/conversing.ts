import type { Connection } from 'mongoose';
import type { Logger } from 'pino';
import { contracts, type pushEvents } from '../contracts.ts';
import type { Delivery } from '../core/delivery.ts';
import { bind } from '../core/operation.ts';
import { createHeadStore } from '../features/conversations/heads.store.ts';
import { createHeads } from '../features/conversations/heads.ts';
import { createMembershipStore } from '../features/conversations/memberships.store.ts';
import { pairIdOf } from '../features/friends/friends.store.ts';
import type { createRelations } from '../features/friends/relations.ts';
import { createHiddenMessageStore } from '../features/messages/hidden-messages.store.ts';
import { createMessageReader } from '../features/messages/message-reader.ts';
import { createMessageWriter } from '../features/messages/message-writer.ts';
import { createMessagesService } from '../features/messages/messages.service.ts';
import { createMessageStore } from '../features/messages/messages.store.ts';
import { createPersonalMessages } from '../features/messages/personal-messages.ts';
import { createSendAuthority } from '../features/messages/send-authority.ts';
import type { createUsersService } from '../features/users/users.service.ts';
import { buildConversations } from './conversations.ts';

interface ConversingInput {
  connection: Connection;
  log: Logger;
  delivery: Delivery<typeof pushEvents>;
  relations: ReturnType<typeof createRelations>;
  users: ReturnType<typeof createUsersService>;
  /** Whether anybody would hear what is told to a person but not to the acting socket. */
  isHeard(userId: string, originSocketId: string | null): boolean;
}

/** Messages and conversations: the log, its writer, and what each member sees of it. */
export function buildConversing(input: ConversingInput) {
  const { connection, log, delivery, relations } = input;
  const memberships = createMembershipStore(connection);
  const messageStore = createMessageStore(connection);
  const heads = createHeads({
    store: createHeadStore(connection),
    findHeadsAbove: messageStore.findHeadsAbove,
    onFailure: (error) => log.warn({ err: error }, 'conversation heads were not raised'),
  });
  const writer = createMessageWriter({
    log: messageStore,
    findRefused: createSendAuthority(relations),
    openConversation: ({ conversationId, senderId, receiverId }) =>
      memberships.createPair(conversationId, [senderId, receiverId]),
    onAppended: heads.note,
  });
  const hidden = createHiddenMessageStore(connection);
  const reader = createMessageReader({ store: messageStore, hidden });
  const conversations = buildConversations({ ...input, memberships, heads, messageStore, hidden, reader });
  const messages = createMessagesService({
    store: messageStore,
    reader,
    writer,
    delivery,
    privateConversationOf: pairIdOf,
    areFriends: relations.areFriends,
    viewOf: conversations.viewOf,
  });
  return {
    operations: [...bind('messages', contracts.messages, messages), ...conversations.operations],
    holders: [
      createPersonalMessages(messageStore),
      // the marks of who has gone are what the other's receipts are told by
      { erase: async (userId: string) => ({ kept: { memberships: await memberships.countOf(userId) } }) },
    ],
    async settle(): Promise<void> {
      await writer.idle();
      await heads.flush();
    },
  };
}
