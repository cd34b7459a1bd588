import { setTimeout as delay } from 'node:timers/promises';

/** Messages of 4,000 characters make it 24 MB, half of what MongoDB takes in one command. */
const mostPerBatch = 2000;
/** Most of a small batch's price is the same whatever it carries, so they begin at least so far apart. */
const spacingMs = 6;
/** What is small: more would hardly make a message cheaper. */
const smallBelow = 32;

export interface BatchLoop<T> {
  push(item: T): void;
  /** Takes out what still waits and fits. */
  extract(fits: (item: T) => boolean): T[];
  readonly size: number;
  /** What waits now. */
  waiting(): T[];
  /** Nothing waits and nothing is in flight. */
  readonly isIdle: boolean;
  /** Resolves when it is idle. */
  idle(): Promise<void>;
}

/**
 * Handles what waits in batches, one batch at a time: while one is in flight, the next one grows. A batch starts with
 * `setImmediate`, which collects what one turn of the event loop brings without the delay of a timer; only where items come
 * close together, and the database takes them faster than that, a batch waits for some more.
 */
export function createBatchLoop<T>(handle: (batch: T[]) => Promise<void>): BatchLoop<T> {
  let waiting: T[] = [];
  let running: Promise<void> | null = null;

  async function run(): Promise<void> {
    let carried = 0;
    let startedAt = 0;
    while (waiting.length > 0) {
      const earlyMs = startedAt + spacingMs - performance.now();
      if (carried > 1 && waiting.length < smallBelow && earlyMs > 0) await delay(earlyMs);
      else await new Promise((resolve) => setImmediate(resolve));
      startedAt = performance.now();
      carried = waiting.length;
      await handle(waiting.splice(0, mostPerBatch));
    }
    running = null;
  }

  return {
    push(item) {
      waiting.push(item);
      running ??= run();
    },
    extract(fits) {
      const taken = waiting.filter(fits);
      if (taken.length > 0) waiting = waiting.filter((item) => !fits(item));
      return taken;
    },
    waiting: () => [...waiting],
    get size() {
      return waiting.length;
    },
    get isIdle() {
      return running === null;
    },
    async idle() {
      while (running) await running;
    },
  };
}
