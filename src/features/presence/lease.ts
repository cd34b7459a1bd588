import { isAlive, type Node } from './presence.rules.ts';
import type { ConnectedOn, PresenceStore } from './presence.store.ts';

interface LeaseDeps {
  store: PresenceStore;
  /** How long a process that was not heard of counts as alive. */
  aliveMs: number;
  /** Whether nobody else can use the database, so that every other lease is of a process that has gone. */
  isSoleProcess: boolean;
}

export type Lease = ReturnType<typeof createLease>;

/**
 * What this process says of itself, and what it makes of the others. Leases carry the database's time, which every process
 * learns with its own renewal, so that nobody's clock matters.
 */
export function createLease({ store, aliveMs, isSoleProcess }: LeaseDeps) {
  let own: Node | null = null;
  let renewedAtMs = 0;
  let judgesFromMs = 0;
  let hasOthers = false;

  const databaseNow = () => new Date((own?.renewedAt.getTime() ?? 0) + performance.now() - renewedAtMs);
  const isOtherAlive = (node: Node) => !isSoleProcess && isAlive(node, databaseNow(), aliveMs);
  const isOwn = (nodeId: string) => nodeId === own?.id;

  return {
    /** `null` before the first renewal. */
    get nodeId(): string | null {
      return own?.id ?? null;
    },

    /** Whether other processes were alive at the last look. */
    get hasOthers(): boolean {
      return hasOthers;
    },

    /** Says that this process lives. Answers whether it is a new one for the others, so that none of its rows count. */
    async renew(): Promise<boolean> {
      const now = performance.now();
      const renewed = own && (await store.renewNode(own.id));
      // after an outage all leases look dead: the others get as long as a lease to renew theirs
      if (own && (!renewed || now - renewedAtMs > aliveMs)) judgesFromMs = now + aliveMs;
      own = renewed ?? (await store.openNode());
      renewedAtMs = performance.now();
      return !renewed;
    },

    /** Looks at the other processes and ends those that are dead. Answers what waits to be cleared away. */
    async findOver(): Promise<Node[]> {
      const others = (await store.listNodes()).filter(({ id }) => !isOwn(id));
      hasOthers = others.some(isOtherAlive);
      const over = others.filter(({ endedAt }) => endedAt !== null);
      if (performance.now() < judgesFromMs) return over;
      for (const node of others) {
        if (node.endedAt === null && !isOtherAlive(node) && (await store.endNode(node))) over.push(node);
      }
      return over;
    },

    /** The rows of these people on other processes that are alive. */
    async findElsewhere(userIds: readonly string[]): Promise<ConnectedOn[]> {
      if (isSoleProcess || userIds.length === 0) return [];
      const rows = (await store.findConnections(userIds)).filter(({ nodeId }) => !isOwn(nodeId));
      if (rows.length === 0) return [];
      const alive = new Set((await store.listNodes()).filter(isOtherAlive).map(({ id }) => id));
      return rows.filter(({ nodeId }) => alive.has(nodeId));
    },

    /** Says that this process is over, and leaves its rows to the others. */
    async end(): Promise<void> {
      if (own) await store.endNode(own);
    },
  };
}
