import type { Delivery } from '../../core/delivery.ts';
import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import { deliverAmong } from './message-delivery.ts';
import type { MessageReader } from './message-reader.ts';
import type { MessageViews } from './message-views.ts';
import type { MessageWriter } from './message-writer.ts';
import type { Message, MessageInput, messagesContract, messagesEvents, Viewer } from './messages.contract.ts';
import type { Entry } from './messages.rules.ts';
import type { MessageStore } from './messages.store.ts';
import { type Address, isPlain, type Outgoing, toDraft } from './outgoing.ts';
import { keyOf, type Send, type Written } from './pending.ts';

const nothing: Outgoing['related'] = new Map();

const pushOf = { private: 'new_private_message', group: 'new_group_message' } as const;

interface Sender {
  senderId: string;
  originSocketId: string | null;
}

interface MessagesDeps {
  store: Pick<MessageStore, 'newId' | 'findByKeys'>;
  reader: MessageReader;
  views: MessageViews;
  writer: MessageWriter;
  delivery: Delivery<typeof messagesEvents>;
  /** The id of the private conversation of two people. */
  privateConversationOf(oneId: string, otherId: string): string;
  /** Finds what a message quotes, forwards or attaches. Refuses with an `AppError`. */
  complete(draft: Send, input: MessageInput): Promise<Outgoing>;
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
    sendPrivate({ receiverId, ...input }, { actor, originSocketId }) {
      const conversationId = deps.privateConversationOf(actor.userId, receiverId);
      const address: Address = { conversationId, type: 'private', receiverId };
      return send(input, address, { senderId: actor.userId, originSocketId });
    },

    sendGroup({ groupId, mentions = [], ...input }, { actor, originSocketId }) {
      const calling = mentions.length > 0 && { mentions };
      const address: Address = { conversationId: groupId, type: 'group', ...calling };
      return send(input, address, { senderId: actor.userId, originSocketId });
    },

    async history({ friendId, groupId, before, after, limit }, { actor }) {
      const peerId = friendId ?? null;
      // the contract has made sure of one of the two
      const conversationId = groupId ?? deps.privateConversationOf(actor.userId, friendId ?? actor.userId);
      const view = await deps.viewOf(actor.userId, conversationId, peerId);
      if (!view) {
        if (peerId === null || !(await deps.areFriends(conversationId))) throw new AppError('not_found');
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

  async function send(input: MessageInput, address: Address, { senderId, originSocketId }: Sender) {
    const { clientMessageId } = input;
    const draft = toDraft({ id: store.newId(), senderId, address, input });
    const outgoing = isPlain(input) ? { send: draft, related: nothing } : await complete(draft, input);
    const { entry, isRepeat } = 'entry' in outgoing ? outgoing : await writer.submit(outgoing.send);
    if (isRepeat || 'entry' in outgoing) return presentRepeat(entry);
    const data = views.toPushedMessage(entry, outgoing.related);
    deliverAmong(delivery, entry, { event: pushOf[entry.type], data, originSocketId });
    deps.onSent(senderId, entry.conversationId);
    return clientMessageId === undefined ? data : { ...data, clientMessageId };
  }

  /** A repeat is answered with the stored message even where what it refers to is gone. */
  async function complete(draft: Send, input: MessageInput): Promise<Outgoing | Written> {
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
    if (entry.type === 'group' && (!view || entry.seq < view.visibleFrom)) return presentOwn(entry);
    if (!view) throw new AppError('unavailable');
    return reader.present(entry, { userId: entry.senderId, ...view });
  }

  /**
   * A message of who has left the group since, or joined it again. It is stored, and a refusal would deny that; what others
   * added to it, or said before it, is not theirs to see any more.
   */
  function presentOwn({ replyTo: _, reactions: __, ...entry }: Entry): Message {
    const { clientMessageId } = entry;
    return { ...views.toPushedMessage(entry), ...(clientMessageId !== null && { clientMessageId }) };
  }

  return handlers;
}
