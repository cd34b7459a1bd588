import { createServer, type Server as HttpServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { frameTypes, type pushEvents } from '../contracts.ts';
import type { Drain } from '../core/drain.ts';
import { createOperationRunner, type RunOperation } from '../core/run-operation.ts';
import { createFloodLimiter, noFloodLimiter } from '../platform/flood-limiter.ts';
import { createConversationRooms } from '../transports/conversation-rooms.ts';
import { createDelivery } from '../transports/delivery.ts';
import type { FrameSocket } from '../transports/frame-connection.ts';
import { createPushEncoder } from '../transports/frames.ts';
import { createHttpApp } from '../transports/http-app.ts';
import { answerRefusals } from '../transports/http-refusals.ts';
import { createRestRouter } from '../transports/rest.ts';
import { createRooms } from '../transports/rooms.ts';
import { createSocketIoMoves, createSocketServer, serveSocketIo } from '../transports/socket-io.ts';
import { createSocketSessions } from '../transports/socket-sessions.ts';
import { slowestUploadMs } from '../transports/uploads.ts';
import { serveWebSocket } from '../transports/websocket.ts';
import type { Features } from './features.ts';

const floodBuckets = {
  send: { points: 200, durationSeconds: 5 },
  // clients renew it every few seconds, in one conversation at a time
  typing: { points: 50, durationSeconds: 10 },
  read: { points: 200, durationSeconds: 5 },
  // several reads, one of them along an index
  search: { points: 40, durationSeconds: 10 },
  // a page of sync may read thousands of entries
  sync: { points: 40, durationSeconds: 10 },
  change: { points: 100, durationSeconds: 10 },
  auth: { points: 100, durationSeconds: 60 },
  // of all people behind one address, who must not lock each other out
  renew: { points: 600, durationSeconds: 60 },
};
const socketBuckets = {
  handshakes: { points: 1000, durationSeconds: 10 },
  // all sockets of one person, after a restart of the server
  arrivals: { points: 100, durationSeconds: 10 },
  strikes: { points: 200, durationSeconds: 10 },
};

/** Uploads are ended by their own clock first. */
const graceMs = 60_000;
/** How long answers may take to leave once the server closes. */
const closedWithinMs = 2000;

interface TransportsInput {
  config: Config;
  log: Logger;
  sockets: Sockets;
  features: Features;
  drain: Drain;
  isOutage: (error: unknown) => boolean;
  isReady: () => Promise<boolean>;
}

type Sockets = ReturnType<typeof buildSockets>;

/** Sockets of every kind, as far as features need them: to be reached. */
export function buildSockets(config: Config) {
  const io = createSocketServer(config);
  const rooms = createRooms<FrameSocket>();
  const encodePush = createPushEncoder(frameTypes);
  return {
    io,
    rooms,
    encodePush,
    delivery: createDelivery<typeof pushEvents>({ io, rooms, encodePush }),
    conversationRooms: createConversationRooms([createSocketIoMoves(io), rooms]),
  };
}

/** The wires, each built from the one table of operations. */
export function buildTransports({ config, log, features, isOutage, ...input }: TransportsInput) {
  const { trustedProxyHops, hasRateLimits, corsOrigins } = config;
  const { operations, authenticate, authenticateFileAccess } = features;
  const floods = hasRateLimits ? createFloodLimiter(floodBuckets) : noFloodLimiter;
  const run = createOperationRunner({ drain: input.drain, floods, log, isOutage });
  const router = createRestRouter({
    operations,
    run,
    authenticate,
    authenticateFileAccess,
    trustedProxyHops,
    hasRateLimits,
  });
  const httpServer = createServer(
    { requestTimeout: slowestUploadMs + graceMs, requireHostHeader: false },
    createHttpApp({
      router,
      corsOrigins,
      trustedProxyHops,
      isReady: input.isReady,
      isOutage,
      onInternalError: (error, requestId) => log.error({ err: error, requestId }, 'request failed'),
    }),
  );
  const served = serveSockets({ config, features, isOutage, ...input }, run, httpServer);
  answerRefusals(httpServer);
  return { httpServer, ...served };
}

function serveSockets(
  { config, features, sockets, isOutage }: Omit<TransportsInput, 'log'>,
  run: RunOperation,
  httpServer: HttpServer,
) {
  const { io, rooms, encodePush, conversationRooms } = sockets;
  const { operations, authenticate, findGroupIds, liveSockets, findUndelivered } = features;
  const sessions = createSocketSessions({
    run,
    authenticate,
    findGroupIds,
    rooms: conversationRooms,
    liveSockets,
    limits: config.hasRateLimits ? createFloodLimiter(socketBuckets) : noFloodLimiter,
    isOutage,
    trustedProxyHops: config.trustedProxyHops,
    origins: { allowed: config.corsOrigins, own: config.publicUrl },
  });
  serveSocketIo({ io, httpServer, operations, sessions });
  const frames = serveWebSocket({
    httpServer,
    operations,
    sessions,
    rooms,
    encodePush,
    findUndelivered,
    isServedElsewhere: (url) => url.startsWith(`${io.path()}/`),
  });

  return {
    /** Tells every client that the server stops, and when to come back. */
    announceRestart(reconnectInMs: number): void {
      io.emit('server_restart', { reconnectInMs });
      frames.push('server_restart', { reconnectInMs });
    },
    /** Closes every socket, and the HTTP server with them. */
    async close(): Promise<void> {
      await frames.close();
      // requests that never end would hold it for ever, and sockets that do not read for half a minute
      await Promise.race([io.close(), delay(closedWithinMs, undefined, { ref: false })]);
      httpServer.closeAllConnections();
    },
  };
}
