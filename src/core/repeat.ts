interface Repeated {
  everyMs: number;
  work(): Promise<void>;
  onFailure(error: unknown): void;
}

/** Does work again and again, the next time so long after the last has ended. Answers a function that ends it. */
export function repeat({ everyMs, work, onFailure }: Repeated): () => void {
  let isOver = false;
  let timer = setTimeout(turn, everyMs).unref();

  async function turn(): Promise<void> {
    await work().catch(onFailure);
    if (!isOver) timer = setTimeout(turn, everyMs).unref();
  }

  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
