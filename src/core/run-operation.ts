import type { z } from 'zod';
import type { Call } from './actor.ts';
import { withinDeadline } from './deadline.ts';
import type { Drain } from './drain.ts';
import { AppError, type FieldError, type Locale, type Problem, toProblem } from './errors.ts';
import { guardInput } from './input-guard.ts';
import type { BoundOperation, Operation } from './operation.ts';
import { validationMessages } from './validation-messages.ts';

/** What every wire answers: a Socket.IO acknowledgement as it is, REST as status and body. */
export type Outcome = { ok: true; data: unknown } | { ok: false; error: Problem };

export interface FloodLimiter<Bucket extends string> {
  /** Takes one from the bucket of this key. Throws `rate_limited` when it is empty. */
  take(bucket: Bucket, key: string): Promise<void>;
}

interface OperationLog {
  debug(line: object, message: string): void;
  info(line: object, message: string): void;
  error(line: object, message: string): void;
}

interface RunnerDeps {
  drain: Drain;
  floods: FloodLimiter<Operation['flood']>;
  log: OperationLog;
  /** Whether a failure says that the database cannot be reached or does not answer in time. */
  isOutage: (error: unknown) => boolean;
}

export type RunOperation = (bound: BoundOperation, input: unknown, call: Call) => Promise<Outcome>;

const slowMs = 1000;

/** The one way from a wire to a service: flood bucket, guard, parse, service, one log line, one problem object. */
export function createOperationRunner(deps: RunnerDeps): RunOperation {
  return async (bound, input, call) => {
    const startedAt = performance.now();
    let outcome: Outcome;
    let failure: unknown;
    deps.drain.enter();
    try {
      if (deps.drain.isDraining) throw new AppError('unavailable');
      if (bound.operation.access === 'user' && call.actor === null) throw new AppError('unauthenticated');
      await deps.floods.take(bound.operation.flood, `${bound.name}:${call.actor?.userId ?? call.address}`);
      const work = bound.handle(parse(bound.operation, input), call);
      const result = await (bound.operation.upload?.as === 'stream' ? work : withinDeadline(work));
      outcome = { ok: true, data: result ?? null };
    } catch (error) {
      failure = error;
      outcome = { ok: false, error: toProblem(asAppError(error, deps.isOutage), call) };
    } finally {
      deps.drain.leave();
    }
    logOutcome(deps.log, { bound, call, outcome, failure, startedAt });
    return outcome;
  };
}

function parse(operation: Operation, input: unknown): unknown {
  guardInput(input);
  const parsed = operation.input.safeParse(input, { error: validationMessages.en });
  if (parsed.success) return parsed.data;
  const inChinese = operation.input.safeParse(input, { error: validationMessages.zh });
  const fields: Record<Locale, FieldError[]> = {
    en: toFieldErrors(parsed.error),
    zh: toFieldErrors(inChinese.error ?? parsed.error),
  };
  throw new AppError('validation_failed', { fields });
}

function toFieldErrors(error: z.ZodError): FieldError[] {
  return error.issues
    .slice(0, 20)
    .map(({ path, message }) => ({ path: path.map(String).join('.'), message }));
}

/** Any failure as one that clients are told about: `unavailable` for an outage, `internal` for what nobody foresaw. */
export function asAppError(error: unknown, isOutage: (error: unknown) => boolean): AppError {
  if (error instanceof AppError) return error;
  return new AppError(isOutage(error) ? 'unavailable' : 'internal', { cause: error });
}

interface Finished {
  bound: BoundOperation;
  call: Call;
  outcome: Outcome;
  failure: unknown;
  startedAt: number;
}

/** One line per operation: success at debug, failures and what was slow at info (a line costs a tenth of a message). */
function logOutcome(log: OperationLog, { bound, call, outcome, failure, startedAt }: Finished): void {
  const durationMs = Math.round(performance.now() - startedAt);
  const line = {
    requestId: call.requestId,
    operation: bound.name,
    userId: call.actor?.userId,
    durationMs,
    ...(!outcome.ok && { code: outcome.error.code }),
  };
  if (!outcome.ok && outcome.error.status === 500) log.error({ ...line, err: failure }, 'operation failed');
  // what the server itself said is no fault of it: it stops, or is full
  else if (!outcome.ok && outcome.error.status > 500 && !(failure instanceof AppError))
    log.error({ ...line, cause: String(failure) }, 'operation failed');
  // a line for each of them would make a flood cost more than what it asks for
  else if (!outcome.ok && outcome.error.code === 'rate_limited') log.debug(line, 'operation');
  else if (!outcome.ok || durationMs > slowMs) log.info(line, 'operation');
  else log.debug(line, 'operation');
}
