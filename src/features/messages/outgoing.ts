import { hash } from 'node:crypto';
import { AppError } from '../../core/errors.ts';
import type { AttachmentType, StoredFile } from '../files/files.contract.ts';
import { type ContentType, isAttachment, type MessageInput } from './messages.contract.ts';
import type { Entry } from './messages.rules.ts';
import type { Send } from './pending.ts';
import type { SeenMessages } from './seen-messages.ts';

/** A message that is ready to be written, and the messages that it shows something of. */
export interface Outgoing {
  send: Send;
  related: ReadonlyMap<string, Entry>;
}

/** Where a message goes, and whom it calls there. */
export type Address = Pick<Send, 'conversationId' | 'type' | 'receiverId' | 'mentions'>;

interface Draft {
  id: string;
  senderId: string;
  address: Address;
  input: MessageInput;
}

/** A message as its sender gave it; what it quotes or forwards is still to be found. */
export function toDraft({ id, senderId, address, input }: Draft): Send {
  const { contentType, content, clientMessageId = null, replyTo, forwardOf } = input;
  const { conversationId, mentions = [] } = address;
  const request = JSON.stringify([
    conversationId,
    contentType,
    content,
    replyTo,
    forwardOf,
    ...mentions.toSorted(),
  ]);
  return {
    id,
    ...address,
    senderId,
    clientMessageId,
    requestHash: hash('sha256', request, 'base64url'),
    contentType,
    content: toStored(contentType, content),
    rev: 1,
  };
}

/** How messages hold files. */
export interface Attachments {
  claim(claim: Attached & { fileId: string; contentType: AttachmentType }): Promise<StoredFile>;
  copy(copy: Attached & { file: StoredFile }): Promise<StoredFile>;
}

interface Attached {
  ownerId: string;
  messageId: string;
  conversationId: string;
}

/** Whether a message shows nothing but what its sender gave. */
export function isPlain({ replyTo, forwardOf, contentType }: MessageInput): boolean {
  return replyTo === undefined && forwardOf === undefined && !isAttachment(contentType);
}

/**
 * Finds what a message quotes, forwards or attaches, as its sender sees it now. A forwarded message takes the content and
 * names no source, so it survives its original. Throws `not_found` and `message_recalled`.
 */
export function createOutgoing({ seen, attachments }: { seen: SeenMessages; attachments: Attachments }) {
  async function findOriginal(messageId: string, userId: string): Promise<Entry> {
    const { entry } = await seen.findShown(messageId, userId);
    if (entry.recalledAt) throw new AppError('message_recalled');
    return entry;
  }

  async function forwarded(messageId: string, draft: Send): Promise<Partial<Send>> {
    const { contentType, content } = await findOriginal(messageId, draft.senderId);
    const isFile = isAttachment(contentType);
    const copied = isFile
      ? await attachments.copy({ ...attachedTo(draft), file: content as StoredFile })
      : content;
    return { contentType, content: copied, isForwarded: true };
  }

  async function attached(contentType: AttachmentType, draft: Send): Promise<Partial<Send>> {
    const { fileId } = draft.content as { fileId: string };
    return { content: await attachments.claim({ ...attachedTo(draft), fileId, contentType }) };
  }

  return async (draft: Send, { replyTo, forwardOf, contentType }: MessageInput): Promise<Outgoing> => {
    const quoted = replyTo === undefined ? null : await findOriginal(replyTo, draft.senderId);
    if (quoted && quoted.conversationId !== draft.conversationId) throw new AppError('not_found');
    const parts: Partial<Send> = {};
    if (forwardOf !== undefined) Object.assign(parts, await forwarded(forwardOf, draft));
    else if (isAttachment(contentType)) Object.assign(parts, await attached(contentType, draft));
    return {
      send: { ...draft, ...parts, ...(quoted && { replyTo: quoted.id }) },
      related: new Map(quoted ? [[quoted.id, quoted]] : []),
    };
  };
}

function attachedTo({ id, senderId, conversationId }: Send): Attached {
  return { ownerId: senderId, messageId: id, conversationId };
}

function toStored(contentType: ContentType, content: unknown): unknown {
  return contentType === 'custom' ? JSON.stringify(content) : content;
}
