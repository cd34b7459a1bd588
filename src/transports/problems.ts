import type { Response } from 'express';
import type { Problem } from '../core/errors.ts';

/** Answers a problem as RFC 9457 wants it, with the headers that belong to its status. */
export function sendProblem(response: Response, problem: Problem): void {
  const retryAfterMs = problem.retryAfterMs;
  if (typeof retryAfterMs === 'number') response.set('Retry-After', String(Math.ceil(retryAfterMs / 1000)));
  if (problem.status === 401) response.set('WWW-Authenticate', 'Bearer');
  response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}
