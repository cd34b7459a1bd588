import type { Connection } from 'mongoose';
import { createFloors } from '../features/conversations/floors.ts';
import type { HeadStore } from '../features/conversations/heads.store.ts';
import { createLogAges } from '../features/conversations/log-ages.ts';
import { createExpiredMessageStore } from '../features/messages/expired-messages.store.ts';
import type { Head } from '../features/messages/messages.contract.ts';
import { createRetention } from '../features/retention/retention.ts';
import type { HistorySettings } from '../settings/history.ts';

interface HistoryInput extends HistorySettings {
  connection: Connection;
  headStore: HeadStore;
  findHeads(conversationIds: readonly string[]): Promise<Map<string, Head>>;
  findHeadsAt(places: ReadonlyMap<string, number>): Promise<Map<string, Head>>;
  /** Removes what else is kept of messages that are too old. */
  forget(messageIds: readonly string[]): Promise<void>;
}

const mostBetweenSweepsMs = 3_600_000;
const leastBetweenSweepsMs = 1000;

/** How far back messages are shown, and how long they are kept. */
export function buildHistory(input: HistoryInput) {
  const { connection, shownForMs, keptForMs, headStore, findHeads, findHeadsAt, forget } = input;
  const findYoung = createLogAges({ findHeads, findHeadsAt });
  const retention = createRetention({
    keptForMs,
    logs: headStore,
    findYoung,
    messages: createExpiredMessageStore(connection),
    forget,
  });
  return {
    floors: createFloors({ shownForMs, store: headStore, findHeadsAt, findYoung }),
    /** What is to be done again and again; nothing where messages are kept for ever. */
    sweeping: keptForMs > 0 ? [{ everyMs: betweenSweepsMs(keptForMs), work: retention.sweep }] : [],
  };
}

/** What is too old is gone a tenth of its time later, and an hour at most. */
function betweenSweepsMs(keptForMs: number): number {
  return Math.max(leastBetweenSweepsMs, Math.min(keptForMs / 10, mostBetweenSweepsMs));
}
