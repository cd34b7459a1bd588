import { createChangeQueue } from './change-queue.ts';
import type { Lease } from './lease.ts';
import type { Node } from './presence.rules.ts';
import type { PresenceStore } from './presence.store.ts';

/** `null`: here; otherwise when they left. */
type Departure = Date | null;

interface RegisterDeps {
  store: PresenceStore;
  lease: Lease;
  /** Keeps when people were last here; a time never sinks. */
  touchLastSeen(times: ReadonlyMap<string, Date>): Promise<void>;
  /** Friends are to hear that somebody has come or gone, as far as it is so when they are told. */
  announce(userId: string, status: 'online' | 'offline'): void;
  onFailure(error: unknown): void;
}

const writeEveryMs = 100;
const rowsPerRead = 500;
/** Two processes that somebody came to at once both see the other's row; then both tell. */
const raceMs = 10_000;

/** Keeps the rows of this process in step with who is on it, and clears away those of processes that are over. */
export function createRegister({ store, lease, touchLastSeen, announce, onFailure }: RegisterDeps) {
  /** Who has a row, and of which lease. */
  const written = new Map<string, string>();
  const queue = createChangeQueue<Departure>({
    everyMs: writeEveryMs,
    carryOut: write,
    merge: (_before, after) => after,
    onFailure,
  });

  let isHandedOver = false;

  async function write(changes: ReadonlyMap<string, Departure>): Promise<void> {
    const { nodeId } = lease;
    if (nodeId === null) throw new Error('this process has no lease yet');
    const arrived: string[] = [];
    const left = new Map<string, Date>();
    for (const [userId, leftAt] of changes) {
      if (leftAt) left.set(userId, leftAt);
      else if (written.get(userId) !== nodeId) arrived.push(userId);
    }
    if (arrived.length > 0) await writeArrivals(nodeId, arrived);
    if (left.size > 0) await writeDepartures(nodeId, left);
  }

  async function writeArrivals(nodeId: string, userIds: readonly string[]): Promise<void> {
    await store.addConnections(nodeId, userIds);
    const raceFrom = Date.now() - raceMs;
    const elsewhere = lease.hasOthers ? await lease.findElsewhere(userIds) : [];
    const known = new Set(
      elsewhere.filter(({ since }) => since.getTime() < raceFrom).map(({ userId }) => userId),
    );
    for (const userId of userIds) {
      written.set(userId, nodeId);
      if (!known.has(userId)) announce(userId, 'online');
    }
  }

  async function writeDepartures(nodeId: string, left: ReadonlyMap<string, Date>): Promise<void> {
    await touchLastSeen(left);
    if (isHandedOver) return;
    const registered = [...left.keys()].filter((userId) => written.has(userId));
    await store.removeConnections(nodeId, registered);
    for (const userId of registered) {
      written.delete(userId);
      announce(userId, 'offline');
    }
  }

  /** Page by page: whoever is killed in the middle leaves the rest to the next one. */
  async function clearAway({ id, renewedAt }: Node): Promise<void> {
    for (;;) {
      const userIds = await store.listConnected(id, rowsPerRead);
      if (userIds.length === 0) break;
      await touchLastSeen(new Map(userIds.map((userId) => [userId, renewedAt])));
      for (const userId of userIds) announce(userId, 'offline');
      await store.removeConnections(id, userIds);
    }
    await store.removeNode(id);
  }

  return {
    noteHere: (userId: string): void => queue.note(userId, null),
    noteGone: (userId: string, leftAt: Date): void => queue.note(userId, leftAt),
    flush: queue.flush,
    clearAway,

    /** Takes this process's rows away, or leaves them to the others, who tell the friends of whoever does not come back. */
    async close(): Promise<void> {
      const { nodeId, hasOthers } = lease;
      if (nodeId === null) return;
      isHandedOver = hasOthers;
      await queue.flush();
      await (hasOthers ? lease.end() : store.removeNode(nodeId));
    },
  };
}
