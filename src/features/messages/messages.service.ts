import type { Delivery } from '../../core/delivery.ts';
import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import { deliverAmong } from './message-delivery.ts';
import type { MessageReader } from './message-reader.ts';
import type { MessageViews } from './message-views.ts';
import type { MessageWriter } from './message-writer.ts';
import type {
  Message,
  messagesContract,
  messagesEvents,
  PrivateMessageInput,
  Viewer,
} from './messages.contract.ts';
import type { Entry } from './messages.rules.ts';
import type { MessageStore } from './messages.store.ts';
import { isPlain, type Outgoing, toDraft } from './outgoing.ts';
import { keyOf, type Send, type Written } from './pending.ts';

const nothing: Outgoing['related'] = new Map();

interface MessagesDeps {
  store: Pick<MessageStore, 'newId' | 'findByKeys'>;
  reader: MessageReader;
  views: MessageViews;
  writer: MessageWriter;
  delivery: Delivery<typeof messagesEvents>;
  /** The id of the private conversation of two people. */
  privateConversationOf(oneId: string, otherId: string): string;
  /** Finds what a message quotes, forwards or attaches. Refuses with an `AppError`. */
  complete(draft: Send, input: PrivateMessageInput): Promise<Outgoing>;
  areFriends(conversationId: string): Promise<boolean>;
  onSent(senderId: string, conversationId: string): void;
  /** `null` if the two have no conversation. */
  viewOf(
    viewerId: string,
    conversationId: string,
    peerId: string | null,
  ): Promise<Omit<Viewer, 'userId'> | null>;
}

export function createMessagesService({
  store,
  reader,
  views,
  writer,
  delivery,
  ...deps
}: MessagesDeps): Handlers<typeof messagesContract> {
  const handlers: Handlers<typeof messagesContract> = {
    async sendPrivate(input, { actor, originSocketId }) {
      const { receiverId, clientMessageId } = input;
      const senderId = actor.userId;
      const conversationId = deps.privateConversationOf(senderId, receiverId);
      const draft = toDraft({ id: store.newId(), conversationId, senderId, input });
      const outgoing = isPlain(input) ? { send: draft, related: nothing } : await complete(draft, input);
      const { entry, isRepeat } = 'entry' in outgoing ? outgoing : await writer.submit(outgoing.send);
      if (isRepeat || 'entry' in outgoing) return presentRepeat(entry);
      const data = views.toPushedMessage(entry, outgoing.related);
      deliverAmong(delivery, entry, { event: 'new_private_message', data, originSocketId });
      deps.onSent(actor.userId, conversationId);
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

  /** A repeat is answered with the stored message even where what it refers to is gone. */
  async function complete(draft: Send, input: PrivateMessageInput): Promise<Outgoing | Written> {
    try {
      return await deps.complete(draft, input);
    } catch (refusal) {
      const [entry] = refusal instanceof AppError ? await store.findByKeys([keyOf(draft)]) : [];
      if (!entry) throw refusal;
      if (entry.requestHash !== draft.requestHash) throw new AppError('idempotency_mismatch');
      return { entry, isRepeat: true };
    }
  }

  async function presentRepeat(entry: Entry): Promise<Message> {
    const view = await deps.viewOf(entry.senderId, entry.conversationId, entry.receiverId ?? null);
    if (!view) throw new AppError('unavailable');
    return reader.present(entry, { userId: entry.senderId, ...view });
  }

  return handlers;
}
