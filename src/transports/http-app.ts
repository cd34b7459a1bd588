import { isUtf8 } from 'node:buffer';
import { type ParsedUrlQuery, parse } from 'node:querystring';
import cors from 'cors';
import express, { type ErrorRequestHandler, type Express, type Router } from 'express';
import helmet from 'helmet';
import { AppError, type ErrorCode, toProblem } from '../core/errors.ts';
import { malformedText } from '../core/input-guard.ts';
import { asAppError } from '../core/run-operation.ts';
import { localeOf } from './client.ts';
import { sendProblem } from './problems.ts';
import { requestIdOf } from './rest.ts';

interface HttpAppDeps {
  router: Router;
  corsOrigins: '*' | string[];
  trustedProxyHops: number;
  /** Whether the server takes work and the database takes writes. */
  isReady(): Promise<boolean>;
  isOutage(error: unknown): boolean;
  onInternalError(error: unknown, requestId: string): void;
}

const bodyMaxBytes = 100 * 1024;

/** The Express application: security headers, health, the operations, and one answer for every failure. */
export function createHttpApp(deps: HttpAppDeps): Express {
  const app = express();
  app.set('trust proxy', deps.trustedProxyHops);
  app.set('query parser', parseQuery);
  app.use(helmet(), cors({ origin: deps.corsOrigins }));
  app.get('/healthz', (_request, response) => void response.json({ status: 'ok' }));
  app.get(['/readyz', '/health'], async (_request, response) => {
    const isReady = await deps.isReady();
    response.status(isReady ? 200 : 503).json({ status: isReady ? 'ok' : 'unavailable' });
  });
  app.use(
    express.json({
      limit: bodyMaxBytes,
      type: ['application/json', 'application/*+json'],
      verify: (_request, _response, body, charset) => requireUtf8(body, charset),
    }),
  );
  app.use(deps.router);
  app.use(() => {
    throw new AppError('not_found');
  });
  app.use(failureHandler(deps));
  return app;
}

/** Decoding would put U+FFFD for bytes that are no text, and JSON knows no other character set (RFC 8259, 8.1). */
function requireUtf8(bytes: Buffer, charset = 'utf-8'): void {
  if (charset !== 'utf-8') throw new AppError('unsupported_media_type');
  if (!isUtf8(bytes)) throw malformedText();
}

/** As Express parses a query: ASCII, with escapes for the bytes of UTF-8, for which it too would put U+FFFD. */
function parseQuery(query: string | null): ParsedUrlQuery {
  if (query === null) return {};
  const latin1 = query.replace(/%([\da-f]{2})/gi, (_escape, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  if (/[\x80-\xff]/.test(query) || !isUtf8(Buffer.from(latin1, 'latin1'))) throw malformedText();
  return parse(query);
}

function failureHandler({ isOutage, onInternalError }: HttpAppDeps): ErrorRequestHandler {
  // four parameters are how Express knows an error handler
  return (error: unknown, request, response, _next) => {
    const requestId = requestIdOf(response);
    const failure = fromHttpError(error) ?? asAppError(error, isOutage);
    if (failure.code === 'internal') onInternalError(error, requestId);
    sendProblem(response, toProblem(failure, { locale: localeOf(request), requestId }));
  };
}

/** What Express and its body parser refuse before an operation is reached. */
function fromHttpError(error: unknown): AppError | null {
  if (error instanceof AppError || !(error instanceof Error) || !('status' in error)) return null;
  const { status } = error;
  if (typeof status !== 'number' || status < 400 || status > 499) return null;
  const codes: Record<number, ErrorCode> = {
    404: 'not_found',
    413: 'payload_too_large',
    415: 'unsupported_media_type',
  };
  const isBroken = 'type' in error && error.type === 'entity.parse.failed';
  const detail = isBroken
    ? { detail: { en: 'The body is not valid JSON', zh: '请求体不是有效的 JSON' } }
    : {};
  return new AppError(codes[status] ?? 'validation_failed', { ...detail, cause: error });
}
