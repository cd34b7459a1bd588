import type { Connection } from 'mongoose';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { contracts, type pushEvents } from '../contracts.ts';
import type { Delivery } from '../core/delivery.ts';
import { bind } from '../core/operation.ts';
import { createConversationNews } from '../features/conversations/conversation-news.ts';
import { createConversationViews } from '../features/conversations/conversation-views.ts';
import { createConversationsService } from '../features/conversations/conversations.service.ts';
import { createHeadStore } from '../features/conversations/heads.store.ts';
import { createHeads } from '../features/conversations/heads.ts';
import { createMembershipStore } from '../features/conversations/memberships.store.ts';
import { createPrivateView } from '../features/conversations/private-view.ts';
import { createUndelivered } from '../features/conversations/undelivered.ts';
import { createUnreadCounter } from '../features/conversations/unread.ts';
import { createWalk } from '../features/conversations/walk.ts';
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
import { createOldestMessages } from '../features/messages/oldest-messages.ts';
import { createReferences } from '../features/messages/outgoing.ts';
import { createPersonalMessages } from '../features/messages/personal-messages.ts';
import { createSeenMessages } from '../features/messages/seen-messages.ts';
import { createSendAuthority } from '../features/messages/send-authority.ts';
import { createReceiptPrivacy } from '../features/receipts/receipt-privacy.ts';
import { createReceiptTelling } from '../features/receipts/receipt-telling.ts';
import { createReceiptsService } from '../features/receipts/receipts.service.ts';
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
  /** Whether anybody would hear what is told to a person but not to the acting socket. */
  isHeard(userId: string, originSocketId: string | null): boolean;
}

/** Messages and conversations: the log, its writer, and what each member sees of it. */
export function buildConversing(input: ConversingInput) {
  const { config, connection, log, delivery, relations, users } = input;
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
  const readOldest = createOldestMessages(messageStore);
  const receiptPrivacy = createReceiptPrivacy({
    areFriends: relations.areFriends,
    findPeople: users.people.findByIds,
  });
  const viewOf = createPrivateView({ memberships, seesReads: receiptPrivacy.seesReads });
  const changeStore = createMessageChangeStore(connection);
  const seen = createSeenMessages({ find: changeStore.find, hidden, viewOf });
  const changeLog = createChangeLog({
    store: changeStore,
    writer,
    delivery,
    inTurn: createTurns(),
    onChanged: async () => {},
  });
  const messages = createMessagesService({
    store: messageStore,
    reader,
    writer,
    delivery,
    privateConversationOf: pairIdOf,
    areFriends: relations.areFriends,
    findReferences: createReferences(seen),
    onSent: input.onSent,
    viewOf,
  });
  const countUnread = createUnreadCounter({
    findHeadsAt: messageStore.findHeadsAt,
    countRemovedAbove: reader.countRemovedAbove,
  });
  const describe = createConversationViews({
    memberships,
    usersFor: users.viewsFor,
    seesReads: receiptPrivacy.seesReads,
    readAt: reader.readAt,
    countUnread,
  });
  const telling = {
    delivery,
    isHeard: input.isHeard,
    inTurn: createTurns(),
    onFailure: (error: unknown) => log.warn({ err: error }, 'devices were not told'),
  };
  const tellUpdated = createConversationNews({ ...telling, memberships, heads, describe });
  const receipts = createReceiptsService({
    findEntries: messageStore.findByIds,
    findHead: messageStore.findHead,
    viewOf,
    raiseMarks: memberships.raiseMarks,
    mayPass: receiptPrivacy.mayPass,
    tellReceipts: createReceiptTelling({ ...telling, findSentBetween: messageStore.findSentBetween }),
    tellUpdated,
    privateConversationOf: pairIdOf,
    areFriends: relations.areFriends,
    usersFor: users.viewsFor,
  });
  const conversations = createConversationsService({
    memberships,
    heads,
    walk: createWalk({ memberships, heads }),
    describe,
    countUnread,
    tellUpdated,
    inTurn: telling.inTurn,
    readLog: reader.readLog,
    readHistory: reader.readHistory,
    listDeletedSince: hidden.since,
    async listChangesSince(userId, since) {
      const [lists, profile] = await Promise.all([
        relations.listChangesSince(userId, since),
        users.profileChangesSince(userId, since),
      ]);
      return { ...lists, profile };
    },
  });
  const messageChanges = createMessageChanges({
    changeLog,
    reader,
    seen,
    hidden,
    delivery,
    areFriends: relations.areFriends,
    editWithinMs: config.editWindowMs,
    onDeleted: ({ userId, conversationId, originSocketId }) =>
      conversations.noteDeleted(userId, conversationId, originSocketId),
  });

  return {
    operations: [
      ...bind('messages', contracts.messages, messages),
      ...bind('messageChanges', contracts.messageChanges, messageChanges),
      ...bind('conversations', contracts.conversations, conversations.handlers),
      ...bind('receipts', contracts.receipts, receipts),
    ],
    holders: [
      createPersonalMessages(messageStore),
      // the marks of who has gone are what the other's receipts are told by
      { erase: async (userId: string) => ({ kept: { memberships: await memberships.countOf(userId) } }) },
    ],
    resume: changeLog.resume,
    /** Makes what waits for a conversation be checked again: somebody's authority in it has changed. */
    recheck: writer.recheck,
    findUndelivered: createUndelivered({
      memberships,
      heads,
      findHeadsAt: messageStore.findHeadsAt,
      readOldest: async (stretches, { userId, limit }) =>
        reader.presentMissed(await readOldest(stretches, limit), userId),
    }),
    async settle(): Promise<void> {
      await writer.idle();
      await heads.flush();
    },
  };
}
