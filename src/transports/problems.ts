import type { Response } from 'express';
import type { Problem } from '../core/errors.ts';

/** The headers that belong to a problem: its media type, and what goes with its status. */
export function problemHeaders({ status, retryAfterMs }: Problem): Record<string, string> {
  return {
    'Content-Type': 'application/problem+json; charset=utf-8',
    ...(typeof retryAfterMs === 'number' && { 'Retry-After': String(Math.ceil(retryAfterMs / 1000)) }),
    ...(status === 401 && { 'WWW-Authenticate': 'Bearer' }),
  };
}

/** Answers a problem as RFC 9457 wants it. */
export function sendProblem(response: Response, problem: Problem): void {
  response.status(problem.status).set(problemHeaders(problem)).send(JSON.stringify(problem));
}
