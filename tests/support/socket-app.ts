import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import type { pushEvents } from '../../src/contracts.ts';
import { createDrain } from '../../src/core/drain.ts';
import { bind, operation } from '../../src/core/operation.ts';
import { createOperationRunner } from '../../src/core/run-operation.ts';
import { noFloodLimiter } from '../../src/platform/flood-limiter.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { createConversationRooms } from '../../src/transports/conversation-rooms.ts';
import { createDelivery } from '../../src/transports/delivery.ts';
import type { FrameSocket } from '../../src/transports/frame-connection.ts';
import { createPushEncoder } from '../../src/transports/frames.ts';
import { createLiveSockets } from '../../src/transports/live-sockets.ts';
import { conversationRoom, createRooms, userRoom } from '../../src/transports/rooms.ts';
import { createSocketIoMoves, createSocketServer, serveSocketIo } from '../../src/transports/socket-io.ts';
import { createSocketSessions } from '../../src/transports/socket-sessions.ts';
import { serveWebSocket } from '../../src/transports/websocket.ts';

type FindGroupIds = (userId: string) => Promise<readonly string[]>;

/** Sockets of both kinds without features and without a database. A token is the id of its person. */
export interface SocketApp {
  url: string;
  rooms: ReturnType<typeof createConversationRooms>;
  delivery: ReturnType<typeof createDelivery<typeof pushEvents>>;
  /** Which groups somebody is in; asked at every handshake. */
  findGroupIds: FindGroupIds;
  /** Resolves when the last socket of a person has closed. */
  gone(userId: string): Promise<unknown>;
  /** What the server keeps of a person and a conversation: entries in its registries. */
  traces(userId: string, conversationId: string): number;
  close(): Promise<void>;
}

const contract = {
  say: operation({
    summary: 'Something to everybody in a conversation but the socket it comes from',
    access: 'user',
    input: z.object({ conversationId: z.string(), mark: z.int() }),
    output: null,
    errors: [],
    routes: [],
    event: 'say',
    flood: 'send',
  }),
};

export async function startSocketApp(): Promise<SocketApp> {
  const io = createSocketServer({ corsOrigins: '*' });
  const frameRooms = createRooms<FrameSocket>();
  const encodePush = createPushEncoder({});
  const delivery = createDelivery<typeof pushEvents>({ io, rooms: frameRooms, encodePush });
  const rooms = createConversationRooms([createSocketIoMoves(io), frameRooms]);
  const goings = new EventEmitter();
  const liveSockets = createLiveSockets({
    onFirstOpened: () => {},
    onClosed: () => {},
    onLastClosed: (userId) => void goings.emit(userId),
  });
  const isOutage = () => true;
  const sessions = createSocketSessions({
    run: createOperationRunner({
      drain: createDrain(),
      floods: noFloodLimiter,
      log: createLogger('silent'),
      isOutage,
    }),
    authenticate: async (token) => ({ userId: token, sessionId: `session of ${token}` }),
    findGroupIds: (userId) => app.findGroupIds(userId),
    rooms,
    liveSockets,
    limits: noFloodLimiter,
    isOutage,
    trustedProxyHops: 0,
    origins: { allowed: '*', own: '' },
  });
  const operations = bind('test', contract, {
    async say({ conversationId, mark }, { originSocketId }) {
      const data = { reconnectInMs: mark };
      delivery.toConversation({ conversationId, event: 'server_restart', data, originSocketId });
    },
  });
  const httpServer = createServer();
  serveSocketIo({ io, httpServer, operations, sessions });
  const frames = serveWebSocket({
    httpServer,
    operations,
    sessions,
    rooms: frameRooms,
    encodePush,
    findUndelivered: async () => [],
    isServedElsewhere: (url) => url.startsWith(`${io.path()}/`),
  });
  httpServer.listen(0, '127.0.0.1');
  await once(httpServer, 'listening');

  const app: SocketApp = {
    url: `http://127.0.0.1:${(httpServer.address() as AddressInfo).port}`,
    rooms,
    delivery,
    findGroupIds: async () => [],
    gone: (userId) => once(goings, userId),
    traces(userId, conversationId) {
      const names = [userRoom(userId), conversationRoom(conversationId)];
      const inSocketIo = names.filter((name) => io.sockets.adapter.rooms.has(name)).length;
      return inSocketIo + frameRooms.membersOf(names).size + liveSockets.countOf(userId);
    },
    async close() {
      await frames.close();
      await io.close();
    },
  };
  return app;
}

/** A handshake's question for groups, which waits for its answer. */
export function holdHandshakes(app: SocketApp) {
  let asked = () => {};
  let answer: (ids: readonly string[]) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const answered = new Promise<readonly string[]>((resolve, reject) => {
    answer = resolve;
    fail = reject;
  });
  app.findGroupIds = () => {
    asked();
    return answered;
  };
  return { isAsked, answer, fail };
}
