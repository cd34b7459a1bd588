import { once } from 'node:events';
import { expect } from 'chai';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { z } from 'zod';
import {
  type ClientToServerEvents,
  type EventInput,
  type EventName,
  type EventOutput,
  operations,
  pushEvents,
  type ServerToClientEvents,
} from '../../src/contracts.ts';
import type { ErrorCode, Problem } from '../../src/core/errors.ts';
import type { Operation } from '../../src/core/operation.ts';

export const problem = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  requestId: z.string(),
});

/** Holds data against its published shape: nothing missing, nothing wrong, nothing besides. */
export function check<T extends z.ZodType>(shape: T, data: unknown, what: string): z.output<T> {
  const parsed = shape.safeParse(data);
  if (!parsed.success) throw new Error(`${what} breaks its contract: ${z.prettifyError(parsed.error)}`);
  expect(parsed.data, `${what} has more than its contract`).to.deep.equal(data);
  return parsed.data;
}

export interface RestAnswer {
  status: number;
  headers: Headers;
  /** Checked against the contract of its route; read what the test is about. */
  body: Record<string, unknown>;
  /** What came, for answers that are no JSON. */
  bytes: Buffer;
}

interface RestCall {
  method: string;
  path: string;
  body?: unknown;
  token?: string | undefined;
  headers?: Record<string, string>;
}

/** Calls a REST route and checks what it answers against its contract. */
export async function rest(
  url: string,
  { method, path, body, token, headers }: RestCall,
): Promise<RestAnswer> {
  const isText = body !== undefined && !(body instanceof FormData);
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(isText && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body !== undefined && {
      body: typeof body === 'string' || body instanceof FormData ? body : JSON.stringify(body),
    }),
  });
  const isJson = /^application\/(problem\+)?json/.test(response.headers.get('content-type') ?? '');
  const bytes = Buffer.from(await response.arrayBuffer());
  const answer = isJson ? (JSON.parse(bytes.toString()) as Record<string, unknown>) : {};
  const what = `${method} ${path}`;
  const isPage = response.headers.get('content-type')?.startsWith('text/html');
  if (response.status >= 400 && !isPage) {
    expect(response.headers.get('content-type'), what).to.match(/^application\/problem\+json/);
    check(problem, answer, what);
    expect(answer.status, what).to.equal(response.status);
  } else if (isJson || (response.ok && bytes.length === 0))
    checkSuccess(operationOf(method, path), { status: response.status, answer, what });
  return { status: response.status, headers: response.headers, body: answer, bytes };
}

function checkSuccess(
  operation: Operation | undefined,
  { status, answer, what }: { status: number; answer: unknown; what: string },
): void {
  if (!operation) return;
  if (operation.output === null) {
    expect(status, what).to.equal(204);
    return;
  }
  const usual = operation.status ?? 200;
  expect(status, what).to.be.oneOf(operation.pends ? [usual, 202] : [usual]);
  check(operation.output, answer, what);
}

/** The operation behind a path; static paths win over parameters. */
function operationOf(method: string, path: string): Operation | undefined {
  const pathname = path.split('?')[0] ?? '';
  const fits = (pattern: string) => new RegExp(`^${pattern.replaceAll(/:\w+/g, '[^/]+')}$`).test(pathname);
  const found = operations.flatMap((operation) =>
    operation.routes
      .filter((route) => route.method === method && fits(route.path))
      .map(({ path }) => ({ operation, path })),
  );
  return (found.find(({ path }) => !path.includes(':')) ?? found[0])?.operation;
}

type Pushed = { [Name in keyof ServerToClientEvents]: Parameters<ServerToClientEvents[Name]>[0] };

/** A Socket.IO client that checks every answer and every event against its contract, and keeps events until asked. */
export class TestSocket {
  readonly socket: Socket<ServerToClientEvents, ClientToServerEvents>;
  readonly heard: { event: string; data: unknown }[] = [];
  #waiting: (() => void)[] = [];
  #fault: unknown = null;

  constructor(url: string, token: string | undefined, options: Partial<ManagerOptions & SocketOptions> = {}) {
    this.socket = io(url, {
      ...(token !== undefined && { auth: { token } }),
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      ...options,
    });
    this.socket.onAny((event: string, data: unknown) => {
      try {
        check(pushEvents[event as keyof typeof pushEvents], data, `event ${event}`);
      } catch (error) {
        this.#fault = error;
      }
      this.heard.push({ event, data });
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  async connected(): Promise<this> {
    if (!this.socket.connected) {
      await new Promise<void>((resolve, reject) => {
        this.socket.once('connect', resolve);
        this.socket.once('connect_error', reject);
      });
    }
    return this;
  }

  /** Emits an event and answers its data. Throws if it is refused. */
  async call<Name extends EventName>(event: Name, input: EventInput<Name>): Promise<EventOutput<Name>> {
    const answer = await this.emit(event, input);
    if (!answer.ok) throw new Error(`${event} was refused: ${JSON.stringify(answer.error)}`);
    const { output } = operations.find((operation) => operation.event === event) ?? {};
    if (output) check(output, answer.data, `ack of ${event}`);
    else expect(answer.data, `ack of ${event}`).to.equal(null);
    return answer.data as EventOutput<Name>;
  }

  /** Emits an event that has to be refused and answers the problem. */
  async refused(event: string, input: unknown, code: ErrorCode): Promise<Problem> {
    const answer = await this.emit(event, input);
    if (answer.ok) throw new Error(`${event} was not refused: ${JSON.stringify(answer.data)}`);
    check(problem, answer.error, `refusal of ${event}`);
    expect(answer.error.code, event).to.equal(code);
    return answer.error;
  }

  /** Emits anything under any name, as a hostile client would; answers the acknowledgement. */
  emit(
    event: string,
    ...input: unknown[]
  ): Promise<{ ok: true; data: unknown } | { ok: false; error: Problem }> {
    const emit = this.socket.timeout(15_000).emitWithAck.bind(this.socket.timeout(15_000)) as unknown as (
      ...args: unknown[]
    ) => Promise<{ ok: true; data: unknown } | { ok: false; error: Problem }>;
    return emit(event, ...input);
  }

  /** The next event of this name that was not taken yet, as soon as it is there. */
  async next<Name extends keyof Pushed>(event: Name): Promise<Pushed[Name]> {
    for (;;) {
      if (this.#fault) throw this.#fault;
      const index = this.heard.findIndex((heard) => heard.event === event);
      if (index >= 0) return this.heard.splice(index, 1)[0]?.data as Pushed[Name];
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Events of this name that were heard and not taken: for absence, after a later marker event. */
  untaken(event: keyof Pushed): unknown[] {
    return this.heard.filter((heard) => heard.event === event).map(({ data }) => data);
  }

  async closed(): Promise<void> {
    if (this.socket.connected) await once(this.socket as unknown as NodeJS.EventEmitter, 'disconnect');
  }

  close(): void {
    this.socket.disconnect();
  }
}
