import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Problem } from '../core/errors.ts';

/** How long what a client still sends is dropped: closing on it at once could take the answer from it. */
const lingerMs = 500;

/** The headers that belong to a problem: its media type and length, and what goes with its status. */
function problemHeaders({ status, retryAfterMs }: Problem, body: string): Record<string, string> {
  return {
    'Content-Type': 'application/problem+json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    ...(typeof retryAfterMs === 'number' && { 'Retry-After': String(Math.ceil(retryAfterMs / 1000)) }),
    ...(status === 401 && { 'WWW-Authenticate': 'Bearer' }),
  };
}

/** Answers a problem as RFC 9457 wants it. */
export function sendProblem(response: ServerResponse, problem: Problem): void {
  const body = JSON.stringify(problem);
  response.writeHead(problem.status, problemHeaders(problem, body)).end(body);
}

/** Answers a problem where there is no response to send it by, and closes the connection. */
export function endWithProblem(socket: Duplex, problem: Problem): void {
  const body = JSON.stringify(problem);
  const headers = { ...problemHeaders(problem, body), Connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n${lines.join('')}\r\n${body}`,
  );
  socket.resume();
  setTimeout(() => socket.destroy(), lingerMs).unref();
}
