import { hash } from 'node:crypto';
import type { Delivery } from '../../core/delivery.ts';
import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import type { MessageReader } from './message-reader.ts';
import { toPushedMessage } from './message-views.ts';
import type { MessageWriter } from './message-writer.ts';
import type { ContentType, Message, messagesContract, messagesEvents, Viewer } from './messages.contract.ts';
import type { Entry } from './messages.rules.ts';
import type { MessageStore } from './messages.store.ts';

interface MessagesDeps {
  store: Pick<MessageStore, 'newId'>;
  reader: MessageReader;
  writer: MessageWriter;
  delivery: Delivery<typeof messagesEvents>;
  /** The id of the private conversation of two people. */
  privateConversationOf(oneId: string, otherId: string): string;
  areFriends(conversationId: string): Promise<boolean>;
  /** `null` if the two have no conversation. */
  viewOf(viewerId: string, conversationId: string, peerId: string): Promise<Omit<Viewer, 'userId'> | null>;
}

export function createMessagesService({
  store,
  reader,
  writer,
  delivery,
  ...deps
}: MessagesDeps): Handlers<typeof messagesContract> {
  const handlers: Handlers<typeof messagesContract> = {
    async sendPrivate({ receiverId, content, contentType, clientMessageId }, { actor, originSocketId }) {
      const conversationId = deps.privateConversationOf(actor.userId, receiverId);
      const { entry, isRepeat } = await writer.submit({
        id: store.newId(),
        conversationId,
        type: 'private',
        senderId: actor.userId,
        receiverId,
        clientMessageId: clientMessageId ?? null,
        requestHash: hash('sha256', JSON.stringify([conversationId, contentType, content]), 'base64url'),
        contentType,
        content: toStored(contentType, content),
        rev: 1,
      });
      if (isRepeat) return presentRepeat(entry);
      const data = toPushedMessage(entry);
      const userIds = [receiverId, actor.userId];
      delivery.toUsers({ userIds, event: 'new_private_message', data, originSocketId });
      return clientMessageId === undefined ? data : { ...data, clientMessageId };
    },

    async history({ friendId, before, after, limit }, { actor }) {
      const conversationId = deps.privateConversationOf(actor.userId, friendId);
      const view = await deps.viewOf(actor.userId, conversationId, friendId);
      if (!view) {
        if (!(await deps.areFriends(conversationId))) throw new AppError('not_found');
        return { items: [], nextCursor: null };
      }
      const newestFirst = after === undefined;
      const range = {
        conversationId,
        aboveSeq: Math.max(after ?? 0, view.visibleFrom - 1),
        belowSeq: before,
        newestFirst,
        limit,
      };
      const { messages, lastSeq, hasMore } = await reader.readHistory(range, {
        userId: actor.userId,
        ...view,
      });
      const nextCursor = hasMore ? lastSeq : null;
      return { items: newestFirst ? messages.reverse() : messages, nextCursor };
    },
  };

  async function presentRepeat(entry: Entry): Promise<Message> {
    const view = await deps.viewOf(entry.senderId, entry.conversationId, entry.receiverId);
    if (!view) throw new AppError('unavailable');
    return reader.present(entry, { userId: entry.senderId, ...view });
  }

  return handlers;
}

function toStored(contentType: ContentType, content: unknown): unknown {
  return contentType === 'custom' ? JSON.stringify(content) : content;
}
