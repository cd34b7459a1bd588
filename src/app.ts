import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { withinDeadline } from './core/deadline.ts';
import { createDrain } from './core/drain.ts';
import { makeDirectory, startEmbeddedMongo } from './embedded-mongo/index.ts';
import { createDatabase } from './platform/database.ts';
import { localSecret } from './platform/local-secret.ts';
import { createLogger } from './platform/logger.ts';
import { buildFeatures } from './wiring/features.ts';
import { buildSockets, buildTransports } from './wiring/transports.ts';

export interface App {
  /** Starts everything. Resolves when the server listens and, unless the database is away, is ready. */
  listen(): Promise<{ port: number }>;
  /** Answers what is in flight, tells the clients and closes everything (promise 18), also while it still starts. */
  close(): Promise<void>;
}

const reconnectWithinMs = 5000;
const reopenEveryMs = 2000;
const answerWithinMs = 10_000;
const readyWithinMs = 2000;
const tidyWithinMs = 3000;

/** Builds the server in reading order; it listens when told to. */
export async function createApp(config: Config): Promise<App> {
  const log = createLogger(config.logLevel);
  if (config.mongodbUri === null || config.jwtSecret === null) makeDirectory(config.dataDir);
  const embedded = config.mongodbUri === null ? await startEmbedded(config.dataDir, log) : null;
  const database = createDatabase(config.mongodbUri ?? embedded?.uri ?? '');
  const jwtSecret = config.jwtSecret ?? (await localSecret(config.dataDir, 'jwt'));
  const sockets = buildSockets(config);
  const features = buildFeatures({
    config,
    log,
    delivery: sockets.delivery,
    rooms: sockets.conversationRooms,
    connection: database.connection,
    jwtSecret,
  });
  const drain = createDrain();
  let isOpen = false;

  const isWritable = () => withinDeadline(database.isWritable(), readyWithinMs).catch(() => false);

  const { httpServer, announceRestart, close } = buildTransports({
    config,
    log,
    sockets,
    features,
    drain,
    isOutage: database.isOutage,
    isReady: async () => isOpen && !drain.isDraining && (await isWritable()),
  });

  async function openDatabase(): Promise<void> {
    if (drain.isDraining) return;
    try {
      await database.open();
      if (drain.isDraining) return;
      isOpen = true;
      features.start();
    } catch (error) {
      if (drain.isDraining) return;
      log.error({ err: error }, 'the database cannot be reached; trying again');
      setTimeout(() => void openDatabase(), reopenEveryMs).unref();
    }
  }

  /** What a database that is away does not let end is taken up by the next start, as after a crash. */
  async function asFarAsPossible(work: Promise<void>): Promise<void> {
    await withinDeadline(work, tidyWithinMs).catch((error: unknown) =>
      log.warn({ cause: String(error) }, 'the server stops before everything is tidy'),
    );
  }

  let listening: Promise<unknown> = Promise.resolve();

  return {
    async listen() {
      listening = once(httpServer.listen(config.port, config.host), 'listening');
      await listening;
      const { port } = httpServer.address() as AddressInfo;
      await openDatabase();
      return { port };
    },

    async close() {
      // what does not listen yet cannot be closed
      await listening;
      announceRestart(Math.round(Math.random() * reconnectWithinMs));
      await Promise.race([drain.finish(), delay(answerWithinMs, undefined, { ref: false })]);
      // before the database is open there is nothing to settle
      if (isOpen) await asFarAsPossible(features.settle());
      await close();
      await asFarAsPossible(features.closePresence());
      await asFarAsPossible(database.close());
      await embedded?.close();
    },
  };
}

function startEmbedded(directory: string, log: Logger) {
  const onFailure = (error: Error) => {
    log.fatal({ err: error }, 'the embedded database ended by itself');
    throw error;
  };
  return startEmbeddedMongo({ directory, onFailure });
}
