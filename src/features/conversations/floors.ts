import type { Head } from '../messages/messages.contract.ts';
import type { HeadStore } from './heads.store.ts';
import type { createLogAges } from './log-ages.ts';

interface FloorsDeps {
  /** How long messages are shown; 0: for ever. */
  shownForMs: number;
  store: Pick<HeadStore, 'findFloors' | 'hasFloors'>;
  /** Where logs stood with the entries at these places. */
  findHeadsAt(places: ReadonlyMap<string, number>): Promise<ReadonlyMap<string, Head>>;
  findYoung: ReturnType<typeof createLogAges>;
}

const mostKnown = 50_000;
const longAgo = new Date(0);

export type Floors = ReturnType<typeof createFloors>;

/** The first entry of a log that anybody may see: for its age, or as what lies below is gone. */
export function createFloors({ shownForMs, store, findHeadsAt, findYoung }: FloorsDeps) {
  /** Where the floors of logs were last; the one asked for longest ago is forgotten first. */
  const known = new Map<string, number>();
  let hasKept: Promise<boolean> | null = null;

  function shownSince(): Date | null {
    return shownForMs > 0 ? new Date(Date.now() - shownForMs) : null;
  }

  /** Asked once, as the answer stays what it is while no retention is set; with one it is needed anyway. */
  function hasFloors(): Promise<boolean> {
    hasKept ??= store.hasFloors().catch((error: unknown) => {
      hasKept = null;
      throw error;
    });
    return hasKept;
  }

  function remember(conversationId: string, seq: number): void {
    known.delete(conversationId);
    known.set(conversationId, seq);
    const [oldest] = known.keys();
    if (known.size > mostKnown && oldest !== undefined) known.delete(oldest);
  }

  /** One read where the places that were found last time still hold, as floors only rise. */
  async function youngSeqs(conversationIds: readonly string[], since: Date): Promise<Map<string, number>> {
    const last = conversationIds.flatMap((id) => {
      const seq = known.get(id);
      return seq === undefined ? [] : [[id, seq] as const];
    });
    const entries = await findHeadsAt(new Map(last));
    const young = new Map(last.filter(([id]) => (entries.get(id)?.at ?? longAgo) >= since));
    const others = conversationIds.filter((id) => !young.has(id));
    if (others.length > 0) {
      const lowest = new Map(others.map((id) => [id, known.get(id) ?? 1]));
      for (const [id, { seq }] of await findYoung(lowest, since)) young.set(id, seq);
    }
    for (const [id, seq] of young) remember(id, seq);
    return young;
  }

  return {
    /** Since when messages are shown; `null` if all are. */
    shownSince,

    /** The floors of these logs; 0, or none, where everything is shown. Nothing is read where no limit is set. */
    async of(conversationIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
      if (conversationIds.length === 0) return new Map();
      const since = shownSince();
      if (!since) return (await hasFloors()) ? store.findFloors(conversationIds) : new Map();
      const [young, kept] = await Promise.all([
        youngSeqs(conversationIds, since),
        store.findFloors(conversationIds),
      ]);
      return new Map([...young].map(([id, seq]) => [id, Math.max(seq, kept.get(id) ?? 0)]));
    },
  };
}
