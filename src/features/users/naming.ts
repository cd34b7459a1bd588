import type { SearchKeyStore } from './search-keys.store.ts';
import { searchKeysOf } from './search-keys.ts';

interface NamingDeps {
  keys: SearchKeyStore;
  nicknameOf(userId: string): Promise<string | null>;
  /** Lets what concerns the same person happen one after the other. */
  inTurn<T>(keys: readonly string[], work: () => Promise<T>): Promise<T>;
}

/**
 * Keeps the keys under which people are found in step with their nicknames. New keys come before the nickname and old ones
 * go after it: a crash in between leaves a key too many, which shows nobody, and never one too few.
 */
export function createNaming({ keys, nicknameOf, inTurn }: NamingDeps) {
  return {
    named: (userId: string, nickname: string): Promise<void> => keys.add(userId, searchKeysOf(nickname)),

    renaming<T>(userId: string, nickname: string, change: () => Promise<T>): Promise<T> {
      const wanted = searchKeysOf(nickname);
      return inTurn([userId], async () => {
        await keys.add(userId, wanted);
        const changed = await change();
        await keys.retain(userId, wanted);
        // another process may have renamed them at the same time, and have been the last
        const now = await nicknameOf(userId);
        if (now !== null && now !== nickname) await keys.add(userId, searchKeysOf(now));
        return changed;
      });
    },
  };
}
