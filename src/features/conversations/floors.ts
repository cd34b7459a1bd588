import type { HeadStore } from './heads.store.ts';
import type { createLogAges } from './log-ages.ts';

interface FloorsDeps {
  /** How long messages are shown; 0: for ever. */
  shownForMs: number;
  store: Pick<HeadStore, 'findFloors' | 'hasFloors'>;
  findYoung: ReturnType<typeof createLogAges>;
}

/** A floor that holds as long as nothing has to be younger than its entry. */
interface KnownFloor {
  seq: number;
  notOlderThan: Date;
}

const mostKnown = 50_000;

export type Floors = ReturnType<typeof createFloors>;

/** The first entry of a log that anybody may see: for its age, or as what lies below is gone. */
export function createFloors({ shownForMs, store, findYoung }: FloorsDeps) {
  const known = new Map<string, KnownFloor>();
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

  function remember(conversationId: string, floor: KnownFloor): void {
    known.delete(conversationId);
    known.set(conversationId, floor);
    const [oldest] = known.keys();
    if (known.size > mostKnown && oldest !== undefined) known.delete(oldest);
  }

  async function youngestSeqs(conversationIds: readonly string[], since: Date): Promise<Map<string, number>> {
    const now = new Date();
    const unknown = conversationIds.filter((id) => {
      const floor = known.get(id);
      return !floor || floor.notOlderThan < since;
    });
    if (unknown.length > 0) {
      const lowest = new Map(unknown.map((id) => [id, known.get(id)?.seq ?? 1]));
      for (const [id, { seq, at }] of await findYoung(lowest, since))
        remember(id, { seq, notOlderThan: at ?? now });
    }
    return new Map(conversationIds.map((id) => [id, known.get(id)?.seq ?? 0]));
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
        youngestSeqs(conversationIds, since),
        store.findFloors(conversationIds),
      ]);
      return new Map([...young].map(([id, seq]) => [id, Math.max(seq, kept.get(id) ?? 0)]));
    },
  };
}
