import { z } from 'zod';
import { id, timestamp } from '../../core/ids.ts';
import { operation } from '../../core/operation.ts';
import { pageInput, pageOf } from '../../core/page.ts';
import { told } from '../../core/validation-messages.ts';
import { user } from '../users/users.contract.ts';

const seq = z.int().min(0);

/** A member's own high-water marks: everything up to them was read, or delivered. */
const marks = z.object({ conversationId: id, readSeq: seq, deliveredSeq: seq }).meta({ id: 'Marks' });
export type Marks = z.output<typeof marks>;

const status = z.enum(['delivered', 'read']);
export type Status = z.output<typeof status>;

export const receiptsContract = {
  updateStatus: operation({
    summary: 'Delivered or read: everything up to this message. Marks only rise',
    access: 'user',
    input: z.object({ messageId: id, status }),
    output: marks,
    errors: ['unauthenticated', 'not_allowed', 'not_found'],
    routes: [{ method: 'PUT', path: '/api/messages/:messageId/status' }],
    event: 'message_status_update',
    frames: [{ type: 'message_read', fixed: { status: 'read' } }],
    flood: 'send',
  }),
  readConversation: operation({
    summary: 'Read: everything in a conversation as of now',
    access: 'user',
    input: z
      .object({ friendId: id.optional(), groupId: id.optional() })
      .refine(
        ({ friendId, groupId }) => (friendId === undefined) !== (groupId === undefined),
        told({ en: 'Give either friendId or groupId', zh: 'friendId 与 groupId 须且只能填写一个' }),
      ),
    output: marks,
    errors: ['unauthenticated', 'not_found'],
    routes: [
      { method: 'POST', path: '/api/messages/private/:friendId/read' },
      { method: 'POST', path: '/api/messages/group/:groupId/read' },
      { method: 'POST', path: '/api/message/read/:friendId', alias: true },
    ],
    event: 'conversation_read',
    flood: 'send',
  }),
  listReaders: operation({
    summary: 'Who has read a message of mine, as far as they let it be known',
    access: 'user',
    input: z.strictObject({ messageId: id, ...pageInput }),
    output: pageOf(user).extend({ count: z.int().min(0) }),
    errors: ['unauthenticated', 'not_allowed', 'not_found'],
    routes: [{ method: 'GET', path: '/api/messages/:messageId/readers' }],
    event: 'message_readers',
    flood: 'read',
  }),
};

/** Everything up to `upToSeq` was delivered or read; `messageId` is the sender's message there. */
const receipt = z.object({
  messageId: id,
  conversationId: id,
  upToSeq: z.int().min(1),
  readerId: id,
  at: timestamp,
});

export const receiptsEvents = { message_delivered: receipt, message_read: receipt };
