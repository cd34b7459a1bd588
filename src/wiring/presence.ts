import type { Connection } from 'mongoose';
import type { pushEvents } from '../contracts.ts';
import type { Delivery } from '../core/delivery.ts';
import type { createRelations } from '../features/friends/relations.ts';
import { createPresence } from '../features/presence/presence.service.ts';
import { createPresenceStore } from '../features/presence/presence.store.ts';
import type { UserStore } from '../features/users/users.store.ts';
import type { CommonDeps } from './common.ts';

interface PresenceInput extends CommonDeps {
  connection: Connection;
  delivery: Delivery<typeof pushEvents>;
  relations: ReturnType<typeof createRelations>;
  userStore: UserStore;
}

/** Who is here, and who hears of it. */
export function buildPresence({ config, log, connection, delivery, relations, userStore }: PresenceInput) {
  return createPresence({
    store: createPresenceStore(connection),
    delivery,
    people: { findPeople: userStore.findLastSeen, touchLastSeen: userStore.touchLastSeen },
    friendIdsOf: relations.friendIdsOf,
    graceMs: config.presence.graceMs,
    leaseAliveMs: config.presence.leaseAliveMs,
    // the embedded database of this process is open to nobody else
    isSoleProcess: config.mongodbUri === null,
    onFailure: (error) => log.warn({ err: error }, 'presence was not kept or told; it will be tried again'),
  });
}
