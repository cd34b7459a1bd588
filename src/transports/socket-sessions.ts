import type { IncomingMessage } from 'node:http';
import type { Actor, Call } from '../core/actor.ts';
import { AppError, type Problem, toProblem } from '../core/errors.ts';
import type { BoundOperation } from '../core/operation.ts';
import { asAppError, type FloodLimiter, type Outcome, type RunOperation } from '../core/run-operation.ts';
import { addressOf, isForeignOrigin, localeOf, subnetOf } from './client.ts';
import type { SocketRooms } from './conversation-rooms.ts';
import type { LiveSocket, LiveSockets } from './live-sockets.ts';

/** Lets the acknowledgement and `session_revoked` out before the socket closes. */
const closeDelayMs = 100;

interface SocketSessionsDeps<Reason> {
  run: RunOperation;
  authenticate(token: string): Promise<Actor>;
  /** The groups that a person is in. */
  findGroupIds(userId: string): Promise<readonly string[]>;
  rooms: Pick<SocketRooms, 'enter'>;
  liveSockets: LiveSockets<Reason>;
  /** Handshakes by address, sockets by person, and refusals: whoever goes on in spite of them is disconnected. */
  limits: FloodLimiter<'handshakes' | 'arrivals' | 'strikes'>;
  isOutage(error: unknown): boolean;
  trustedProxyHops: number;
  /** Whose pages may open sockets; what is no browser sends no origin. */
  origins: { allowed: '*' | readonly string[]; own: string };
}

/** One socket of any kind. */
export interface SocketPort {
  /** Unlike that of any other socket of any kind. */
  id: string;
  request: IncomingMessage;
  isOpen(): boolean;
  /** Joins rooms at once; it leaves them when it closes. */
  join(rooms: string[]): void;
  push(event: string, data: unknown): void;
  close(why: 'session_ended' | 'flooding'): void;
}

/** Somebody who has said who they are, and the rooms that a new socket of theirs belongs in just now. */
export interface Arrival {
  actor: Actor;
  rooms: string[];
}

/** A socket with the person on it. */
export interface SocketSession {
  /** Whether its session is over, so that it may do nothing more until it closes. */
  readonly isEnded: boolean;
  /** Runs an operation for the person. Never fails. */
  call(bound: BoundOperation, input: unknown): Promise<Outcome>;
  /** Counts what nobody does often; closes the socket of who does. */
  strike(): void;
  /** To be called when the socket has closed. */
  leave(): void;
}

export type SocketSessions = ReturnType<typeof createSocketSessions>;

/** What the sockets of every kind have in common: who may come in, how they call operations, when they have to go. */
export function createSocketSessions<Reason>(deps: SocketSessionsDeps<Reason>) {
  return {
    /** What is checked of every handshake before its token. */
    async receive(request: IncomingMessage): Promise<void> {
      if (isForeignOrigin(request, deps.origins)) throw new AppError('not_allowed');
      await deps.limits.take('handshakes', subnetOf(addressOf(request, deps.trustedProxyHops)));
    },

    async authenticate(token: string | undefined): Promise<Actor> {
      if (token === undefined) throw new AppError('unauthenticated');
      const actor = await deps.authenticate(token);
      await deps.limits.take('arrivals', actor.userId);
      return actor;
    },

    /** Throws what `open` would throw. */
    ensureRoomFor: deps.liveSockets.ensureRoomFor,

    /**
     * Finds the rooms of somebody's new socket and calls `open`, which has to open a session at once, as moves between
     * rooms that come after it find only open ones. Fails as it does, or with what the database says.
     */
    arrive<T>(actor: Actor, open: (arrival: Arrival) => T): Promise<T> {
      const { userId } = actor;
      return deps.rooms.enter(
        userId,
        () => deps.findGroupIds(userId),
        (rooms) => open({ actor, rooms }),
      );
    },

    /** Throws `unauthenticated` if the session or the socket has ended meanwhile, `limit_reached` above 50 of them. */
    open(port: SocketPort, { actor, rooms }: Arrival): SocketSession {
      const session = createSession(deps, { port, actor });
      // its close event has passed already, so it would count as open for ever
      if (!port.isOpen()) throw new AppError('unauthenticated');
      deps.liveSockets.enter(session);
      port.join(rooms);
      return session;
    },

    problemOf(error: unknown, request: IncomingMessage, requestId: string): Problem {
      return toProblem(asAppError(error, deps.isOutage), { locale: localeOf(request), requestId });
    },
  };
}

interface SessionInput {
  port: SocketPort;
  actor: Actor;
}

function createSession<Reason>(
  { run, liveSockets, limits, trustedProxyHops }: SocketSessionsDeps<Reason>,
  { port, actor }: SessionInput,
): SocketSession & LiveSocket<Reason> {
  const circumstances: Omit<Call, 'actor' | 'requestId'> = {
    locale: localeOf(port.request),
    address: addressOf(port.request, trustedProxyHops),
    originSocketId: port.id,
    file: null,
  };
  let callCount = 0;

  const session = {
    id: port.id,
    actor,
    isEnded: false,

    async call(bound: BoundOperation, input: unknown): Promise<Outcome> {
      const requestId = `${port.id}-${++callCount}`;
      const outcome = await run(bound, input, {
        ...circumstances,
        requestId,
        actor: session.isEnded ? null : actor,
      });
      if (!outcome.ok && outcome.error.code === 'rate_limited') session.strike();
      return outcome;
    },

    strike(): void {
      // by person, so that another connection begins with no new ones
      limits.take('strikes', actor.userId).catch(() => port.close('flooding'));
    },

    end(sessionId: string, reason: Reason): void {
      session.isEnded = true;
      port.push('session_revoked', { sessionId, reason });
      setTimeout(() => port.close('session_ended'), closeDelayMs);
    },

    leave: () => liveSockets.leave(session),
  };
  return session;
}
