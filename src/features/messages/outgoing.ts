import { hash } from 'node:crypto';
import { AppError } from '../../core/errors.ts';
import type { ContentType, PrivateMessageInput } from './messages.contract.ts';
import type { Entry } from './messages.rules.ts';
import type { Send } from './pending.ts';
import type { SeenMessages } from './seen-messages.ts';

/** A message that is ready to be written, and the messages that it shows something of. */
export interface Outgoing {
  send: Send;
  related: ReadonlyMap<string, Entry>;
}

interface Draft {
  id: string;
  conversationId: string;
  senderId: string;
  input: PrivateMessageInput;
}

/** A message as its sender gave it; what it quotes or forwards is still to be found. */
export function toDraft({ id, conversationId, senderId, input }: Draft): Send {
  const { receiverId, contentType, content, clientMessageId = null, replyTo, forwardOf } = input;
  const request = JSON.stringify([conversationId, contentType, content, replyTo, forwardOf]);
  return {
    id,
    conversationId,
    type: 'private',
    senderId,
    receiverId,
    clientMessageId,
    requestHash: hash('sha256', request, 'base64url'),
    contentType,
    content: toStored(contentType, content),
    rev: 1,
  };
}

/**
 * Finds what a message quotes or forwards, as its sender sees it now. A forwarded message takes the content and names no
 * source, so it survives its original. Throws `not_found` and `message_recalled`.
 */
export function createReferences(seen: SeenMessages) {
  async function findOriginal(messageId: string, userId: string): Promise<Entry> {
    const { entry } = await seen.findShown(messageId, userId);
    if (entry.recalledAt) throw new AppError('message_recalled');
    return entry;
  }

  return async (draft: Send, { replyTo, forwardOf }: PrivateMessageInput): Promise<Outgoing> => {
    const [quoted, forwarded] = await Promise.all(
      [replyTo, forwardOf].map((id) => id && findOriginal(id, draft.senderId)),
    );
    if (quoted && quoted.conversationId !== draft.conversationId) throw new AppError('not_found');
    const send: Send = {
      ...draft,
      ...(quoted && { replyTo: quoted.id }),
      ...(forwarded && {
        contentType: forwarded.contentType,
        content: forwarded.content,
        isForwarded: true,
      }),
    };
    return { send, related: new Map(quoted ? [[quoted.id, quoted]] : []) };
  };
}

function toStored(contentType: ContentType, content: unknown): unknown {
  return contentType === 'custom' ? JSON.stringify(content) : content;
}
