import type { Connection } from 'mongoose';
import type { Logger } from 'pino';
import type { Server } from 'socket.io';
import type { Config } from '../config.ts';
import { contracts, type pushEvents } from '../contracts.ts';
import { createCoalescer } from '../core/coalesce.ts';
import { withinDeadline } from '../core/deadline.ts';
import { bind } from '../core/operation.ts';
import type { RevocationReason } from '../features/auth/auth.contract.ts';
import { createAuthService } from '../features/auth/auth.service.ts';
import { watchSessions } from '../features/auth/session-watch.ts';
import { createSessionStore } from '../features/auth/sessions.store.ts';
import { friendLimits } from '../features/friends/friends.rules.ts';
import { createFriendsService } from '../features/friends/friends.service.ts';
import { createRelationshipStore } from '../features/friends/friends.store.ts';
import { createRelations } from '../features/friends/relations.ts';
import { createPresence } from '../features/presence/presence.service.ts';
import { createUsersService } from '../features/users/users.service.ts';
import { createUserStore } from '../features/users/users.store.ts';
import { createFloodLimiter, noFloodLimiter } from '../platform/flood-limiter.ts';
import { createPasswords } from '../platform/passwords.ts';
import { createQuotaStore } from '../platform/quotas.store.ts';
import { createTokens } from '../platform/tokens.ts';
import { createTurns } from '../platform/turns.ts';
import { createDelivery } from '../transports/delivery.ts';
import { createLiveSockets } from '../transports/live-sockets.ts';
import { buildConversing } from './conversing.ts';

/** What everything that shows a token draws on, before its session is looked up. */
const admissionBuckets = { admissions: { points: 600, durationSeconds: 10 } };
const lastSeenEveryMs = 200;
/** A session that another process ended is noticed within 15 s. */
const watchSessionsEveryMs = 10_000;
const dayS = 86_400;

export type Features = ReturnType<typeof buildFeatures>;

interface FeaturesInput {
  config: Config;
  log: Logger;
  io: Server;
  connection: Connection;
  jwtSecret: string;
}

/** The features: each gets its store and what it needs of the others. */
export function buildFeatures({ config, log, io, connection, jwtSecret }: FeaturesInput) {
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
  const quotaOf = createQuotaStore(connection);
  const friends = createFriendsService({
    store: relationshipStore,
    delivery,
    people: users.people,
    presenceOf,
    requestQuota: quotaOf({
      name: 'friend_request',
      points: friendLimits.requestsPerDay,
      durationSeconds: dayS,
    }),
    inTurn: createTurns(),
  });
  const sessions = createSessionStore(connection);
  const admissions = config.hasRateLimits ? createFloodLimiter(admissionBuckets) : noFloodLimiter;
  const auth = createAuthService({
    sessions,
    accounts: users.accounts,
    passwords: createPasswords({ cost: config.bcryptCost }),
    tokens: createTokens({ secret: jwtSecret, accessLifetimeSeconds: config.accessLifetimeSeconds }),
    closeSockets: liveSockets.end,
    limitAdmissions: (userId) => admissions.take('admissions', userId),
    refreshLifetimeMs: config.refreshLifetimeSeconds * 1000,
  });
  const endWatch = watchSessions({
    sessions,
    openSessions: liveSockets.openSessions,
    closeSockets: liveSockets.end,
    onFailure: (error) => log.warn({ err: error }, 'sessions were not looked at'),
    everyMs: watchSessionsEveryMs,
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
    async settle(): Promise<void> {
      endWatch();
      await conversing.settle();
    },
    settlePresence: lastSeen.flush,
  };
}
