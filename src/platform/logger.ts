import { type Logger, pino } from 'pino';

const secrets = ['token', 'refreshToken', 'password', 'authorization', 'cookie', 'content', 'code'];

/** JSON lines on standard output. Errors are logged without what they carry of requests (promise 20). */
export function createLogger(level: string): Logger {
  return pino({
    level,
    redact: { paths: secrets.flatMap((name) => [`*.${name}`, `*.*.${name}`]), remove: true },
  });
}
