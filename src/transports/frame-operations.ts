import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { id } from '../core/ids.ts';
import { type BoundOperation, bind, operation } from '../core/operation.ts';
import { type Message, message } from '../features/messages/messages.contract.ts';
import type { SocketSessions } from './socket-sessions.ts';

/** What a connection on `/ws` is pushed at the most when it opens; older clients know no other way to catch up. */
const mostUndelivered = 500;

const contract = {
  auth: operation({
    summary:
      'Who I am; the first frame, unless the handshake has told. Later it only says whether a token is good',
    access: 'user',
    input: z.object({ token: z.string() }),
    output: z.object({ userId: id }),
    errors: ['unauthenticated'],
    routes: [],
    frames: [{ type: 'auth' }],
    flood: 'auth',
  }),
  ping: operation({
    summary: 'Whether the server hears me, for browsers, which cannot send pings of the protocol',
    access: 'user',
    input: z.object({}),
    output: null,
    errors: ['unauthenticated'],
    routes: [],
    frames: [{ type: 'ping', success: 'pong' }],
    flood: 'read',
  }),
};

/** What only connections on `/ws` can ask for. */
export function bindFrameOperations({
  authenticate,
}: Pick<SocketSessions, 'authenticate'>): BoundOperation[] {
  return bind('connection', contract, {
    async auth({ token }, { actor }) {
      const { userId, sessionId } = await authenticate(token);
      if (sessionId !== actor.sessionId) throw new AppError('unauthenticated');
      return { userId };
    },
    ping: () => Promise.resolve(),
  });
}

/** Answers up to so many messages that a person has missed, oldest first. */
export type FindUndelivered = (userId: string, limit: number) => Promise<Message[]>;

/** What is missed as an operation that nobody calls: under the same limits, deadline and log as those that clients call. */
export function undeliveredOperation(findUndelivered: FindUndelivered): BoundOperation {
  return {
    name: 'connection.undelivered',
    operation: operation({
      summary: 'The messages above my delivered marks',
      access: 'user',
      input: z.object({}),
      output: z.array(message),
      errors: ['unauthenticated'],
      routes: [],
      flood: 'sync',
    }),
    handle: async (_input, { actor }) => (actor ? findUndelivered(actor.userId, mostUndelivered) : []),
  };
}
