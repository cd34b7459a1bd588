import type { Server as HttpServer } from 'node:http';
import { Server, type Socket } from 'socket.io';
import type { Actor, Call } from '../core/actor.ts';
import { AppError, toProblem } from '../core/errors.ts';
import { type BoundOperation, unknownEvent } from '../core/operation.ts';
import { asAppError, type FloodLimiter, type RunOperation } from '../core/run-operation.ts';
import { addressOf, bearerOf, localeOf, subnetOf } from './client.ts';
import { userRoom } from './delivery.ts';
import type { LiveSocket, LiveSockets } from './live-sockets.ts';
import { closeSlowSockets } from './slow-sockets.ts';

const frameMaxBytes = 64 * 1024;
/** How often a client may say who it is on one connection: once, and again with a renewed token. */
const mostAdmissions = 5;
/** Lets the acknowledgement and `session_revoked` out before the socket closes. */
const closeDelayMs = 100;

/** The Socket.IO server, not yet attached to anything. */
export function createSocketServer({ corsOrigins }: { corsOrigins: '*' | string[] }): Server {
  return new Server({
    maxHttpBufferSize: frameMaxBytes,
    serveClient: false,
    perMessageDeflate: false,
    cors: { origin: corsOrigins },
  });
}

interface SocketIoDeps<Reason> {
  io: Server;
  httpServer: HttpServer;
  operations: readonly BoundOperation[];
  run: RunOperation;
  authenticate(token: string): Promise<Actor>;
  liveSockets: LiveSockets<Reason>;
  /** Counts handshakes by address, and refusals by socket: whoever goes on in spite of them is disconnected. */
  limits: FloodLimiter<'handshakes' | 'strikes'>;
  isOutage(error: unknown): boolean;
  trustedProxyHops: number;
}

/** What the transport keeps of a socket. */
interface Connection<Reason> extends LiveSocket<Reason> {
  call: Omit<Call<Actor>, 'requestId'>;
  isEnded: boolean;
  eventCount: number;
}

/** Serves every operation that has an event name, and rooms by person. Every event is acknowledged. */
export function serveSocketIo<Reason>({ io, operations, run, ...deps }: SocketIoDeps<Reason>): void {
  const byEvent = new Map(
    operations.flatMap((bound) => (bound.operation.event ? [[bound.operation.event, bound]] : [])),
  );
  const connections = new WeakMap<Socket, Connection<Reason>>();
  const admissions = new WeakMap<Socket['conn'], number>();

  io.use((socket, next) => {
    admit(socket).then(
      () => next(),
      (error: unknown) => {
        const context = { locale: localeOf(socket.request), requestId: socket.id };
        const problem = toProblem(asAppError(error, deps.isOutage), context);
        next(Object.assign(new Error(problem.code), { data: problem }));
      },
    );
  });

  async function admit(socket: Socket): Promise<void> {
    const tries = (admissions.get(socket.conn) ?? 0) + 1;
    admissions.set(socket.conn, tries);
    // each costs a read of the session, and no client of ours has several sockets on one connection
    if (tries > mostAdmissions) {
      socket.conn.close();
      throw new AppError('rate_limited', { extra: { retryAfterMs: 1000 } });
    }
    await deps.limits.take('handshakes', subnetOf(addressOf(socket.request, deps.trustedProxyHops)));
    const token = tokenOf(socket);
    if (token === undefined) throw new AppError('unauthenticated');
    const actor = await deps.authenticate(token);
    const connection = openConnection(socket, actor);
    // its close event has passed already, so it would count as open for ever
    if (socket.conn.readyState !== 'open') throw new AppError('unauthenticated');
    deps.liveSockets.enter(connection);
    connections.set(socket, connection);
    const leave = () => {
      socket.conn.off('close', leave);
      deps.liveSockets.leave(connection);
    };
    socket.conn.on('close', leave);
    socket.on('disconnect', leave);
  }

  function openConnection(socket: Socket, actor: Actor): Connection<Reason> {
    const address = addressOf(socket.request, deps.trustedProxyHops);
    const connection: Connection<Reason> = {
      actor,
      id: socket.id,
      call: { actor, locale: localeOf(socket.request), address, originSocketId: socket.id, file: null },
      isEnded: false,
      eventCount: 0,
      end(sessionId, reason) {
        connection.isEnded = true;
        socket.emit('session_revoked', { sessionId, reason });
        setTimeout(() => socket.disconnect(true), closeDelayMs);
      },
    };
    return connection;
  }

  io.on('connection', async (socket) => {
    const connection = connections.get(socket);
    if (!connection || connection.isEnded) {
      socket.disconnect(true);
      return;
    }
    socket.onAny((...args: unknown[]) => void receive(socket, connection, args));
    await socket.join(userRoom(connection.actor.userId));
  });

  /** `given` is what the client sent: a name (or nothing at all), arguments and perhaps an acknowledgement. */
  async function receive(socket: Socket, connection: Connection<Reason>, given: unknown[]): Promise<void> {
    const acknowledge =
      typeof given.at(-1) === 'function' ? (given.pop() as (answer: unknown) => void) : null;
    const [event, ...args] = given;
    const bound = byEvent.get(String(event)) ?? unknownEvent;
    const requestId = `${socket.id}-${++connection.eventCount}`;
    const input = bound === unknownEvent ? {} : inputOf(args);
    const call = connection.isEnded
      ? { ...connection.call, requestId, actor: null }
      : { ...connection.call, requestId };
    const outcome = await run(bound, input, call);
    acknowledge?.(outcome);
    if (!outcome.ok && outcome.error.code === 'rate_limited') {
      await deps.limits.take('strikes', socket.id).catch(() => socket.disconnect(true));
    }
  }

  io.attach(deps.httpServer);
  const stopWatching = closeSlowSockets(io);
  deps.httpServer.once('close', stopWatching);
}

function tokenOf(socket: Socket): string | undefined {
  const { auth, query } = socket.handshake;
  const given = [auth.token, bearerOf(socket.request), query.token];
  return given.find((token): token is string => typeof token === 'string' && token !== '');
}

/** A second argument would be dropped silently, so it is handed on to be refused. */
function inputOf(args: unknown[]): unknown {
  if (args.length > 1) return args;
  return args.length === 0 ? {} : args[0];
}
