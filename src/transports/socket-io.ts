import type { Server as HttpServer } from 'node:http';
import { Server, type Socket } from 'socket.io';
import { AppError } from '../core/errors.ts';
import { type BoundOperation, unknownEvent } from '../core/operation.ts';
import { bearerOf } from './client.ts';
import type { RoomMoves } from './rooms.ts';
import { closeSlowSockets } from './slow-sockets.ts';
import type { SocketPort, SocketSession, SocketSessions } from './socket-sessions.ts';

const frameMaxBytes = 64 * 1024;
/** Who has not said who it is by then is nobody. */
const joinsWithinMs = 10_000;
/** How often a client may say who it is on one connection: once, and again with a renewed token. */
const mostAdmissions = 5;

/** The Socket.IO server, not yet attached to anything. */
export function createSocketServer({ corsOrigins }: { corsOrigins: '*' | string[] }): Server {
  return new Server({
    maxHttpBufferSize: frameMaxBytes,
    serveClient: false,
    perMessageDeflate: false,
    connectTimeout: joinsWithinMs,
    cors: { origin: corsOrigins },
    // other upgrades are not ours to end: /ws takes its own and refuses the rest
    destroyUpgrade: false,
  });
}

/**
 * Moves Socket.IO's sockets through the adapter: `socketsJoin` passes over those that are not connected yet, and those in the
 * last steps of a handshake are in their rooms already.
 */
export function createSocketIoMoves(io: Server): RoomMoves {
  const adapter = () => io.sockets.adapter;
  const idsIn = (room: string) => [...(adapter().rooms.get(room) ?? [])];
  return {
    bring(from, into) {
      for (const id of idsIn(from)) void adapter().addAll(id, new Set([into]));
    },
    take(from, outOf) {
      for (const id of idsIn(from)) void adapter().del(id, outOf);
    },
    empty(room) {
      for (const id of idsIn(room)) void adapter().del(id, room);
    },
  };
}

interface SocketIoDeps {
  io: Server;
  httpServer: HttpServer;
  operations: readonly BoundOperation[];
  sessions: SocketSessions;
}

/** Serves every operation that has an event name, and rooms. Every event is acknowledged. */
export function serveSocketIo({ io, httpServer, operations, sessions }: SocketIoDeps): void {
  const byEvent = new Map(
    operations.flatMap((bound) => (bound.operation.event ? [[bound.operation.event, bound]] : [])),
  );
  const connections = new WeakMap<Socket, SocketSession>();
  const admissions = new WeakMap<Socket['conn'], number>();

  io.use((socket, next) => {
    admit(socket).then(
      () => next(),
      (error: unknown) => {
        const problem = sessions.problemOf(error, socket.request, socket.id);
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
    await sessions.receive(socket.request);
    const actor = await sessions.authenticate(tokenOf(socket));
    await sessions.arrive(actor, (arrival) => begin(socket, sessions.open(portOf(socket), arrival)));
  }

  function begin(socket: Socket, session: SocketSession): void {
    connections.set(socket, session);
    const leave = () => {
      socket.conn.off('close', leave);
      session.leave();
    };
    socket.conn.on('close', leave);
    socket.on('disconnect', leave);
  }

  io.on('connection', (socket) => {
    const session = connections.get(socket);
    if (session && !session.isEnded) socket.onAny((...args: unknown[]) => void receive(session, args));
    else socket.disconnect(true);
  });

  /** `given` is what the client sent: a name (or nothing at all), arguments and perhaps an acknowledgement. */
  async function receive(session: SocketSession, given: unknown[]): Promise<void> {
    const acknowledge =
      typeof given.at(-1) === 'function' ? (given.pop() as (answer: unknown) => void) : null;
    const [event, ...args] = given;
    const bound = byEvent.get(String(event)) ?? unknownEvent;
    const outcome = await session.call(bound, bound === unknownEvent ? {} : inputOf(args));
    acknowledge?.(outcome);
  }

  io.attach(httpServer);
  const stopWatching = closeSlowSockets({
    sockets: () => io.sockets.sockets.values(),
    bufferedBytes,
    close: (socket) => socket.conn.close(true),
  });
  httpServer.once('close', stopWatching);
}

function portOf(socket: Socket): SocketPort {
  return {
    id: socket.id,
    request: socket.request,
    isOpen: () => socket.conn.readyState === 'open',
    // it leaves them by itself, also when it closes before it is connected
    join: (rooms) => void socket.join(rooms),
    push: (event, data) => void socket.emit(event, data),
    close: () => void socket.disconnect(true),
  };
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

/** What waits in Engine.IO, and beneath it. */
function bufferedBytes({ conn }: Socket): number {
  const connection = conn as unknown as {
    writeBuffer: { data?: string | Buffer }[];
    transport: { socket?: { bufferedAmount?: number } };
  };
  const queued = connection.writeBuffer.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
  return queued + (connection.transport.socket?.bufferedAmount ?? 0);
}
