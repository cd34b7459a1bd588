import { createCoalescer } from '../../core/coalesce.ts';
import type { Head } from '../messages/messages.contract.ts';
import type { HeadStore } from './heads.store.ts';

interface HeadsDeps {
  store: HeadStore;
  /** Where logs stand that have something above the given seqs. */
  findHeadsAbove(seqs: ReadonlyMap<string, number>): Promise<Map<string, Head>>;
  onFailure(error: unknown): void;
}

const raiseEveryMs = 1000;

export type Heads = ReturnType<typeof createHeads>;

/** Where conversations stand: a hint raised at most once a second, plus one read of what lies above it. */
export function createHeads({ store, findHeadsAbove, onFailure }: HeadsDeps) {
  const raised = createCoalescer<Head>({ everyMs: raiseEveryMs, write: store.raise, onFailure });

  return {
    /** Notes a new entry. What is not written down before a crash is found above the hint. */
    note: raised.note,

    async of(conversationIds: readonly string[]): Promise<Map<string, Head>> {
      const heads = await store.find(conversationIds);
      const above = await findHeadsAbove(new Map(conversationIds.map((id) => [id, heads.get(id)?.seq ?? 0])));
      // a hint that a crash left behind is not looked above again
      for (const [id, head] of above) raised.note(id, head);
      return new Map([...heads, ...above]);
    },

    flush: raised.flush,
  };
}
