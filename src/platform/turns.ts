import AsyncLock from 'async-lock';
import type { InTurn } from '../core/in-turn.ts';

export function createTurns(): InTurn {
  const lock = new AsyncLock({ maxPending: Number.POSITIVE_INFINITY });
  // always in the same order, so that no two wait for each other
  return (keys, work) => lock.acquire(keys.toSorted(), work);
}
