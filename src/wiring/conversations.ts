import type { Logger } from 'pino';
import { contracts, type pushEvents } from '../contracts.ts';
import type { Delivery } from '../core/delivery.ts';
import { bind } from '../core/operation.ts';
import { createConversationNews } from '../features/conversations/conversation-news.ts';
import { createConversationView } from '../features/conversations/conversation-view.ts';
import { createConversationViews } from '../features/conversations/conversation-views.ts';
import { createConversationsService } from '../features/conversations/conversations.service.ts';
import type { GroupReaderStore } from '../features/conversations/group-readers.store.ts';
import type { Heads } from '../features/conversations/heads.ts';
import type { Memberships } from '../features/conversations/memberships.ts';
import { createUnreadCounter } from '../features/conversations/unread.ts';
import { createWalk } from '../features/conversations/walk.ts';
import { pairIdOf } from '../features/friends/friends.store.ts';
import type { createRelations } from '../features/friends/relations.ts';
import type { Group } from '../features/groups/groups.contract.ts';
import type { HiddenMessageStore } from '../features/messages/hidden-messages.store.ts';
import type { MessageReader } from '../features/messages/message-reader.ts';
import type { MessageStore } from '../features/messages/messages.store.ts';
import { createOwnCounts } from '../features/messages/own-counts.ts';
import type { UnreadMessageStore } from '../features/messages/unread-messages.store.ts';
import { createReceiptPrivacy } from '../features/receipts/receipt-privacy.ts';
import { createReceiptTelling } from '../features/receipts/receipt-telling.ts';
import { createReceiptsService } from '../features/receipts/receipts.service.ts';
import type { createUsersService } from '../features/users/users.service.ts';
import { createTurns } from '../platform/turns.ts';

export interface ConversationsInput {
  log: Logger;
  delivery: Delivery<typeof pushEvents>;
  memberships: Memberships;
  heads: Heads;
  messageStore: MessageStore;
  unreadStore: UnreadMessageStore;
  groupReaders: GroupReaderStore;
  /** How many people are in a group. */
  countMembers(groupId: string): Promise<number>;
  hidden: HiddenMessageStore;
  reader: MessageReader;
  relations: ReturnType<typeof createRelations>;
  users: ReturnType<typeof createUsersService>;
  /** Groups as these members of them see them; without those that have ended. */
  groupsFor(mine: readonly { userId: string; conversationId: string }[]): Promise<Map<string, Group>>;
  /** Whether anybody would hear what is told to a person but not to the acting socket. */
  isHeard(userId: string, originSocketId: string | null): boolean;
}

/** How conversations look to their members. */
function buildViews(input: ConversationsInput) {
  const { memberships, messageStore, unreadStore, reader, relations, users, groupsFor } = input;
  const privacy = createReceiptPrivacy({
    areFriends: relations.areFriends,
    findPeople: users.people.findByIds,
  });
  const countUnread = createUnreadCounter({
    findHeadsAt: messageStore.findHeadsAt,
    findRemovedAbove: reader.findRemovedAbove,
    countOwn: createOwnCounts(unreadStore.countOwn),
    findMentions: unreadStore.findMentions,
  });
  const describe = createConversationViews({
    memberships,
    usersFor: users.viewsFor,
    groupsFor,
    seesReads: privacy.seesReads,
    readAt: reader.readAt,
    countUnread,
  });
  const viewOf = createConversationView({ memberships, seesReads: privacy.seesReads });
  return { countUnread, describe, viewOf, ...privacy };
}

/** What members see of their conversations, what they make of them, and how far they have read. */
export function buildConversations(input: ConversationsInput) {
  const { log, delivery, memberships, heads, relations, users } = input;
  const views = buildViews(input);
  const telling = {
    delivery,
    isHeard: input.isHeard,
    inTurn: createTurns(),
    onFailure: (error: unknown) => log.warn({ err: error }, 'devices were not told'),
  };
  const { tellUpdated, conversationFor } = createConversationNews({
    ...telling,
    ...views,
    memberships,
    heads,
  });
  const conversations = createConversationsService({
    ...views,
    tellUpdated,
    memberships,
    heads,
    walk: createWalk({ memberships, heads }),
    inTurn: telling.inTurn,
    readLog: input.reader.readLog,
    readHistory: input.reader.readHistory,
    listDeletedSince: input.hidden.since,
    async listChangesSince(userId, since) {
      const [lists, profile] = await Promise.all([
        relations.listChangesSince(userId, since),
        users.profileChangesSince(userId, since),
      ]);
      return { ...lists, profile };
    },
  });
  const receipts = createReceiptsService({
    ...views,
    tellUpdated,
    findEntries: input.messageStore.findByIds,
    findHead: input.messageStore.findHead,
    raiseMarks: memberships.raiseMarks,
    inTurn: createTurns(),
    countMembers: input.countMembers,
    groupReaders: input.groupReaders,
    tellReceipts: createReceiptTelling({ ...telling, findSentBetween: input.messageStore.findSentBetween }),
    privateConversationOf: pairIdOf,
    areFriends: relations.areFriends,
    usersFor: users.viewsFor,
  });

  return {
    viewOf: views.viewOf,
    seesReads: views.seesReads,
    tellUpdated,
    conversationFor,
    noteDeleted: conversations.noteDeleted,
    operations: [
      ...bind('conversations', contracts.conversations, conversations.handlers),
      ...bind('receipts', contracts.receipts, receipts),
    ],
  };
}
