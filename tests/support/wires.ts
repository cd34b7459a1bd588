import type { Operation, Route } from '../../src/core/operation.ts';
import { rest, TestSocket } from './clients.ts';
import { WsClient } from './ws-client.ts';

/** What an operation answered, in the same words on every wire. */
export interface WireAnswer {
  /** The problem's; `null` after a success. */
  code: string | null;
  /** The problem's; after a success what the contract says. */
  status: number;
  data: unknown;
}

/** One way to call operations: as somebody, or as nobody. */
export interface Wire {
  name: string;
  /** Whether the operation is reached by it at all. */
  serves(operation: Operation): boolean;
  call(
    caller: { url: string; token: string | undefined },
    operation: Operation,
    input: Record<string, unknown>,
  ): Promise<WireAnswer>;
}

const overRest: Wire = {
  name: 'REST',
  serves: ({ routes }) => routes.length > 0,
  async call({ url, token }, { routes }, input) {
    const route = routes.find((each) => fits(each, input));
    if (!route) throw new Error('No route takes this input');
    const { method, path, body } = toRequest(route, input);
    const { status, body: data } = await rest(url, { method, path, body, token });
    if (status >= 400) return refusal(data);
    return { code: null, status, data: status === 204 ? null : data };
  },
};

const overSocketIo: Wire = {
  name: 'Socket.IO',
  serves: ({ event }) => event !== undefined,
  async call({ url, token }, operation, input) {
    const socket = new TestSocket(url, token);
    try {
      await socket.connected();
    } catch (error) {
      return refusal((error as { data?: unknown }).data);
    }
    const answer = await socket.emit(operation.event ?? '', input);
    socket.close();
    return answer.ok ? success(operation, answer.data) : refusal(answer.error);
  },
};

const overWebSocket: Wire = {
  name: '/ws',
  serves: ({ event }) => event !== undefined,
  call: (caller, operation, input) => callFrame(caller, operation, { ...input, type: operation.event }),
};

/** Calls an operation by a frame of `/ws` that means it. */
export async function callFrame(
  { url, token }: { url: string; token: string | undefined },
  operation: Operation,
  frame: Record<string, unknown>,
): Promise<WireAnswer> {
  const client = await (token === undefined ? new WsClient(url).opened() : WsClient.withFrame(url, token));
  const { data, error } = await client.ask(frame);
  client.close();
  return error ? refusal(error) : success(operation, data);
}

/** The wires on which an operation can be called. */
export function wiresOf(operation: Operation): Wire[] {
  return [overRest, overSocketIo, overWebSocket].filter((wire) => wire.serves(operation));
}

function refusal(problem: unknown): WireAnswer {
  const { code, status } = problem as { code: string; status: number };
  return { code, status, data: null };
}

function success({ output, status, pends }: Operation, data: unknown): WireAnswer {
  const isPending = pends && (data as { status?: unknown }).status === 'pending';
  return { code: null, status: output === null ? 204 : isPending ? 202 : (status ?? 200), data };
}

const parametersOf = ({ path, rename = {} }: Route) =>
  [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({ name, field: rename[name] ?? name }));

/** Whether a route says what the input says: all its parameters, and what it gives by itself. */
function fits(route: Route, input: Record<string, unknown>): boolean {
  const hasParameters = parametersOf(route).every(({ field }) => Object.hasOwn(input, field));
  return hasParameters && Object.entries(route.fixed ?? {}).every(([field, value]) => input[field] === value);
}

/** The input of an operation as path, query and body. */
function toRequest(route: Route, input: Record<string, unknown>) {
  const others = { ...input };
  let { path } = route;
  for (const { name, field } of parametersOf(route)) {
    path = path.replace(`:${name}`, encodeURIComponent(String(input[field])));
    delete others[field];
  }
  for (const field of Object.keys(route.fixed ?? {})) delete others[field];
  if (route.method !== 'GET') return { method: route.method, path, body: others };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(others)) query.set(name, String(value));
  return { method: route.method, path: `${path}?${query}`, body: undefined };
}
