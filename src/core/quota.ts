/** How often something may be done in a span of time, counted where all processes see it and restarts do not forget it. */
export interface Quota {
  /** Takes one of what this key has left. Throws `rate_limited` with `retryAfterMs` when nothing is left. */
  take(key: string): Promise<void>;
  /** Takes nothing. Throws `rate_limited` with `retryAfterMs` when nothing is left. */
  requireLeft(key: string): Promise<void>;
  /** Gives back one that was taken for nothing. */
  giveBack(key: string): Promise<void>;
}
