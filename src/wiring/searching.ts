import type { Connection } from 'mongoose';
import type { Logger } from 'pino';
import { contracts } from '../contracts.ts';
import { bind } from '../core/operation.ts';
import type { Floors } from '../features/conversations/floors.ts';
import type { MembershipStore } from '../features/conversations/memberships.store.ts';
import type { Memberships } from '../features/conversations/memberships.ts';
import { createViewers } from '../features/conversations/viewers.ts';
import type { MessageReader } from '../features/messages/message-reader.ts';
import { createIndexLeaseStore } from '../features/search/index-leases.store.ts';
import { createIndexRecovery } from '../features/search/index-recovery.ts';
import { createIndexing, type IndexableEntry } from '../features/search/indexing.ts';
import { createSearchService } from '../features/search/search.service.ts';
import { createTermStore } from '../features/search/terms.store.ts';

interface SearchingInput {
  connection: Connection;
  log: Logger;
  memberships: Memberships;
  membershipStore: MembershipStore;
  /** Whether a person sees what others have read. */
  seesReads(userId: string): Promise<boolean>;
  floors: Floors;
  readShown: MessageReader['readShown'];
  /** Entries of all logs in the order of their ids. */
  readEntries(range: { aboveId: string; before: Date; limit: number }): Promise<IndexableEntry[]>;
}

const renewLeaseEveryMs = 10_000;
const tendIndexEveryMs = 30_000;

/** The search of messages, and its index. */
export function buildSearching({
  connection,
  log,
  floors,
  readShown,
  readEntries,
  ...input
}: SearchingInput) {
  const store = createTermStore(connection);
  const viewers = createViewers({ ...input, store: input.membershipStore });
  const indexing = createIndexing({
    store,
    onFailure: (error) => log.warn({ err: error }, 'messages were not indexed'),
  });
  const recovery = createIndexRecovery({
    leases: createIndexLeaseStore(connection),
    indexing,
    readEntries,
  });
  const service = createSearchService({
    store,
    conversationsOf: viewers.placesOf,
    shownSince: floors.shownSince,
    viewersOf: viewers.viewersOf,
    readShown,
  });

  return {
    operations: bind('search', contracts.search, service),
    note: indexing.note,
    forget: store.remove,
    begins: recovery.start,
    repeats: [
      { everyMs: renewLeaseEveryMs, work: recovery.renew },
      { everyMs: tendIndexEveryMs, work: recovery.tend },
    ],
    settle: recovery.end,
  };
}
