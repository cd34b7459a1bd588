import type { UnreadMessageStore } from './unread-messages.store.ts';

type CountOwn = UnreadMessageStore['countOwn'];

interface Known {
  aboveSeq: number;
  upToSeq: number;
  count: number;
}

/** Fewer are counted again sooner than remembered. */
const worthKnowing = 100;
const mostKnown = 10_000;

/**
 * Counts what somebody has written above their mark, and remembers it where it is much, so that who writes thousands of
 * messages and reads none costs no more than others. What one has written stays, so only what came since is looked at.
 */
export function createOwnCounts(countOwn: CountOwn): CountOwn {
  /** The one asked for longest ago is forgotten first. */
  const known = new Map<string, Known>();

  function remember(key: string, { aboveSeq, upToSeq, count }: Known): void {
    known.delete(key);
    if (count < worthKnowing) return;
    known.set(key, { aboveSeq, upToSeq, count });
    const [oldest] = known.keys();
    if (known.size > mostKnown && oldest !== undefined) known.delete(oldest);
  }

  return async (userId, stretches) => {
    const asked = stretches.map((stretch) => {
      const key = `${userId}:${stretch.conversationId}`;
      const before = known.get(key);
      const isPart = before?.aboveSeq === stretch.aboveSeq && before.upToSeq <= stretch.upToSeq;
      return { stretch, key, before: isPart ? before : { ...stretch, upToSeq: stretch.aboveSeq, count: 0 } };
    });
    const found = await countOwn(
      userId,
      asked
        .map(({ stretch, before }) => ({ ...stretch, aboveSeq: before.upToSeq }))
        .filter(({ aboveSeq, upToSeq }) => aboveSeq < upToSeq),
    );
    return new Map(
      asked.map(({ stretch, key, before }) => {
        const count = before.count + (found.get(stretch.conversationId) ?? 0);
        remember(key, { ...stretch, count });
        return [stretch.conversationId, count];
      }),
    );
  };
}
