/** Counts the work in flight, so that a server that stops can answer it and begin nothing new (promise 18). */
export interface Drain {
  readonly isDraining: boolean;
  enter(): void;
  leave(): void;
  /** Begins nothing new from now on; resolves when all work in flight is done. */
  finish(): Promise<void>;
}

export function createDrain(): Drain {
  let isDraining = false;
  let inFlight = 0;
  let onDone: (() => void) | null = null;

  return {
    get isDraining() {
      return isDraining;
    },
    enter() {
      inFlight++;
    },
    leave() {
      inFlight--;
      if (inFlight === 0) onDone?.();
    },
    finish() {
      isDraining = true;
      if (inFlight === 0) return Promise.resolve();
      return new Promise((resolve) => {
        onDone = resolve;
      });
    },
  };
}
