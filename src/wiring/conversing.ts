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
import { createReceiptPrivacy } from '../features/receipts/receipt-privacy.ts';
import { createReceiptTelling } from '../features/receipts/receipt-telling.ts';
import { createReceiptsService } from '../features/receipts/receipts.service.ts';
import type { createUsersService } from '../features/users/users.service.ts';
import { createTurns } from '../platform/turns.ts';
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
  const { connection, log, relations, users } = input;
  const memberships = createMembershipStore(connection);
  const receiptPrivacy = createReceiptPrivacy({
    areFriends: relations.areFriends,
    findPeople: users.people.findByIds,
  });
  const viewOf = createPrivateView({ memberships, seesReads: receiptPrivacy.seesReads });
  const messages = buildMessages({
    ...input,
    viewOf,
    openConversation: memberships.createPair,
    onAppended: (conversationId, head) => heads.note(conversationId, head),
    onDeleted: ({ userId, conversationId, originSocketId }) =>
      conversations.noteDeleted(userId, conversationId, originSocketId),
  });
  const heads = createHeads({
    store: createHeadStore(connection),
    findHeadsAbove: messages.store.findHeadsAbove,
    onFailure: (error) => log.warn({ err: error }, 'conversation heads were not raised'),
  });
  const { conversations, receipts } = buildConversations(input, {
    memberships,
    heads,
    receiptPrivacy,
    viewOf,
    messages,
  });

  return {
    operations: [
      ...messages.operations,
      ...bind('conversations', contracts.conversations, conversations.handlers),
      ...bind('receipts', contracts.receipts, receipts),
    ],
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
      findHeadsAt: messages.store.findHeadsAt,
      readOldest: messages.readOldest,
    }),
    async settle(): Promise<void> {
      await messages.idle();
      await heads.flush();
    },
  };
}

interface Parts {
  memberships: ReturnType<typeof createMembershipStore>;
  heads: ReturnType<typeof createHeads>;
  receiptPrivacy: ReturnType<typeof createReceiptPrivacy>;
  viewOf: ReturnType<typeof createPrivateView>;
  messages: ReturnType<typeof buildMessages>;
}

function buildConversations(
  { log, delivery, relations, users, isHeard }: ConversingInput,
  { memberships, heads, receiptPrivacy, viewOf, messages }: Parts,
) {
  const { store, reader, hidden } = messages;
  const countUnread = createUnreadCounter({
    findHeadsAt: store.findHeadsAt,
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
    isHeard,
    inTurn: createTurns(),
    onFailure: (error: unknown) => log.warn({ err: error }, 'devices were not told'),
  };
  const tellUpdated = createConversationNews({ ...telling, memberships, heads, describe });
  return {
    receipts: createReceiptsService({
      findEntries: store.findByIds,
      findHead: store.findHead,
      viewOf,
      raiseMarks: memberships.raiseMarks,
      mayPass: receiptPrivacy.mayPass,
      tellReceipts: createReceiptTelling({ ...telling, findSentBetween: store.findSentBetween }),
      tellUpdated,
      privateConversationOf: pairIdOf,
      areFriends: relations.areFriends,
      usersFor: users.viewsFor,
    }),
    conversations: createConversationsService({
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
    }),
  };
}
