import { z } from 'zod';
import { id } from '../../core/ids.ts';
import { operation } from '../../core/operation.ts';
import { told } from '../../core/validation-messages.ts';
import { message, textContent } from './messages.contract.ts';

/** One emoji as a person sees it, however many code points it takes; the second form is of those that are newer than Node. */
const oneEmoji = /^(?:\p{RGI_Emoji}|\p{Extended_Pictographic}\p{Emoji_Modifier}?\uFE0F?)$/v;

const emoji = z
  .string()
  .max(64)
  .refine((text) => oneEmoji.test(text), told({ en: 'One emoji is wanted', zh: '须为一个表情符号' }));

export const messageChangesContract = {
  recall: operation({
    summary:
      'Recall a message for everybody: mine within two minutes, in groups by admins what members wrote; again: the same answer',
    access: 'user',
    input: z.object({ messageId: id }),
    output: message,
    errors: ['unauthenticated', 'not_allowed', 'not_found', 'recall_expired'],
    routes: [
      { method: 'POST', path: '/api/messages/:messageId/recall' },
      { method: 'POST', path: '/api/message/recall/:messageId', alias: true },
    ],
    event: 'message_recall',
    frames: [{ type: 'message_recall', success: 'recall_success', failure: 'recall_failed' }],
    flood: 'change',
  }),
  edit: operation({
    summary: 'Change the text of my message',
    access: 'user',
    input: z.strictObject({ messageId: id, content: textContent }),
    output: message,
    errors: ['unauthenticated', 'not_allowed', 'muted', 'not_found', 'edit_expired', 'message_recalled'],
    routes: [{ method: 'PATCH', path: '/api/messages/:messageId' }],
    event: 'message_edit',
    flood: 'change',
  }),
  react: operation({
    summary: 'Set or withdraw my reaction to a message; one of each emoji per person',
    access: 'user',
    input: z.strictObject({ messageId: id, emoji, active: z.boolean() }),
    output: message,
    errors: ['unauthenticated', 'not_allowed', 'muted', 'not_found', 'limit_reached', 'message_recalled'],
    routes: [
      { method: 'PUT', path: '/api/messages/:messageId/reactions/:emoji', fixed: { active: true } },
      { method: 'DELETE', path: '/api/messages/:messageId/reactions/:emoji', fixed: { active: false } },
    ],
    event: 'message_react',
    flood: 'change',
  }),
  delete: operation({
    summary: 'Delete a message for myself alone',
    access: 'user',
    input: z.object({ messageId: id }),
    output: null,
    errors: ['unauthenticated', 'not_found'],
    routes: [{ method: 'DELETE', path: '/api/messages/:messageId' }],
    event: 'message_delete',
    flood: 'change',
  }),
};

export const messageChangesEvents = {
  message_deleted: z.object({ messageId: id, conversationId: id, messageSeq: z.int().min(1) }),
};
