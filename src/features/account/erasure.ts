import { setTimeout as delay } from 'node:timers/promises';
import type { Erased, PersonalData } from '../../core/personal-data.ts';
import type { Deletion } from './account.contract.ts';

interface ErasureDeps {
  holders: readonly PersonalData[];
  people: {
    /** Takes a person's contacts, credentials and profile away in one write. Harmless when repeated. */
    anonymise(userId: string): Promise<void>;
    /** Notes that nothing is left to erase. */
    finishErasure(userId: string): Promise<void>;
    /** People whose erasure was begun and not finished. */
    listErasing(limit: number): Promise<string[]>;
  };
  onFailure(error: unknown): void;
}

const answerWithinMs = 5000;
const mostPerLook = 100;

export type Erasure = ReturnType<typeof createErasure>;

/**
 * Deletes accounts. The first write is the decision: whoever reads the person after it finds nobody. What the features
 * hold is erased then, and by `resume` if this process ends half-way.
 */
export function createErasure({ holders, people, onFailure }: ErasureDeps) {
  async function erase(userId: string): Promise<Required<Erased>> {
    const total: Required<Erased> = { deleted: {}, anonymised: { users: 1 }, kept: {} };
    for (const holder of holders) {
      const { deleted, anonymised, kept } = await holder.erase(userId);
      Object.assign(total.deleted, deleted);
      Object.assign(total.anonymised, anonymised);
      Object.assign(total.kept, kept);
    }
    await people.finishErasure(userId);
    return total;
  }

  return {
    /** Answers what was deleted, made anonymous and kept, or that it goes on. */
    async begin(userId: string): Promise<Deletion> {
      await people.anonymise(userId);
      const work = erase(userId);
      // goes on after the answer, or is taken up again by `resume`
      work.catch(onFailure);
      const pending = { status: 'pending' } as const;
      return Promise.race([work.catch(() => pending), delay(answerWithinMs, pending, { ref: false })]);
    },

    /** Finishes what was begun before a crash. */
    async resume(): Promise<void> {
      for (const userId of await people.listErasing(mostPerLook)) await erase(userId).catch(onFailure);
    },
  };
}
