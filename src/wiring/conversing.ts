import type { Connection } from 'mongoose';
import type { Logger } from 'pino';
import { contracts, type pushEvents } from '../contracts.ts';
import type { Delivery } from '../core/delivery.ts';
import { bind } from '../core/operation.ts';
import { createConversationViews } from '../features/conversations/conversation-views.ts';
import { visibleFrom } from '../features/conversations/conversations.rules.ts';
import { createConversationsService } from '../features/conversations/conversations.service.ts';
import { createHeadStore } from '../features/conversations/heads.store.ts';
import { createHeads } from '../features/conversations/heads.ts';
import { createMembershipStore } from '../features/conversations/memberships.store.ts';
import { createPrivateView } from '../features/conversations/private-view.ts';
import { pairIdOf } from '../features/friends/friends.store.ts';
import type { createRelations } from '../features/friends/relations.ts';
import { createMessageWriter } from '../features/messages/message-writer.ts';
import { createMessagesService } from '../features/messages/messages.service.ts';
import { createMessageStore } from '../features/messages/messages.store.ts';
import { createPersonalMessages } from '../features/messages/personal-messages.ts';
import { createSendAuthority } from '../features/messages/send-authority.ts';
import { createSentMessageStore } from '../features/messages/sent-messages.store.ts';
import type { createUsersService } from '../features/users/users.service.ts';

interface ConversingInput {
  connection: Connection;
  log: Logger;
  delivery: Delivery<typeof pushEvents>;
  relations: ReturnType<typeof createRelations>;
  users: ReturnType<typeof createUsersService>;
}

interface Asked {
  userId: string;
  messageId: string;
  conversationId: string;
}

/** Messages and conversations: the log, its writer, and what each member sees of it. */
export function buildConversing({ connection, log, delivery, relations, users }: ConversingInput) {
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
  const messages = createMessagesService({
    store: messageStore,
    writer,
    delivery,
    privateConversationOf: pairIdOf,
    areFriends: relations.areFriends,
    viewOf: createPrivateView(memberships),
  });
  const conversations = createConversationsService({
    memberships,
    heads,
    describe: createConversationViews({
      memberships,
      usersFor: users.viewsFor,
      readAt: messages.readAt,
      findHeadsAt: messageStore.findHeadsAt,
    }),
    readPage: messages.readPage,
    async listChangesSince(userId, since) {
      const [lists, profile] = await Promise.all([
        relations.listChangesSince(userId, since),
        users.profileChangesSince(userId, since),
      ]);
      return { ...lists, blacklist: [], profile };
    },
  });

  const findSent = createSentMessageStore(connection);

  return {
    async canSeeMessage({ userId, messageId, conversationId }: Asked): Promise<boolean> {
      const [sent, [membership]] = await Promise.all([
        findSent([messageId]),
        memberships.findOf(userId, [conversationId]),
      ]);
      const message = sent.get(messageId);
      if (!message || !membership || message.conversationId !== conversationId) return false;
      return !message.isRecalled && message.seq >= visibleFrom(membership);
    },
    async messageStates(messageIds: readonly string[]): Promise<Map<string, 'kept' | 'recalled'>> {
      const sent = await findSent(messageIds);
      return new Map([...sent].map(([id, { isRecalled }]) => [id, isRecalled ? 'recalled' : 'kept']));
    },
    operations: [
      ...bind('messages', contracts.messages, messages.handlers),
      ...bind('conversations', contracts.conversations, conversations),
    ],
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
