import { RateLimiterRes } from 'rate-limiter-flexible';
import { AppError } from '../core/errors.ts';

/** What a limiter of rate-limiter-flexible rejects with, as `rate_limited` if it is a refusal and as it is otherwise. */
export function asRateLimited(rejection: unknown): unknown {
  if (!(rejection instanceof RateLimiterRes)) return rejection;
  return new AppError('rate_limited', { extra: { retryAfterMs: Math.max(1, rejection.msBeforeNext) } });
}
