import type { Connection } from 'mongoose';
import type { Logger } from 'pino';
import type { Server } from 'socket.io';
import type { Config } from '../config.ts';
import type { pushEvents } from '../contracts.ts';
import { createCoalescer } from '../core/coalesce.ts';
import { withinDeadline } from '../core/deadline.ts';
import { repeat } from '../core/repeat.ts';
import { createSessionWatch } from '../features/sessions/session-watch.ts';
import type { RevocationReason } from '../features/sessions/sessions.contract.ts';
import { createSessionStore } from '../features/sessions/sessions.store.ts';
import { createPhoneNumbers } from '../platform/phone-numbers.ts';
import { createQuotaStore } from '../platform/quotas.store.ts';
import { createDelivery } from '../transports/delivery.ts';
import { createLiveSockets } from '../transports/live-sockets.ts';
import { buildAccounts } from './accounts.ts';
import { buildConversing } from './conversing.ts';
import { buildPeople } from './people.ts';

const lastSeenEveryMs = 200;
/** A session that another process ended is noticed within 15 s. */
const watchSessionsEveryMs = 10_000;
const resumeErasureEveryMs = 60_000;

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
  const common = {
    config,
    log,
    quotaOf: createQuotaStore(connection),
    phones: createPhoneNumbers(config.phones),
  };
  const liveSockets = createLiveSockets<RevocationReason>({
    onLastClosed: (userId) => lastSeen.note(userId, new Date()),
  });
  const people = buildPeople({ ...common, connection, delivery, isOnline: liveSockets.isOnline });
  const lastSeen = createCoalescer({
    everyMs: lastSeenEveryMs,
    write: people.store.touchLastSeen,
    onFailure: (error) => log.warn({ err: error }, 'last seen was not kept'),
  });
  const sessionStore = createSessionStore(connection);
  const { relations, users } = people;
  const conversing = buildConversing({ config, connection, log, delivery, relations, users });
  const accounts = buildAccounts({
    ...common,
    connection,
    jwtSecret,
    people,
    sessionStore,
    closeSockets: liveSockets.end,
    holders: conversing.holders,
  });
  const watchSessions = createSessionWatch({
    sessions: sessionStore,
    openSessions: liveSockets.openSessions,
    closeSockets: liveSockets.end,
  });
  const background = createBackground(log);

  return {
    liveSockets,
    authenticate: (token: string) => withinDeadline(accounts.authenticate(token)),
    operations: [...accounts.operations, ...people.operations, ...conversing.operations],
    /** Takes up what goes on by itself, once the database is there. */
    start(): void {
      background.doOnce(accounts.erasure.resume);
      background.repeat(resumeErasureEveryMs, accounts.erasure.resume);
      background.repeat(watchSessionsEveryMs, watchSessions);
      for (const work of conversing.begins) background.doOnce(work);
      for (const { everyMs, work } of conversing.repeats) background.repeat(everyMs, work);
    },
    async settle(): Promise<void> {
      background.stop();
      await conversing.settle();
    },
    settlePresence: lastSeen.flush,
  };
}

/** What goes on by itself. Its failures are told to the log and taken up at the next turn. */
function createBackground(log: Logger) {
  const stops: (() => void)[] = [];
  const onFailure = (error: unknown) => log.warn({ err: error }, 'background work failed');
  return {
    doOnce: (work: () => Promise<void>) => void work().catch(onFailure),
    repeat: (everyMs: number, work: () => Promise<void>) =>
      void stops.push(repeat({ everyMs, work, onFailure })),
    stop(): void {
      for (const stop of stops) stop();
    },
  };
}
