import { z } from 'zod';
import { id, timestamp } from '../../core/ids.ts';
import { operation } from '../../core/operation.ts';
import { pageInput, pageOf } from '../../core/page.ts';
import { told } from '../../core/validation-messages.ts';
import { message } from '../messages/messages.contract.ts';

export const searchContract = {
  searchMessages: operation({
    summary:
      'Messages of my conversations, newest first: words whole and in any case, Chinese by any part, all of them',
    access: 'user',
    input: z
      .strictObject({
        q: z.string().trim().min(1).max(64).meta({
          description: 'Text of messages, names of files and places; at least one letter, digit or emoji',
        }),
        conversationId: id.optional(),
        senderId: id.optional(),
        since: timestamp.optional().meta({ description: 'Sent then or later' }),
        until: timestamp.optional().meta({ description: 'Sent then or earlier' }),
        ...pageInput,
      })
      .refine(({ since = '', until = '' }) => !(Date.parse(since) > Date.parse(until)), {
        path: ['until'],
        ...told({ en: 'Must not be before since', zh: '不能早于 since' }),
      }),
    output: pageOf(message).meta({
      description: 'A page may hold fewer than `limit`, even none, and still have a next one',
    }),
    errors: ['unauthenticated', 'not_found'],
    routes: [{ method: 'GET', path: '/api/messages/search' }],
    event: 'message_search',
    flood: 'search',
  }),
};
