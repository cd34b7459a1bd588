interface IntakeDeps<Item> {
  /** Never fails. */
  handle(item: Item): Promise<void>;
  /** Whether another item may be begun with so many in flight. */
  mayBegin(inFlight: number): boolean;
  /** Stops and continues reading what the client sends. */
  pause(): void;
  resume(): void;
}

/**
 * Begins what a client sends in its order, and no more at a time than is wise: meanwhile it is not read, so that it is the
 * client who waits. What had been read already is kept.
 */
export function createIntake<Item>({ handle, mayBegin, pause, resume }: IntakeDeps<Item>) {
  const waiting: Item[] = [];
  let inFlight = 0;
  let isPaused = false;

  /** Looks again whether more may begin. */
  function proceed(): void {
    while (mayBegin(inFlight)) {
      const item = waiting.shift();
      if (item === undefined) break;
      inFlight++;
      void handle(item).then(finish);
    }
    const mustPause = !mayBegin(inFlight);
    if (mustPause === isPaused) return;
    isPaused = mustPause;
    if (isPaused) pause();
    else resume();
  }

  function finish(): void {
    inFlight--;
    proceed();
  }

  return {
    push(item: Item): void {
      waiting.push(item);
      proceed();
    },
    proceed,
    clear(): void {
      waiting.length = 0;
    },
  };
}
