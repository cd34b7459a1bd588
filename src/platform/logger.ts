import { type Logger, pino } from 'pino';

const secrets = ['token', 'refreshToken', 'password', 'authorization', 'cookie', 'content', 'code'];

/** JSON lines on standard output. Errors are logged without what they carry of requests (promise 20). */
export function createLogger(level: string): Logger {
  return pino({
    serializers: { err: describe },
    level,
    redact: { paths: secrets.flatMap((name) => [`*.${name}`, `*.*.${name}`]), remove: true },
  });
}

/** What an error says of itself, and nothing of what it carries: a database's errors hold whole documents. */
function describe({ name, message, stack, code }: Error & { code?: unknown }) {
  return { type: name, message, stack, code };
}
