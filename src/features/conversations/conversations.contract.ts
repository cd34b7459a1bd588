import { z } from 'zod';
import { id, timestamp } from '../../core/ids.ts';
import { operation } from '../../core/operation.ts';
import { told } from '../../core/validation-messages.ts';
import { message } from '../messages/messages.contract.ts';
import { user } from '../users/users.contract.ts';

const seq = z.int().min(0);

const conversation = z
  .object({
    id,
    type: z.enum(['private', 'group']),
    peer: user.optional(),
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
    updatedAt: timestamp,
  })
  .meta({ id: 'Conversation' });
export type Conversation = z.output<typeof conversation>;

const syncItem = z.object({
  conversation,
  entries: z.array(message),
  reset: z.enum(['new', 'cursor_expired']).optional(),
});
export type SyncItem = z.output<typeof syncItem>;

const stale = z.enum(['friends', 'requests', 'blacklist', 'profile']);
export type StaleList = z.output<typeof stale>;

const mostNamed = 1000;

export const conversationsContract = {
  sync: operation({
    summary: 'Catch up: everything above the seqs I know; repeat with `cursor` until it is null',
    access: 'user',
    input: z.strictObject({
      conversations: z
        .record(id, seq)
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
};
