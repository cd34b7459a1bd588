import AsyncLock from 'async-lock';

/** Work that shares a key, done one after the other in this process. */
export type InTurn = <T>(keys: readonly string[], work: () => Promise<T>) => Promise<T>;

export function createTurns(): InTurn {
  const lock = new AsyncLock({ maxPending: Number.POSITIVE_INFINITY });
  // always in the same order, so that no two wait for each other
  return (keys, work) => lock.acquire(keys.toSorted(), work);
}
