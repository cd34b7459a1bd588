import { createServer, type Server as HttpServer } from 'node:http';
import type { Logger } from 'pino';
import type { Server } from 'socket.io';
import type { Config } from '../config.ts';
import type { Drain } from '../core/drain.ts';
import { createOperationRunner } from '../core/run-operation.ts';
import { createFloodLimiter, noFloodLimiter } from '../platform/flood-limiter.ts';
import { createHttpApp } from '../transports/http-app.ts';
import { createRestRouter } from '../transports/rest.ts';
import { serveSocketIo } from '../transports/socket-io.ts';
import { slowestUploadMs } from '../transports/uploads.ts';
import type { Features } from './features.ts';

const floodBuckets = {
  send: { points: 200, durationSeconds: 5 },
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
  strikes: { points: 200, durationSeconds: 10 },
};

/** Uploads are ended by their own clock first. */
const graceMs = 60_000;

interface TransportsInput {
  config: Config;
  log: Logger;
  io: Server;
  features: Features;
  drain: Drain;
  isOutage: (error: unknown) => boolean;
  isReady: () => Promise<boolean>;
}

/** The wires, each built from the one table of operations. */
export function buildTransports({
  config,
  log,
  io,
  features,
  drain,
  isOutage,
  isReady,
}: TransportsInput): HttpServer {
  const { trustedProxyHops, hasRateLimits, corsOrigins } = config;
  const { operations, authenticate, authenticateFileAccess, liveSockets } = features;
  const floods = hasRateLimits ? createFloodLimiter(floodBuckets) : noFloodLimiter;
  const limits = hasRateLimits ? createFloodLimiter(socketBuckets) : noFloodLimiter;
  const run = createOperationRunner({ drain, floods, log, isOutage });
  const router = createRestRouter({
    operations,
    run,
    authenticate,
    authenticateFileAccess,
    trustedProxyHops,
    hasRateLimits,
  });
  const httpServer = createServer(
    { requestTimeout: slowestUploadMs + graceMs },
    createHttpApp({
      router,
      corsOrigins,
      trustedProxyHops,
      isReady,
      isOutage,
      onInternalError: (error, requestId) => log.error({ err: error, requestId }, 'request failed'),
    }),
  );
  serveSocketIo({
    io,
    httpServer,
    operations,
    run,
    authenticate,
    liveSockets,
    limits,
    isOutage,
    trustedProxyHops,
  });
  return httpServer;
}
