import type { Connection } from 'mongoose';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { pushEvents } from '../contracts.ts';
import type { Delivery } from '../core/delivery.ts';
import { createGroupReaderStore } from '../features/conversations/group-readers.store.ts';
import { createHeadStore } from '../features/conversations/heads.store.ts';
import { createHeads } from '../features/conversations/heads.ts';
import { createMembershipStore } from '../features/conversations/memberships.store.ts';
import { createMemberships } from '../features/conversations/memberships.ts';
import { createUndelivered } from '../features/conversations/undelivered.ts';
import type { createRelations } from '../features/friends/relations.ts';
import { headOf } from '../features/messages/messages.rules.ts';
import { createUnreadMessageStore } from '../features/messages/unread-messages.store.ts';
import type { createUsersService } from '../features/users/users.service.ts';
import { buildConversations, type ConversationsInput } from './conversations.ts';
import { buildHistory } from './history.ts';
import { buildMessages, type MessagesInput } from './messages.ts';
import { buildSearching } from './searching.ts';

const resumeChangesEveryMs = 10_000;

interface ConversingInput {
  config: Config;
  connection: Connection;
  log: Logger;
  delivery: Delivery<typeof pushEvents>;
  relations: ReturnType<typeof createRelations>;
  users: ReturnType<typeof createUsersService>;
  groupStores: MessagesInput['groupStores'];
  /** How many people are in a group. */
  countMembers(groupId: string): Promise<number>;
  attachments: MessagesInput['attachments'];
  onSent: MessagesInput['onSent'];
  groupsFor: ConversationsInput['groupsFor'];
  /** Whether anybody would hear what is told to a person but not to the acting socket. */
  isHeard(userId: string, originSocketId: string | null): boolean;
}

/** Messages and conversations: the log, and what each member sees of it. */
export function buildConversing(input: ConversingInput) {
  const { config, connection, log, attachments } = input;
  const membershipStore = createMembershipStore(connection);
  const messages = buildMessages({
    ...input,
    viewOf: (viewerId, conversationId, peerId) => conversations.viewOf(viewerId, conversationId, peerId),
    openConversation: membershipStore.createPair,
    onAppended(entry) {
      heads.note(entry.conversationId, headOf(entry));
      searching.note(entry);
    },
    onChanged: (entry) => searching.note(entry),
    onDeleted: ({ userId, conversationId, originSocketId }) =>
      conversations.noteDeleted(userId, conversationId, originSocketId),
  });
  const { store: messageStore, hidden, reader } = messages;
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
      await Promise.all([searching, hidden, messages.reactions].map(({ forget }) => forget(messageIds)));
      await attachments.release(messageIds);
    },
  });
  const memberships = createMemberships({ store: membershipStore, floors });
  const conversations = buildConversations({
    ...input,
    memberships,
    heads,
    messageStore,
    unreadStore: createUnreadMessageStore(connection),
    groupReaders: createGroupReaderStore(connection),
    hidden,
    reader,
  });
  const searching = buildSearching({
    connection,
    log,
    memberships,
    membershipStore,
    floors,
    seesReads: conversations.seesReads,
    readShown: reader.readShown,
    async readEntries(range) {
      const entries = await messageStore.readById(range);
      // a crash takes these hints with it as well
      for (const entry of entries) heads.note(entry.conversationId, headOf(entry));
      return entries;
    },
  });

  return {
    operations: [...messages.operations, ...conversations.operations, ...searching.operations],
    /** What goes on by itself: once when the database is there, and again and again. */
    begins: [messages.resume, searching.begins, ...sweeping.map(({ work }) => work)],
    repeats: [{ everyMs: resumeChangesEveryMs, work: messages.resume }, ...searching.repeats, ...sweeping],
    holders: [
      ...messages.holders,
      // the marks of who has gone are what the other's receipts are told by
      {
        erase: async (userId: string) => ({
          kept: { memberships: await memberships.countPrivateOf(userId) },
        }),
      },
    ],
    requireMayWrite: messages.requireMayWrite,
    recheck: messages.recheck,
    writeGroupEntry: messages.writeGroupEntry,
    conversationFor: conversations.conversationFor,
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
      await searching.settle();
    },
  };
}
