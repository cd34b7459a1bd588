import type { Head } from '../messages/messages.contract.ts';

interface LogAgesDeps {
  /** Where logs stand now. */
  findHeads(conversationIds: readonly string[]): Promise<ReadonlyMap<string, Head>>;
  /** Where logs stood with the entries at these places. */
  findHeadsAt(places: ReadonlyMap<string, number>): Promise<ReadonlyMap<string, Head>>;
}

/** The first entry of a log that is not older than a point in time. */
export interface Young {
  seq: number;
  /** `null`: all are older, and the place is that of the next one. */
  at: Date | null;
}

/** A search within one log: the place wanted lies from `low` to `high`, which is known not to be older, or the next one. */
interface Bisection {
  low: number;
  high: number;
  highAt: Date | null;
  /** How far to look above `low`, doubled each time; 0 where it is likely to be near. */
  reach: number;
}

/**
 * Finds places by time: time never sinks within a log, so its entries need no index of their times. Any number of logs
 * takes the same few reads, as many as the longest of them has binary digits.
 */
export function createLogAges({ findHeads, findHeadsAt }: LogAgesDeps) {
  return async (lowest: ReadonlyMap<string, number>, since: Date): Promise<Map<string, Young>> => {
    const heads = await findHeads([...lowest.keys()]);
    const found = new Map<string, Young>();
    const open = new Map<string, Bisection>();
    for (const [conversationId, low] of lowest) {
      const head = heads.get(conversationId);
      const next = Math.max(low, (head?.seq ?? 0) + 1);
      if (!head || head.at < since) found.set(conversationId, { seq: next, at: null });
      else open.set(conversationId, { low, high: next, highAt: null, reach: low > 1 ? 0 : next });
    }
    for (;;) {
      for (const [conversationId, { low, high, highAt }] of open) {
        if (low < high) continue;
        found.set(conversationId, { seq: high, at: highAt });
        open.delete(conversationId);
      }
      if (open.size === 0) return found;
      const places = new Map([...open].map(([conversationId, search]) => [conversationId, probeOf(search)]));
      const entries = await findHeadsAt(places);
      for (const [conversationId, search] of open) narrow(search, entries.get(conversationId)?.at, since);
    }
  };
}

function probeOf({ low, high, reach }: Bisection): number {
  return low + Math.min(reach, (high - low - 1) >>> 1);
}

/** An entry that is not there was removed for its age. */
function narrow(search: Bisection, at: Date | undefined, since: Date): void {
  const probe = probeOf(search);
  if (at && at >= since) Object.assign(search, { high: probe, highAt: at, reach: search.high });
  else Object.assign(search, { low: probe + 1, reach: 2 * search.reach + 1 });
}
