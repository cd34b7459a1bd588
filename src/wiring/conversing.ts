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
import { createHiddenMessageStore } from '../features/messages/hidden-messages.store.ts';
import { createMessageReader } from '../features/messages/message-reader.ts';
import { createMessageWriter } from '../features/messages/message-writer.ts';
import { headOf } from '../features/messages/messages.rules.ts';
import { createMessagesService } from '../features/messages/messages.service.ts';
import { createMessageStore } from '../features/messages/messages.store.ts';
import { createPersonalMessages } from '../features/messages/personal-messages.ts';
import { createSendAuthority } from '../features/messages/send-authority.ts';
import type { createUsersService } from '../features/users/users.service.ts';
import { buildHistory } from './history.ts';
import { buildSearching } from './searching.ts';

interface ConversingInput {
  config: Config;
  connection: Connection;
  log: Logger;
  delivery: Delivery<typeof pushEvents>;
  relations: ReturnType<typeof createRelations>;
  users: ReturnType<typeof createUsersService>;
}

/** Messages and conversations: the log, its writer, and what each member sees of it. */
export function buildConversing({ config, connection, log, delivery, relations, users }: ConversingInput) {
  const memberships = createMembershipStore(connection);
  const messageStore = createMessageStore(connection);
  const headStore = createHeadStore(connection);
  const heads = createHeads({
    store: headStore,
    findHeadsAbove: messageStore.findHeadsAbove,
    onFailure: (error) => log.warn({ err: error }, 'conversation heads were not raised'),
  });
  const { floors, sweeping } = buildHistory({
    connection,
    ...config.history,
    headStore,
    findHeads: heads.of,
    findHeadsAt: messageStore.findHeadsAt,
    async forget(messageIds) {
      await Promise.all([searching.forget(messageIds), hidden.forget(messageIds)]);
    },
  });
  const hidden = createHiddenMessageStore(connection);
  const reader = createMessageReader({ store: messageStore, hidden });
  const searching = buildSearching({
    connection,
    log,
    memberships,
    floors,
    readShown: reader.readShown,
    async readEntries(range) {
      const entries = await messageStore.readById(range);
      // a crash takes these hints with it as well
      for (const entry of entries) heads.note(entry.conversationId, headOf(entry));
      return entries;
    },
  });
  const writer = createMessageWriter({
    log: messageStore,
    findRefused: createSendAuthority(relations),
    openConversation: ({ conversationId, senderId, receiverId }) =>
      memberships.createPair(conversationId, [senderId, receiverId]),
    onAppended(entry) {
      heads.note(entry.conversationId, headOf(entry));
      searching.note(entry);
    },
  });
  const messages = createMessagesService({
    store: messageStore,
    reader,
    writer,
    delivery,
    privateConversationOf: pairIdOf,
    areFriends: relations.areFriends,
    viewOf: createPrivateView(memberships, floors),
  });
  const conversations = createConversationsService({
    memberships,
    heads,
    floors,
    describe: createConversationViews({
      memberships,
      floors,
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
      return { ...lists, blacklist: [], profile };
    },
  });

  return {
    operations: [
      ...bind('messages', contracts.messages, messages),
      ...bind('conversations', contracts.conversations, conversations),
      ...searching.operations,
    ],
    /** What goes on by itself: once when the database is there, and again and again. */
    begins: [searching.begins, ...sweeping.map(({ work }) => work)],
    repeats: [...searching.repeats, ...sweeping],
    holders: [
      createPersonalMessages(messageStore),
      // the marks of who has gone are what the other's receipts are told by
      { erase: async (userId: string) => ({ kept: { memberships: await memberships.countOf(userId) } }) },
    ],
    async settle(): Promise<void> {
      await writer.idle();
      await heads.flush();
      await searching.settle();
    },
  };
}
