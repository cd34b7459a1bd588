import { randomUUID } from 'node:crypto';
import { type Request, type Response, Router } from 'express';
import { rateLimit } from 'express-rate-limit';
import type { Actor, Call } from '../core/actor.ts';
import { AppError } from '../core/errors.ts';
import { Media } from '../core/media.ts';
import type { BoundOperation, Operation, Route } from '../core/operation.ts';
import type { RunOperation } from '../core/run-operation.ts';
import { addressOf, bearerOf, localeOf, subnetOf } from './client.ts';
import { sendMedia } from './media-response.ts';
import { sendProblem } from './problems.ts';
import { inputOf } from './rest-input.ts';
import { createUploads, type Uploads } from './uploads.ts';

interface RestDeps {
  operations: readonly BoundOperation[];
  run: RunOperation;
  authenticate(token: string): Promise<Actor>;
  /** Who may read files with such a token. */
  authenticateFileAccess(token: string): Promise<Actor>;
  trustedProxyHops: number;
  hasRateLimits: boolean;
}

/** Calls per minute and address: of everything, and of what costs a password hash. */
const perMinute = { all: 6000, auth: 60 } as const;

/** Every operation under every route of its contract. */
export function createRestRouter({ operations, ...deps }: RestDeps): Router {
  const router = Router();
  if (deps.hasRateLimits) router.use('/api', addressLimit(perMinute.all, deps.trustedProxyHops));
  const authLimit = addressLimit(perMinute.auth, deps.trustedProxyHops);
  const uploads = createUploads();

  const rows = operations.flatMap((bound) => bound.operation.routes.map((route) => ({ bound, route })));
  for (const { bound, route } of rows.sort(staticFirst)) {
    const limits = deps.hasRateLimits && bound.operation.flood === 'auth' ? [authLimit] : [];
    const method = route.method.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete';
    router[method](route.path, ...limits, (request, response) =>
      serve({ bound, route }, { request, response }, { ...deps, uploads }),
    );
  }
  return router;
}

interface Row {
  bound: BoundOperation;
  route: Route;
}

/** Static paths win over parameters. */
function staticFirst(one: Row, other: Row): number {
  const rank = ({ route }: Row) => route.path.replaceAll(/:\w+/g, '\uffff');
  return rank(one) < rank(other) ? -1 : 1;
}

async function serve(
  { bound, route }: Row,
  { request, response }: { request: Request; response: Response },
  deps: Omit<RestDeps, 'operations'> & { uploads: Uploads },
): Promise<void> {
  const { operation } = bound;
  const actor = await actorOf(request, operation, deps);
  const runWith = (file: Call['file']) => {
    const call: Call = {
      actor,
      file,
      requestId: requestIdOf(response),
      locale: localeOf(request),
      address: addressOf(request, deps.trustedProxyHops),
      originSocketId: null,
    };
    return deps.run(bound, inputOf(request, operation, route), call);
  };
  const outcome = operation.upload
    ? await deps.uploads.receive({ request, response }, operation.upload, {
        userId: actor?.userId ?? '',
        readmit: async () => void (await actorOf(request, operation, deps)),
        use: runWith,
      })
    : await runWith(null);
  if (!outcome.ok) return sendProblem(response, outcome.error);
  if (operation.secret) response.set('Cache-Control', 'no-store');
  if (operation.output === null) response.status(204).end();
  else if (outcome.data instanceof Media) await sendMedia({ request, response }, outcome.data);
  else response.status(statusOf(operation, outcome.data)).json(outcome.data);
}

function statusOf({ status, pends }: Operation, data: unknown): number {
  const isPending =
    pends && typeof data === 'object' && data && 'status' in data && data.status === 'pending';
  return isPending ? 202 : (status ?? 200);
}

async function actorOf(
  request: Request,
  { access, fileAccess }: Operation,
  { authenticate, authenticateFileAccess }: Pick<RestDeps, 'authenticate' | 'authenticateFileAccess'>,
): Promise<Actor | null> {
  if (access === 'public') return null;
  const token = bearerOf(request);
  const fileToken = request.query.access;
  if (fileAccess && token === undefined && typeof fileToken === 'string')
    return authenticateFileAccess(fileToken);
  if (access === 'optional' && token === undefined) return null;
  if (token === undefined) throw new AppError('unauthenticated');
  return authenticate(token).catch((error: unknown) => {
    // what needs nobody is not refused for a token that has run out
    if (access === 'optional' && error instanceof AppError && error.code === 'unauthenticated') return null;
    throw error;
  });
}

/** The id under which everything about one request is logged and answered; made once per request. */
export function requestIdOf(response: Response): string {
  response.locals.requestId ??= randomUUID();
  return String(response.locals.requestId);
}

function addressLimit(limit: number, trustedProxyHops: number) {
  return rateLimit({
    keyGenerator: (request) => subnetOf(addressOf(request, trustedProxyHops)),
    windowMs: 60_000,
    limit,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    handler(request, _response, next) {
      const { resetTime } = (request as Request & { rateLimit?: { resetTime?: Date } }).rateLimit ?? {};
      const retryAfterMs = Math.max(1000, (resetTime?.getTime() ?? 0) - Date.now());
      next(new AppError('rate_limited', { extra: { retryAfterMs } }));
    },
  });
}
