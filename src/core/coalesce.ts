interface CoalescerOptions<Value> {
  everyMs: number;
  write(latest: ReadonlyMap<string, Value>): Promise<void>;
  onFailure(error: unknown): void;
}

/** Keeps the latest value of each key and writes them together every so often: for hints that may lag or be lost. */
export interface Coalescer<Value> {
  note(key: string, value: Value): void;
  /** Writes what was noted and not written yet; resolves when every write is done. Never fails. */
  flush(): Promise<void>;
}

export function createCoalescer<Value>(options: CoalescerOptions<Value>): Coalescer<Value> {
  let latest = new Map<string, Value>();
  let timer: NodeJS.Timeout | null = null;

  /** One write after the other, so that nothing older is written last. */
  let written = Promise.resolve();

  function flush(): Promise<void> {
    if (timer) clearTimeout(timer);
    timer = null;
    if (latest.size > 0) {
      const noted = latest;
      latest = new Map();
      written = written.then(() => options.write(noted)).catch(options.onFailure);
    }
    return written;
  }

  return {
    note(key, value) {
      latest.set(key, value);
      timer ??= setTimeout(() => void flush(), options.everyMs).unref();
    },
    flush,
  };
}
