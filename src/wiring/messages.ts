import type { Connection } from 'mongoose';
import type { Config } from '../config.ts';
import { contracts, type pushEvents } from '../contracts.ts';
import type { Delivery } from '../core/delivery.ts';
import { bind } from '../core/operation.ts';
import type { GroupMembershipStore } from '../features/conversations/group-memberships.store.ts';
import { pairIdOf } from '../features/friends/friends.store.ts';
import type { createRelations } from '../features/friends/relations.ts';
import type { GroupStore } from '../features/groups/groups.store.ts';
import { createChangeLog } from '../features/messages/change-log.ts';
import { createHiddenMessageStore } from '../features/messages/hidden-messages.store.ts';
import { createMessageChanges } from '../features/messages/message-changes.service.ts';
import { createMessageChangeStore } from '../features/messages/message-changes.store.ts';
import { createMessageReader } from '../features/messages/message-reader.ts';
import { createMessageViews } from '../features/messages/message-views.ts';
import { createMessageWriter } from '../features/messages/message-writer.ts';
import type { Viewer } from '../features/messages/messages.contract.ts';
import type { Entry } from '../features/messages/messages.rules.ts';
import { createMessagesService } from '../features/messages/messages.service.ts';
import { createMessageStore } from '../features/messages/messages.store.ts';
import { createOldestMessages, type Stretch } from '../features/messages/oldest-messages.ts';
import { type Attachments, createOutgoing } from '../features/messages/outgoing.ts';
import { type GroupEntry, toGroupEntry } from '../features/messages/pending.ts';
import { createPersonalMessages } from '../features/messages/personal-messages.ts';
import { createReactionStore } from '../features/messages/reactions.store.ts';
import { createReactions } from '../features/messages/reactions.ts';
import { createSeenMessages } from '../features/messages/seen-messages.ts';
import { createSendAuthority } from '../features/messages/send-authority.ts';
import { createTurns } from '../platform/turns.ts';

export interface MessagesInput {
  config: Config;
  connection: Connection;
  delivery: Delivery<typeof pushEvents>;
  relations: ReturnType<typeof createRelations>;
  groupStores: {
    memberships: Pick<GroupMembershipStore, 'findMembers' | 'findNewcomers'>;
    groups: Pick<GroupStore, 'findSendRules'>;
  };
  attachments: Attachments & { release(messageIds: readonly string[]): Promise<void> };
  openConversation(conversationId: string, userIds: readonly [string, string]): Promise<void>;
  viewOf(
    viewerId: string,
    conversationId: string,
    peerId: string | null,
  ): Promise<Omit<Viewer, 'userId'> | null>;
  /** Told of every new entry, in the order of its log. */
  onAppended(entry: Entry): void;
  /** A message has changed; or is as it was, once more. */
  onChanged(entry: Entry): void;
  onSent(senderId: string, conversationId: string): void;
  onDeleted(deleted: {
    userId: string;
    conversationId: string;
    originSocketId: string | null;
  }): Promise<void>;
}

/** The log: who writes to it, what changes in it, and how it is read. */
export function buildMessages(input: MessagesInput) {
  const { config, connection, delivery, relations, attachments, viewOf } = input;
  const store = createMessageStore(connection);
  const hidden = createHiddenMessageStore(connection);
  const views = createMessageViews(config.publicUrl);
  const reader = createMessageReader({ store, hidden, views });
  const { findMembers } = input.groupStores.memberships;
  const authority = createSendAuthority({
    findFriendPairs: relations.findFriendPairs,
    findMembers,
    findSendRules: input.groupStores.groups.findSendRules,
  });
  const writer = createMessageWriter({
    log: store,
    findRefused: authority.findRefused,
    // a group begins with those who are in it
    openConversation: async ({ conversationId, senderId, receiverId }) =>
      receiverId === undefined ? undefined : input.openConversation(conversationId, [senderId, receiverId]),
    onAppended: input.onAppended,
  });
  const readOldest = createOldestMessages(store);
  const changeStore = createMessageChangeStore(connection);
  const seen = createSeenMessages({ find: changeStore.find, hidden, viewOf });
  const reactions = createReactions(createReactionStore(connection));
  const changeLog = createChangeLog({
    store: changeStore,
    writer,
    delivery,
    findNewcomers: input.groupStores.memberships.findNewcomers,
    inTurn: createTurns(),
    async onChanged(entry, change) {
      input.onChanged(entry);
      if (change.event === 'message_recalled') await attachments.release([entry.id]);
      await reactions.follow(entry, change);
    },
  });
  const messageChanges = createMessageChanges({
    changeLog,
    reader,
    seen,
    hidden,
    delivery,
    reactions,
    requireMayWrite: authority.requireMayWrite,
    async rolesIn(groupId, userIds) {
      const members = (await findMembers([{ groupId, userIds }])).get(groupId) ?? new Map();
      return new Map([...members].map(([userId, { role }]) => [userId, role]));
    },
    editWithinMs: config.editWindowMs,
    onDeleted: input.onDeleted,
  });
  const messages = createMessagesService({
    store,
    reader,
    views,
    writer,
    delivery,
    privateConversationOf: pairIdOf,
    areFriends: relations.areFriends,
    complete: createOutgoing({ seen, attachments }),
    onSent: input.onSent,
    viewOf,
  });

  return {
    store,
    hidden,
    reactions,
    reader,
    canSee: ({ messageId, userId }: { messageId: string; userId: string }) => seen.canSee(messageId, userId),
    async states(messageIds: readonly string[]): Promise<Map<string, 'kept' | 'recalled'>> {
      const found = await store.findByIds(messageIds);
      return new Map(found.map(({ id, recalledAt }) => [id, recalledAt ? 'recalled' : 'kept']));
    },
    readOldest: async (stretches: readonly Stretch[], { userId, limit }: { userId: string; limit: number }) =>
      reader.presentMissed(await readOldest(stretches, limit), userId),
    operations: [
      ...bind('messages', contracts.messages, messages),
      ...bind('messageChanges', contracts.messageChanges, messageChanges),
    ],
    holders: [createPersonalMessages({ store, hidden, views })],
    resume: changeLog.resume,
    /** Writes what happened to a group into its log, once. */
    async writeGroupEntry({ id, groupId, actorId, change }: GroupEntry) {
      const { entry, isRepeat } = await writer.submit(toGroupEntry({ id, groupId, actorId, change }));
      return { seq: entry.seq, isRepeat };
    },
    /** Makes what waits for a conversation be checked again: somebody's authority in it has changed. */
    recheck: writer.recheck,
    requireMayWrite: authority.requireMayWrite,
    idle: writer.idle,
  };
}
