import type { IndexLease, IndexLeaseStore } from './index-leases.store.ts';
import { type IndexableEntry, type Indexing, timeOfId } from './indexing.ts';

interface IndexRecoveryDeps {
  leases: IndexLeaseStore;
  indexing: Pick<Indexing, 'index' | 'flush' | 'pendingSince' | 'debt' | 'settle'>;
  /** Entries of all logs in the order of their ids: above one, and made before a time. */
  readEntries(range: { aboveId: string; before: Date; limit: number }): Promise<IndexableEntry[]>;
}

type Stretch = Pick<IndexLease, 'from' | 'until'>;

/** Clocks differ, and an id may be made some time before its message is written. */
const marginMs = 60_000;
/** Whose lease is not renewed for so long does not live. */
const lostAfterMs = 60_000;
const entriesPerStep = 500;

/**
 * Indexes what a process left behind when it ended between an acknowledgement and the index. Each process holds a lease that
 * says from when on messages may be missing; ids begin with their time, so the lease of a lost one is a stretch of them.
 */
export function createIndexRecovery({ leases, indexing, readEntries }: IndexRecoveryDeps) {
  const ownId = leases.newId();

  async function indexStretch({ from, until }: Stretch, onStep = async (_: Date) => {}): Promise<void> {
    const before = new Date(until.getTime() + marginMs);
    let aboveId = lowestIdAt(from.getTime() - marginMs);
    for (;;) {
      const entries = await readEntries({ aboveId, before, limit: entriesPerStep });
      await indexing.index(entries);
      const last = entries.at(-1);
      if (!last || entries.length < entriesPerStep) return;
      aboveId = last.id;
      await onStep(timeOfId(last.id));
    }
  }

  async function renew(): Promise<void> {
    const now = new Date();
    const from = indexing.pendingSince() ?? now;
    await leases.renew({ id: ownId, from, until: now, renewedAt: now });
  }

  async function takeOver(lease: IndexLease): Promise<void> {
    await indexStretch(lease, (from) => leases.advance(lease.id, from));
    await leases.end(lease.id);
  }

  const isLost = ({ renewedAt }: IndexLease) => renewedAt.getTime() < Date.now() - lostAfterMs;

  return {
    renew,

    /**
     * At the start, when nothing tells whether the holder of a fresh lease lives: a process that was killed a moment ago is
     * made up for at once.
     */
    async start(): Promise<void> {
      await leases.openFirst();
      await renew();
      for (const lease of await leases.findOthers(ownId))
        await (isLost(lease) ? takeOver(lease) : indexStretch(lease));
    },

    /** Works off what this process could not index, and what lost ones left. */
    async tend(): Promise<void> {
      await indexing.flush();
      const debt = indexing.debt();
      if (debt) {
        await indexStretch({ from: debt.since, until: new Date() });
        indexing.settle(debt);
      }
      for (const lease of await leases.findOthers(ownId)) if (isLost(lease)) await takeOver(lease);
    },

    /** Leaves nothing behind, or a lease that says what. */
    async end(): Promise<void> {
      await indexing.flush();
      if (indexing.pendingSince()) await renew();
      else await leases.end(ownId);
    },
  };
}

function lowestIdAt(timeMs: number): string {
  const seconds = Math.max(0, Math.floor(timeMs / 1000));
  return seconds.toString(16).padStart(8, '0').padEnd(24, '0');
}
