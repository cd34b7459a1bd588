interface ChangeQueueOptions<Change> {
  /** Changes that come within this time are carried out together. */
  everyMs: number;
  carryOut(changes: ReadonlyMap<string, Change>): Promise<void>;
  /** What is left of two changes of one person. */
  merge(before: Change, after: Change): Change;
  onFailure(error: unknown): void;
}

/**
 * Changes by person that wait to be carried out, one batch at a time. A batch that fails waits, with what came since, for
 * the next change or `flush`.
 */
export function createChangeQueue<Change>({
  everyMs,
  carryOut,
  merge,
  onFailure,
}: ChangeQueueOptions<Change>) {
  let waiting = new Map<string, Change>();
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> | null = null;

  function add(userId: string, change: Change): void {
    const before = waiting.get(userId);
    waiting.set(userId, before === undefined ? change : merge(before, change));
  }

  function schedule(): void {
    if (running) return;
    timer ??= setTimeout(() => void flush(), everyMs).unref();
  }

  async function flush(): Promise<void> {
    await running;
    if (timer) clearTimeout(timer);
    timer = null;
    running ??= carryOutWaiting().then((isDone) => {
      running = null;
      if (isDone && waiting.size > 0) schedule();
    });
    await running;
  }

  async function carryOutWaiting(): Promise<boolean> {
    if (waiting.size === 0) return true;
    const taken = waiting;
    waiting = new Map();
    try {
      await carryOut(taken);
      return true;
    } catch (error) {
      const since = waiting;
      waiting = taken;
      for (const [userId, change] of since) add(userId, change);
      onFailure(error);
      return false;
    }
  }

  return {
    note(userId: string, change: Change): void {
      add(userId, change);
      schedule();
    },

    /** Carries out what waits, after the batch that is under way. Never fails. */
    flush,
  };
}
