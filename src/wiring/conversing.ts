import type { Connection } from 'mongoose';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { contracts, type pushEvents } from '../contracts.ts';
import type { Delivery } from '../core/delivery.ts';
import { bind } from '../core/operation.ts';
import { createConversationViews } from '../features/conversations/conversation-views.ts';
import { createConversationsService } from '../features/conversations/conversations.service.ts';
import { createHeadStore } from '../features/conversations/heads.store.ts';
import { createHeads } from '../features/conversations/heads.ts';
import { createMembershipStore } from '../features/conversations/memberships.store.ts';
import { createPrivateView } from '../features/conversations/private-view.ts';
import { pairIdOf } from '../features/friends/friends.store.ts';
import type { createRelations } from '../features/friends/relations.ts';
import { createChangeLog } from '../features/messages/change-log.ts';
import { createHiddenMessageStore } from '../features/messages/hidden-messages.store.ts';
import { createMessageChanges } from '../features/messages/message-changes.service.ts';
import { createMessageChangeStore } from '../features/messages/message-changes.store.ts';
import { createMessageReader } from '../features/messages/message-reader.ts';
import { createMessageWriter } from '../features/messages/message-writer.ts';
import { createMessagesService } from '../features/messages/messages.service.ts';
import { createMessageStore } from '../features/messages/messages.store.ts';
import { createReferences } from '../features/messages/outgoing.ts';
import { createPersonalMessages } from '../features/messages/personal-messages.ts';
import { createSeenMessages } from '../features/messages/seen-messages.ts';
import { createSendAuthority } from '../features/messages/send-authority.ts';
import type { createUsersService } from '../features/users/users.service.ts';
import { createTurns } from '../platform/turns.ts';

interface ConversingInput {
  config: Config;
  connection: Connection;
  log: Logger;
  delivery: Delivery<typeof pushEvents>;
  relations: ReturnType<typeof createRelations>;
  users: ReturnType<typeof createUsersService>;
  onSent(senderId: string, conversationId: string): void;
}

/** Messages and conversations: the log, its writer, and what each member sees of it. */
export function buildConversing({
  config,
  connection,
  log,
  delivery,
  relations,
  users,
  onSent,
}: ConversingInput) {
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
  const viewOf = createPrivateView(memberships);
  const changeStore = createMessageChangeStore(connection);
  const seen = createSeenMessages({ find: changeStore.find, hidden, viewOf });
  const changeLog = createChangeLog({
    store: changeStore,
    writer,
    delivery,
    inTurn: createTurns(),
    onChanged: async () => {},
  });
  const messageChanges = createMessageChanges({
    changeLog,
    reader,
    seen,
    hidden,
    delivery,
    areFriends: relations.areFriends,
    editWithinMs: config.editWindowMs,
    onDeleted: async () => {},
  });
  const messages = createMessagesService({
    store: messageStore,
    reader,
    writer,
    delivery,
    privateConversationOf: pairIdOf,
    areFriends: relations.areFriends,
    findReferences: createReferences(seen),
    onSent,
    viewOf,
  });
  const conversations = createConversationsService({
    memberships,
    heads,
    describe: createConversationViews({
      memberships,
      usersFor: users.viewsFor,
      readAt: reader.readAt,
      findHeadsAt: messageStore.findHeadsAt,
    }),
    readLog: reader.readLog,
    async listChangesSince(userId, since) {
      const [lists, profile] = await Promise.all([
        relations.listChangesSince(userId, since),
        users.profileChangesSince(userId, since),
      ]);
      return { ...lists, profile };
    },
  });

  return {
    operations: [
      ...bind('messages', contracts.messages, messages),
      ...bind('messageChanges', contracts.messageChanges, messageChanges),
      ...bind('conversations', contracts.conversations, conversations),
    ],
    holders: [
      createPersonalMessages(messageStore),
      // the marks of who has gone are what the other's receipts are told by
      { erase: async (userId: string) => ({ kept: { memberships: await memberships.countOf(userId) } }) },
    ],
    resume: changeLog.resume,
    /** Makes what waits for a conversation be checked again: somebody's authority in it has changed. */
    recheck: writer.recheck,
    async settle(): Promise<void> {
      await writer.idle();
      await heads.flush();
    },
  };
}
