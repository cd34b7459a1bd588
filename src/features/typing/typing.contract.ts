import { z } from 'zod';
import { id } from '../../core/ids.ts';
import { operation } from '../../core/operation.ts';
import { told } from '../../core/validation-messages.ts';

export const typingContract = {
  setStatus: operation({
    summary:
      'Tell a friend or a group that I am typing, or no longer; it ends by itself after 6 s without renewal',
    access: 'user',
    input: z
      .object({ to: id.optional(), groupId: id.optional(), isTyping: z.boolean() })
      .refine(
        ({ to, groupId }) => (to === undefined) !== (groupId === undefined),
        told({ en: 'Name exactly one of to and groupId', zh: 'to 与 groupId 须且只能填写一个' }),
      ),
    output: null,
    errors: ['unauthenticated', 'not_allowed', 'muted', 'not_found'],
    routes: [],
    event: 'typing_status',
    flood: 'typing',
  }),
};

export const typingEvents = {
  typing_status_update: z.object({ from: id, groupId: id.optional(), isTyping: z.boolean() }),
};
