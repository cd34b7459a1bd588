import { type BatchLoop, createBatchLoop } from './batch-loop.ts';

/** A conversation that another process writes to at the same time, with a way of its own to the log. */
export interface Contention<T> {
  loop: BatchLoop<T>;
  lastConflictAt: number;
}

const lingersMs = 1000;

/** The conversations that are contended now, so that no other one waits for them. What is past is forgotten. */
export function createContentions<T>(write: (batch: T[], contention: Contention<T>) => Promise<void>) {
  const contended = new Map<string, Contention<T>>();

  const isPast = ({ lastConflictAt, loop }: Contention<T>) =>
    loop.isIdle && Date.now() - lastConflictAt > lingersMs;

  function forgetPast(): void {
    for (const [conversationId, contention] of contended)
      if (isPast(contention)) contended.delete(conversationId);
  }

  return {
    find(conversationId: string): Contention<T> | undefined {
      const found = contended.get(conversationId);
      return found && !isPast(found) ? found : undefined;
    },

    /** The contention of this conversation, a new one unless there is one. */
    begin(conversationId: string): Contention<T> {
      forgetPast();
      const found = contended.get(conversationId);
      if (found) return found;
      const contention: Contention<T> = {
        lastConflictAt: Date.now(),
        loop: createBatchLoop((batch) => write(batch, contention)),
      };
      contended.set(conversationId, contention);
      return contention;
    },

    all: (): Contention<T>[] => [...contended.values()],
  };
}
