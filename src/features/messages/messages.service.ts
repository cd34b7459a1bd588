import { hash } from 'node:crypto';
import type { Delivery } from '../../core/delivery.ts';
import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import type { MessageWriter } from './message-writer.ts';
import type {
  BothMarks,
  ContentType,
  Message,
  messagesContract,
  messagesEvents,
} from './messages.contract.ts';
import { type Entry, toMessage, toPushedMessage } from './messages.rules.ts';
import type { MessageStore, Range } from './messages.store.ts';

/** What the viewer may see of a conversation, and its marks. */
interface View {
  visibleFrom: number;
  marks: BothMarks;
}

interface MessagesDeps {
  store: MessageStore;
  writer: MessageWriter;
  delivery: Delivery<typeof messagesEvents>;
  /** The id of the private conversation of two people. */
  privateConversationOf(oneId: string, otherId: string): string;
  areFriends(conversationId: string): Promise<boolean>;
  onSent(senderId: string, conversationId: string): void;
  /** `null` if the two have no conversation. */
  viewOf(viewerId: string, conversationId: string, peerId: string): Promise<View | null>;
}

const pageMaxBytes = 256 * 1024;

export function createMessagesService({ store, writer, delivery, ...deps }: MessagesDeps) {
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
      const { messages, hasMore } = await readPage(range, { viewerId: actor.userId, marks: view.marks });
      const nextCursor = hasMore ? (messages.at(-1)?.seq ?? null) : null;
      return { items: newestFirst ? messages.reverse() : messages, nextCursor };
    },
  };

  async function presentRepeat(entry: Entry): Promise<Message> {
    const view = await deps.viewOf(entry.senderId, entry.conversationId, entry.receiverId);
    if (!view) throw new AppError('unavailable');
    return toMessage(entry, entry.senderId, view.marks);
  }

  /** Messages of a range in its order, as far as one page goes: its limit, or 256 KiB of JSON. */
  async function readPage(range: Range, view: { viewerId: string; marks: BothMarks; maxBytes?: number }) {
    const entries = await store.findRange({ ...range, limit: range.limit + 1 });
    const messages: Message[] = [];
    let bytes = 0;
    for (const entry of entries.slice(0, range.limit)) {
      const message = toMessage(entry, view.viewerId, view.marks);
      bytes += Buffer.byteLength(JSON.stringify(message));
      if (messages.length > 0 && bytes > (view.maxBytes ?? pageMaxBytes)) break;
      messages.push(message);
    }
    return { messages, bytes, hasMore: messages.length < entries.length };
  }

  return {
    handlers,
    readPage,

    /** The messages at these places, each in another conversation, as the viewer sees them. */
    async readAt(
      places: ReadonlyMap<string, number>,
      viewerId: string,
      marks: ReadonlyMap<string, BothMarks>,
    ) {
      const messages = new Map<string, Message>();
      for (const [conversationId, entry] of await store.findAt(places)) {
        const both = marks.get(conversationId);
        if (both) messages.set(conversationId, toMessage(entry, viewerId, both));
      }
      return messages;
    },
  };
}

function toStored(contentType: ContentType, content: unknown): unknown {
  return contentType === 'custom' ? JSON.stringify(content) : content;
}
