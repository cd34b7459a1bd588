import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { RawData, WebSocket } from 'ws';
import { AppError } from '../core/errors.ts';
import type { BoundOperation } from '../core/operation.ts';
import type { Message } from '../features/messages/messages.contract.ts';
import {
  type ClientFrame,
  type createFrameTable,
  type EncodePush,
  encodeAnswer,
  type FrameId,
  readFrame,
} from './frames.ts';
import { createIntake } from './intake.ts';
import type { Rooms } from './rooms.ts';
import type { Arrival, SocketPort, SocketSession, SocketSessions } from './socket-sessions.ts';

const authWithinMs = 10_000;
/** A client that has not asked by `sync` until then does not know how to. */
const syncWithinMs = 1000;
const mostInFlight = 32;
/** Above this a client is not listened to, until it has taken what it was sent. */
const mostBufferedBytes = 1024 * 1024;
const closedWithinMs = 2000;

/** Why the server ends a connection → close code. */
const closeCodes = { session_ended: 4401, unauthenticated: 4401, flooding: 1008, restart: 1012 } as const;

/** A socket on `/ws`, as far as delivery needs it. */
export interface FrameSocket {
  id: string;
  send(frame: Buffer): void;
}

export interface FrameConnectionDeps {
  sessions: SocketSessions;
  rooms: Pick<Rooms<FrameSocket>, 'join' | 'leaveAll'>;
  rowOf: ReturnType<typeof createFrameTable>;
  encodePush: EncodePush;
  /** Answers the messages that a person has missed, oldest first. */
  undelivered: BoundOperation;
  onClosed(connection: FrameConnection): void;
}

export type FrameConnection = ReturnType<typeof createFrameConnection>;

/** One connection on `/ws`: it says who it is, then calls operations and hears events. */
export function createFrameConnection(
  socket: WebSocket,
  request: IncomingMessage,
  { sessions, rooms, rowOf, encodePush, undelivered, onClosed }: FrameConnectionDeps,
) {
  const id = `ws-${randomUUID()}`;
  let session: SocketSession | null = null;
  let isAlive = true;
  const authTimer = setTimeout(() => refuse(new AppError('unauthenticated')), authWithinMs);
  let syncTimer: NodeJS.Timeout | undefined;

  const isOpen = () => socket.readyState === socket.OPEN;
  const intake = createIntake<{ data: RawData; isBinary: boolean }>({
    handle: ({ data, isBinary }) => receive(readFrame(data, isBinary)),
    // what comes after the end is read and dropped, so that the end itself is read
    mayBegin: (inFlight) =>
      !isOpen() || (inFlight < (session ? mostInFlight : 1) && socket.bufferedAmount <= mostBufferedBytes),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  });
  const member: FrameSocket = { id, send };
  const port: SocketPort = {
    id,
    request,
    isOpen,
    join(names) {
      for (const name of names) rooms.join(name, member);
    },
    push: (event, data) => send(encodePush(event, data)),
    close,
  };

  socket.on('message', (data, isBinary) => intake.push({ data, isBinary }));
  socket.on('ping', (data) => {
    noteControlFrame();
    socket.pong(data, false, intake.proceed);
    intake.proceed();
  });
  socket.on('pong', noteControlFrame);
  // what is no WebSocket frame, or too large: ws closes it with the code for that
  socket.on('error', () => {});
  socket.on('close', leave);

  async function receive(frame: ClientFrame): Promise<void> {
    if (!isOpen()) return;
    isAlive = true;
    if (session) await serve(session, frame);
    else await authenticate(frame);
  }

  async function authenticate({ id: frameId, type, input: { token } }: ClientFrame): Promise<void> {
    clearTimeout(authTimer);
    try {
      if (type !== 'auth') throw new AppError('unauthenticated');
      const actor = await sessions.authenticate(typeof token === 'string' ? token : undefined);
      const { userId } = actor;
      await sessions.arrive(actor, (arrival) => {
        begin(arrival);
        // before anything is pushed
        send(encodeAnswer({ type: 'auth' }, frameId, { ok: true, data: { userId } }));
      });
    } catch (error) {
      refuse(error, frameId);
    }
  }

  function refuse(error: unknown, frameId?: FrameId): void {
    const problem = sessions.problemOf(error, request, id);
    send(encodeAnswer({ type: 'auth' }, frameId, { ok: false, error: problem }));
    close('unauthenticated');
  }

  function begin(arrival: Arrival): void {
    clearTimeout(authTimer);
    const opened = sessions.open(port, arrival);
    session = opened;
    syncTimer = setTimeout(() => void pushUndelivered(opened), syncWithinMs);
  }

  async function serve(opened: SocketSession, frame: ClientFrame): Promise<void> {
    if (frame.type === 'sync') clearTimeout(syncTimer);
    const row = rowOf(frame);
    const outcome = await opened.call(row.bound, row.input);
    send(encodeAnswer(row.frame, frame.id, outcome));
  }

  /** For clients that do not ask what they have missed. Each message waits until the network has taken the one before. */
  async function pushUndelivered(opened: SocketSession): Promise<void> {
    const outcome = await opened.call(undelivered, {});
    if (!outcome.ok) return;
    for (const message of outcome.data as Message[]) {
      if (!isOpen() || opened.isEnded) return;
      const frame = encodePush('new_private_message', message);
      await new Promise((taken) => socket.send(frame, { binary: false }, taken));
    }
  }

  function send(frame: string | Buffer): void {
    socket.send(frame, { binary: false }, intake.proceed);
  }

  function noteControlFrame(): void {
    isAlive = true;
    session?.strike();
  }

  function close(why: keyof typeof closeCodes): void {
    intake.clear();
    socket.resume();
    socket.close(closeCodes[why], why);
    setTimeout(() => socket.terminate(), closedWithinMs).unref();
  }

  function leave(): void {
    clearTimeout(authTimer);
    clearTimeout(syncTimer);
    session?.leave();
    rooms.leaveAll(member);
    onClosed(connection);
  }

  const connection = {
    /** Says for the client who it is, as the handshake has told. */
    admit(arrival: Arrival): void {
      try {
        begin(arrival);
      } catch (error) {
        refuse(error);
      }
    },
    push: port.push,
    close,
    /** What the network has not taken yet. */
    bufferedBytes: () => socket.bufferedAmount,
    terminate: () => socket.terminate(),
    /** Asks whether anybody is there, and ends the connection if nobody was since it last asked. */
    beat(): void {
      if (isAlive) socket.ping();
      else socket.terminate();
      isAlive = false;
    },
  };
  return connection;
}
