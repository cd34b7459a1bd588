import { z } from 'zod';
import { id, timestamp } from '../../core/ids.ts';
import { operation } from '../../core/operation.ts';
import { pageInput, pageOf } from '../../core/page.ts';
import { told } from '../../core/validation-messages.ts';
import { group } from '../groups/groups.contract.ts';
import { message } from '../messages/messages.contract.ts';
import { user } from '../users/users.contract.ts';

const seq = z.int().min(0);

const conversation = z
  .object({
    id,
    type: z.enum(['private', 'group']),
    peer: user.optional(),
    group: group.optional(),
    lastMessage: message.nullable(),
    headSeq: seq,
    unread: z.int().min(0).max(1000).meta({ description: '1000 means that or more' }),
    mentioned: z.int().min(0),
    readSeq: seq,
    deliveredSeq: seq,
    peerReadSeq: seq.optional(),
    peerDeliveredSeq: seq.optional(),
    clearedSeq: seq,
    pinned: z.boolean(),
    muted: z.boolean(),
    hidden: z.literal(true).optional().meta({ description: 'Not in the list until its next message' }),
    updatedAt: timestamp,
  })
  .meta({ id: 'Conversation' });
export type Conversation = z.output<typeof conversation>;

const syncItem = z.object({
  conversation: conversation.extend({
    deletedSeqs: z.array(seq).meta({
      description: 'What I deleted for myself, among these entries or since the last time',
    }),
  }),
  entries: z.array(message),
  reset: z.enum(['new', 'cursor_expired']).optional(),
});
export type SyncItem = z.output<typeof syncItem>;

const stale = z.enum(['friends', 'requests', 'blacklist', 'profile']);
export type StaleList = z.output<typeof stale>;

const mostNamed = 1000;

/** What `z.record` would drop without a word is refused as any other key that is none. */
const withoutPrototype = z.custom<Record<string, number>>(
  (named) => !(typeof named === 'object' && named !== null && Object.hasOwn(named, '__proto__')),
  { path: ['__proto__'], ...told({ en: 'Invalid key in record', zh: '记录中的键无效' }) },
);

export const conversationsContract = {
  sync: operation({
    summary: 'Catch up: everything above the seqs I know; repeat with `cursor` until it is null',
    access: 'user',
    input: z.strictObject({
      conversations: withoutPrototype
        .pipe(z.record(id, seq))
        .refine(
          (named) => Object.keys(named).length <= mostNamed,
          told({ en: 'At most 1000 conversations', zh: '最多 1000 个会话' }),
        )
        .default({}),
      partial: z.boolean().default(false),
      since: z.string().max(8000).optional(),
      cursor: z.string().max(8000).optional(),
      limit: z.int().min(1).max(500).default(200),
    }),
    output: z.object({
      items: z.array(syncItem),
      gone: z.array(id),
      stale: z.array(stale),
      since: z.string(),
      nextCursor: z.string().nullable(),
    }),
    errors: ['unauthenticated'],
    routes: [{ method: 'POST', path: '/api/sync' }],
    event: 'sync',
    flood: 'sync',
  }),
  list: operation({
    summary: 'My conversations: pinned ones first, then by latest activity; hidden ones are left out',
    access: 'user',
    input: z.object(pageInput),
    output: pageOf(conversation),
    errors: ['unauthenticated'],
    routes: [
      { method: 'GET', path: '/api/conversations' },
      { method: 'GET', path: '/api/message/conversations', alias: true },
    ],
    event: 'conversation_list',
    flood: 'sync',
  }),
  countUnread: operation({
    summary: 'What I have not read: of each conversation in my list, and in all that are not muted',
    access: 'user',
    input: z.object({}),
    output: z.object({
      total: z.int().min(0),
      conversations: z.array(
        z.object({ conversationId: id, unread: z.int().min(1), mentioned: z.int().min(0) }),
      ),
    }),
    errors: ['unauthenticated'],
    routes: [
      { method: 'GET', path: '/api/messages/unread-count' },
      { method: 'GET', path: '/api/message/unread-count', alias: true },
    ],
    event: 'unread_count',
    flood: 'sync',
  }),
  update: operation({
    summary: 'Pin or mute a conversation; pinning one that is hidden shows it again. At most 50 are pinned',
    access: 'user',
    input: z
      .strictObject({ conversationId: id, pinned: z.boolean().optional(), muted: z.boolean().optional() })
      .refine(
        ({ pinned, muted }) => pinned !== undefined || muted !== undefined,
        told({ en: 'Give pinned or muted', zh: '请提供 pinned 或 muted' }),
      ),
    output: conversation,
    errors: ['unauthenticated', 'not_found', 'limit_reached'],
    routes: [{ method: 'PATCH', path: '/api/conversations/:conversationId' }],
    event: 'conversation_update',
    flood: 'change',
  }),
  hide: operation({
    summary: 'Take a conversation out of my list, and its pin, until its next message',
    access: 'user',
    input: z.strictObject({ conversationId: id }),
    output: null,
    errors: ['unauthenticated', 'not_found'],
    routes: [{ method: 'DELETE', path: '/api/conversations/:conversationId' }],
    event: 'conversation_hide',
    flood: 'change',
  }),
  clear: operation({
    summary: 'Clear the history of a conversation for me; the others keep everything',
    access: 'user',
    input: z.strictObject({ conversationId: id }),
    output: null,
    errors: ['unauthenticated', 'not_found'],
    routes: [{ method: 'DELETE', path: '/api/conversations/:conversationId/messages' }],
    event: 'conversation_clear',
    flood: 'change',
  }),
};

export const conversationsEvents = { conversation_updated: conversation };
