import { RateLimiterMemory } from 'rate-limiter-flexible';
import { asRateLimited } from './rate-limited.ts';

interface Bucket {
  /** Calls that fit into one window. */
  points: number;
  durationSeconds: number;
}

/**
 * Counts calls in memory, per bucket and key. Every call takes the same number of turns whether it passes or not, so that
 * what one sender sends keeps its order.
 */
export function createFloodLimiter<Name extends string>(buckets: Record<Name, Bucket>) {
  const entries = Object.entries<Bucket>(buckets).map(
    ([name, { points, durationSeconds }]) =>
      [name, new RateLimiterMemory({ keyPrefix: '', points, duration: durationSeconds })] as const,
  );
  const limiters = new Map<string, RateLimiterMemory>(entries);

  return {
    /** Takes one from the bucket of this key. Throws `rate_limited` with `retryAfterMs` when it is empty. */
    async take(name: Name, key: string): Promise<void> {
      try {
        await limiters.get(name)?.consume(key);
      } catch (error) {
        throw asRateLimited(error);
      }
    },
  };
}

/** Lets everything pass: for tests and benchmarks that set RATE_LIMITS=off. */
export const noFloodLimiter = { take: () => Promise.resolve() };
