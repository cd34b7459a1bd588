import { z } from 'zod';
import type { Actor, Call, IncomingFile } from './actor.ts';
import { AppError, type ErrorCode, type Text } from './errors.ts';

export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  /** Path or query parameter → input field, where a route calls it by another name. */
  rename?: Readonly<Record<string, string>>;
  /** Inputs that the route itself gives. */
  fixed?: Readonly<Record<string, unknown>>;
  /** An older name of the same operation, documented as such. */
  alias?: true;
}

/** A type of frames on `/ws` that means the operation, beside its event name. */
export interface Frame {
  type: string;
  /** Member of the frame → input field, where it is called by another name. */
  rename?: Readonly<Record<string, string>>;
  /** Inputs that the type itself gives. */
  fixed?: Readonly<Record<string, unknown>>;
  /** Types of the answers, which carry `data` or `error`; an `ack` carries them unless said. */
  success?: string;
  failure?: string;
}

/**
 * `buffer`: held in memory whole before the operation begins. `stream`: the operation begins when the file does, has to
 * bound it by itself, and has no deadline, as a file may take minutes to arrive.
 */
export type Upload = { field: string; as: 'buffer'; maxBytes: number } | { field: string; as: 'stream' };

/**
 * One thing a client can do, declared once for every wire and every generated document.
 * Each feature's `*.contract.ts` is a record of these; its service owes one function per entry.
 */
export interface Operation {
  summary: string;
  /** `optional`: the actor is known if the call has a good token. */
  access: 'public' | 'optional' | 'user';
  /** Path, query and body in one flat object. `z.strictObject` refuses unknown fields, `z.object` ignores them. */
  input: z.ZodObject;
  /** `null`: nothing to answer (204). `media`, alone or in a union: bytes over REST. */
  output: z.ZodType | null;
  /** HTTP status of success; 200, or 204 where there is no output, unless said. */
  status?: 201 | 202;
  /** May go on after its answer, which is `{ status: 'pending' }` then, and 202 over REST. */
  pends?: true;
  /** The field of a multipart body that carries a file. Such operations are REST only. */
  upload?: Upload;
  /** A token for reading files, in the query as `access`, does as well as a token of access. */
  fileAccess?: true;
  /** Besides those every operation can meet: validation_failed, rate_limited, internal, unavailable. */
  errors: readonly ErrorCode[];
  routes: readonly Route[];
  /** Name on Socket.IO. Absent for what issues tokens or moves files. */
  event?: string;
  /** What older clients of `/ws` call it; everywhere else and by everybody else it is called by its event name. */
  frames?: readonly Frame[];
  /** The answer holds secrets: it is sent with `Cache-Control: no-store`. */
  secret?: true;
  /** Which flood bucket it draws on. */
  flood: 'send' | 'typing' | 'read' | 'search' | 'sync' | 'change' | 'auth' | 'renew';
}

/** Declares an operation; the identity function, for inference. */
export function operation<const Declared extends Operation>(declared: Declared): Declared {
  return declared;
}

export type Contract = Readonly<Record<string, Operation>>;

type CallOf<O extends Operation> = (O['access'] extends 'user' ? Call<Actor> : Call) & FileOf<O['upload']>;
type FileOf<U extends Operation['upload']> = U extends { as: 'stream' }
  ? { file: IncomingFile }
  : U extends { as: 'buffer' }
    ? { file: Buffer }
    : unknown;
type HandlerOf<O extends Operation> = (
  input: z.output<O['input']>,
  call: CallOf<O>,
) => O['output'] extends z.ZodType ? Promise<z.output<O['output']>> : Promise<void>;

/** What a service owes its contract: one function per operation. */
export type Handlers<C extends Contract> = { [K in keyof C]: HandlerOf<C[K]> };

/** An operation together with the function that does it. */
export interface BoundOperation {
  name: string;
  operation: Operation;
  handle: (input: unknown, call: Call) => Promise<unknown>;
}

/** Joins a contract and its service into rows of the table from which the transports are built. */
export function bind<C extends Contract>(
  feature: string,
  contract: C,
  handlers: Handlers<C>,
): BoundOperation[] {
  return Object.entries(contract).map(([name, declared]) => ({
    name: `${feature}.${name}`,
    operation: declared,
    // run-operation has parsed the input with this very contract and refused calls without an actor
    handle: (handlers as Record<string, BoundOperation['handle']>)[name] as BoundOperation['handle'],
  }));
}

/** Stands in for a call that reaches no operation, so that it takes the same way: counted, logged, answered. */
export function refusedCall(name: string, code: ErrorCode, detail?: Text): BoundOperation {
  return {
    name,
    operation: operation({
      summary: 'No operation',
      access: 'user',
      input: z.object({}),
      output: null,
      errors: [code],
      routes: [],
      flood: 'read',
    }),
    handle: () => Promise.reject(new AppError(code, detail && { detail })),
  };
}

/** What a name that no contract knows means. */
export const unknownEvent = refusedCall('unknown', 'unknown_event');
