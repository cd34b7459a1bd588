import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mongoose';
import type { Logger } from 'pino';
import type { Server } from 'socket.io';
import type { Config } from './config.ts';
import { contracts, type pushEvents } from './contracts.ts';
import { createCoalescer } from './core/coalesce.ts';
import { withinDeadline } from './core/deadline.ts';
import type { Delivery } from './core/delivery.ts';
import { createDrain, type Drain } from './core/drain.ts';
import { bind } from './core/operation.ts';
import { createOperationRunner } from './core/run-operation.ts';
import { startEmbeddedMongo } from './embedded-mongo/index.ts';
import type { RevocationReason } from './features/auth/auth.contract.ts';
import { createAuthService } from './features/auth/auth.service.ts';
import { createSessionStore } from './features/auth/sessions.store.ts';
import { createConversationViews } from './features/conversations/conversation-views.ts';
import { createConversationsService } from './features/conversations/conversations.service.ts';
import { createHeadStore } from './features/conversations/heads.store.ts';
import { createHeads } from './features/conversations/heads.ts';
import { createMembershipStore } from './features/conversations/memberships.store.ts';
import { createPrivateView } from './features/conversations/private-view.ts';
import { createFriendsService } from './features/friends/friends.service.ts';
import { createRelationshipStore, pairIdOf } from './features/friends/friends.store.ts';
import { createRelations } from './features/friends/relations.ts';
import { createMessageWriter } from './features/messages/message-writer.ts';
import { createMessagesService } from './features/messages/messages.service.ts';
import { createMessageStore } from './features/messages/messages.store.ts';
import { createSendAuthority } from './features/messages/send-authority.ts';
import { createPresence } from './features/presence/presence.service.ts';
import { createUsersService } from './features/users/users.service.ts';
import { createUserStore } from './features/users/users.store.ts';
import { createDatabase } from './platform/database.ts';
import { createFloodLimiter, noFloodLimiter } from './platform/flood-limiter.ts';
import { localSecret } from './platform/local-secret.ts';
import { createLogger } from './platform/logger.ts';
import { createPasswords } from './platform/passwords.ts';
import { createTokens } from './platform/tokens.ts';
import { createDelivery } from './transports/delivery.ts';
import { createHttpApp } from './transports/http-app.ts';
import { createLiveSockets } from './transports/live-sockets.ts';
import { createRestRouter } from './transports/rest.ts';
import { createSocketServer, serveSocketIo } from './transports/socket-io.ts';

export interface App {
  /** Starts everything. Resolves when the server listens and, unless the database is away, is ready. */
  listen(): Promise<{ port: number }>;
  /** Answers what is in flight, tells the clients and closes everything (promise 18). */
  close(): Promise<void>;
}

const floodBuckets = {
  send: { points: 200, durationSeconds: 5 },
  read: { points: 200, durationSeconds: 5 },
  // a page of sync may read thousands of entries
  sync: { points: 40, durationSeconds: 10 },
  change: { points: 100, durationSeconds: 10 },
  auth: { points: 100, durationSeconds: 60 },
};
const strikeBuckets = { strikes: { points: 200, durationSeconds: 10 } };
const reconnectWithinMs = 5000;
const lastSeenEveryMs = 200;
const reopenEveryMs = 2000;
const answerWithinMs = 10_000;
const readyWithinMs = 2000;

type Features = ReturnType<typeof buildFeatures>;

/** Builds the server in reading order; it listens when told to. */
export async function createApp(config: Config): Promise<App> {
  const log = createLogger(config.logLevel);
  const embedded = config.mongodbUri === null ? await startEmbedded(config.dataDir, log) : null;
  const database = createDatabase(config.mongodbUri ?? embedded?.uri ?? '');
  const jwtSecret = config.jwtSecret ?? (await localSecret(config.dataDir, 'jwt'));
  const io = createSocketServer(config);
  const features = buildFeatures({ config, log, io, connection: database.connection, jwtSecret });
  const drain = createDrain();
  let isOpen = false;

  const isWritable = () => withinDeadline(database.isWritable(), readyWithinMs).catch(() => false);

  const httpServer = buildTransports({
    config,
    log,
    io,
    features,
    drain,
    isOutage: database.isOutage,
    isReady: async () => isOpen && !drain.isDraining && (await isWritable()),
  });

  async function openDatabase(): Promise<void> {
    try {
      await database.open();
      isOpen = true;
    } catch (error) {
      if (drain.isDraining) return;
      log.error({ err: error }, 'the database cannot be reached; trying again');
      setTimeout(() => void openDatabase(), reopenEveryMs).unref();
    }
  }

  return {
    async listen() {
      httpServer.listen(config.port, config.host);
      await once(httpServer, 'listening');
      await openDatabase();
      return { port: (httpServer.address() as AddressInfo).port };
    },

    async close() {
      io.emit('server_restart', { reconnectInMs: Math.round(Math.random() * reconnectWithinMs) });
      await Promise.race([drain.finish(), delay(answerWithinMs, undefined, { ref: false })]);
      await features.settle();
      await io.close();
      httpServer.closeAllConnections();
      await features.settlePresence();
      await database.close();
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

interface FeaturesInput {
  config: Config;
  log: Logger;
  io: Server;
  connection: Connection;
  jwtSecret: string;
}

/** The features: each gets its store and what it needs of the others. */
function buildFeatures({ config, log, io, connection, jwtSecret }: FeaturesInput) {
  const delivery = createDelivery<typeof pushEvents>(io);
  const userStore = createUserStore(connection);
  const relationshipStore = createRelationshipStore(connection);
  const lastSeen = createCoalescer({
    everyMs: lastSeenEveryMs,
    write: userStore.touchLastSeen,
    onFailure: (error) => log.warn({ err: error }, 'last seen was not kept'),
  });
  const liveSockets = createLiveSockets<RevocationReason>({
    onLastClosed: (userId) => lastSeen.note(userId, new Date()),
  });
  const relations = createRelations(relationshipStore);
  const users = createUsersService({ store: userStore, delivery, relationsOf: relations.relationsOf });
  const presenceOf = createPresence({ findByIds: users.people.findByIds, isOnline: liveSockets.isOnline });
  const friends = createFriendsService({
    store: relationshipStore,
    delivery,
    people: users.people,
    presenceOf,
  });
  const auth = createAuthService({
    sessions: createSessionStore(connection),
    accounts: users.accounts,
    passwords: createPasswords({ cost: config.bcryptCost }),
    tokens: createTokens({ secret: jwtSecret, accessLifetimeSeconds: config.accessLifetimeSeconds }),
    closeSockets: liveSockets.end,
    refreshLifetimeMs: config.refreshLifetimeSeconds * 1000,
  });
  const conversing = buildConversing({ connection, log, delivery, relations, users });

  return {
    liveSockets,
    authenticate: (token: string) => withinDeadline(auth.authenticate(token)),
    operations: [
      ...bind('auth', contracts.auth, auth.handlers),
      ...bind('users', contracts.users, users.handlers),
      ...bind('friends', contracts.friends, friends),
      ...conversing.operations,
    ],
    settle: conversing.settle,
    settlePresence: lastSeen.flush,
  };
}

interface ConversingInput {
  connection: Connection;
  log: Logger;
  delivery: Delivery<typeof pushEvents>;
  relations: ReturnType<typeof createRelations>;
  users: ReturnType<typeof createUsersService>;
}

/** Messages and conversations: the log, its writer, and what each member sees of it. */
function buildConversing({ connection, log, delivery, relations, users }: ConversingInput) {
  const memberships = createMembershipStore(connection);
  const messageStore = createMessageStore(connection);
  const heads = createHeads({
    store: createHeadStore(connection),
    findHeadsAbove: messageStore.findHeadsAbove,
    onFailure: (error) => log.warn({ err: error }, 'conversation heads were not raised'),
  });
  const writer = createMessageWriter({
    log: messageStore,
    findRefused: createSendAuthority(relations),
    openConversation: ({ conversationId, senderId, receiverId }) =>
      memberships.createPair(conversationId, [senderId, receiverId]),
    onAppended: heads.note,
  });
  const messages = createMessagesService({
    store: messageStore,
    writer,
    delivery,
    privateConversationOf: pairIdOf,
    areFriends: relations.areFriends,
    viewOf: createPrivateView(memberships),
  });
  const conversations = createConversationsService({
    memberships,
    heads,
    describe: createConversationViews({
      memberships,
      usersFor: users.viewsFor,
      readAt: messages.readAt,
      findHeadsAt: messageStore.findHeadsAt,
    }),
    readPage: messages.readPage,
    async listChangesSince(userId, since) {
      const [lists, profile] = await Promise.all([
        relations.listChangesSince(userId, since),
        users.profileChangesSince(userId, since),
      ]);
      return { ...lists, blacklist: [], profile };
    },
  });

  return {
    operations: [
      ...bind('messages', contracts.messages, messages.handlers),
      ...bind('conversations', contracts.conversations, conversations),
    ],
    async settle(): Promise<void> {
      await writer.idle();
      await heads.flush();
    },
  };
}

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
function buildTransports({
  config,
  log,
  io,
  features,
  drain,
  isOutage,
  isReady,
}: TransportsInput): HttpServer {
  const { trustedProxyHops, hasRateLimits, corsOrigins } = config;
  const { operations, authenticate, liveSockets } = features;
  const floods = hasRateLimits ? createFloodLimiter(floodBuckets) : noFloodLimiter;
  const strikes = hasRateLimits ? createFloodLimiter(strikeBuckets) : noFloodLimiter;
  const run = createOperationRunner({ drain, floods, log, isOutage });
  const router = createRestRouter({ operations, run, authenticate, trustedProxyHops, hasRateLimits });
  const httpServer = createServer(
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
    strikes,
    isOutage,
    trustedProxyHops,
  });
  return httpServer;
}
