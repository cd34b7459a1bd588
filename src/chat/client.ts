import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import type {
  ClientToServerEvents,
  EventAck,
  EventInput,
  EventName,
  EventOutput,
  ServerToClientEvents,
} from '../contracts.ts';
import type { AuthResult } from '../features/auth/auth.contract.ts';

type Problem = Extract<EventAck<'sync'>, { ok: false }>['error'];
type SyncItem = EventOutput<'sync'>['items'][number];
export type Message = EventOutput<'private_message'>;
export type Friend = EventOutput<'friend_accept'>;
export type FriendRequest = EventOutput<'friend_add'>;

type Pushed<Name extends keyof ServerToClientEvents> = Parameters<ServerToClientEvents[Name]>[0];
/** What happened to a message: a live event, or the content of its entry in the log. */
export type Change = {
  [Name in 'message_recalled' | 'message_edited' | 'message_reacted']: { event: Name; data: Pushed<Name> };
}['message_recalled' | 'message_edited' | 'message_reacted'];

/** Where something stands in a conversation. */
type Place = Pick<Message, 'conversationId' | 'seq'>;

/** Longer than the server takes at the most; then the same is sent again. */
const ackTimeoutMs = 8000;
const askAgainMs = 2000;
const longestWaitMs = 30_000;
const language = Intl.DateTimeFormat().resolvedOptions().locale;

/** What the server refused, in its words. */
export class Refusal extends Error {
  readonly code: Problem['code'];

  constructor({ title, detail, errors = [], code }: Problem) {
    const fields = errors.map(({ path, message }) => `${path}: ${message}`);
    super([title, detail, ...fields].filter(Boolean).join('; '));
    this.code = code;
  }
}

/** Registers, logs in or renews. Throws a `Refusal`, or an error that says why the server could not be asked. */
export async function authenticate(
  url: string,
  action: 'register' | 'login' | 'refresh-token',
  body: object,
): Promise<AuthResult> {
  const response = await fetch(`${url}/api/auth/${action}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'accept-language': language },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(2 * ackTimeoutMs),
  }).catch((error: unknown) => {
    throw new Error(`${url} does not answer. Does the server run? Start it with: npm start`, {
      cause: error,
    });
  });
  const answer: unknown = await response.json().catch(() => null);
  if (typeof answer !== 'object' || answer === null || !('token' in answer || 'code' in answer)) {
    throw new Error(`${url} does not answer like a Parley server (HTTP ${response.status}).`);
  }
  if (!response.ok) throw new Refusal(answer as Problem);
  return answer as AuthResult;
}

interface ClientOptions {
  url: string;
  account: AuthResult;
  /** Connected, for the first time or again; messages that were missed come after it. */
  onConnect(): Promise<void>;
  /** Every message of others and of my other devices, once, in the order of its conversation. */
  onMessage(message: Message): void;
  /** What happened to a message, in its place in the conversation. */
  onChange(change: Change): void;
  onRequest(request: FriendRequest): void;
  onFriend(friend: Friend): void;
  onNotice(text: string): void;
  onEnd(reason: string): void;
}

export type ChatClient = ReturnType<typeof connectClient>;

/** A connection that heals itself: it renews its token, repeats what was not answered and catches up by `sync`. */
export function connectClient({ url, account, ...on }: ClientOptions) {
  let { token, refreshToken } = account;
  let isClosing = false;
  /** The newest seq that is known of each conversation, and which of its entries were shown. */
  const known = new Map<string, number>();
  const shown = new Set<string>();
  let since: string | undefined;
  let isBehind = false;
  let work: Promise<void> = Promise.resolve();

  // with `retries`, every event waits in a queue and is sent again until it is answered, over reconnections too
  const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io(url, {
    auth: (give) => give({ token }),
    ackTimeout: ackTimeoutMs,
    retries: Number.POSITIVE_INFINITY,
    extraHeaders: { 'accept-language': language },
  });
  const emit = socket.emitWithAck.bind(socket) as unknown as <Name extends EventName>(
    event: Name,
    input: EventInput<Name>,
  ) => Promise<EventAck<Name>>;

  /** Calls an operation, and repeats the very same call when the server says that this may help. */
  async function call<Name extends EventName>(
    event: Name,
    input: EventInput<Name>,
  ): Promise<EventOutput<Name>> {
    for (;;) {
      const answer = await emit(event, input);
      if (answer.ok) return answer.data;
      const { status, retryAfterMs } = answer.error;
      const waitMs = typeof retryAfterMs === 'number' ? retryAfterMs : askAgainMs;
      if ((status !== 429 && status < 500) || waitMs > longestWaitMs) throw new Refusal(answer.error);
      await delay(waitMs);
    }
  }

  function note(place: Place, show: () => void): void {
    const { conversationId, seq } = place;
    const below = known.get(conversationId) ?? 0;
    if (since !== undefined && seq > below + 1) {
      fallBehind();
      return;
    }
    known.set(conversationId, Math.max(below, seq));
    showOnce(place, show);
  }

  function showOnce({ conversationId, seq }: Place, show: () => void): void {
    const place = `${conversationId} ${seq}`;
    if (!shown.has(place)) show();
    shown.add(place);
  }

  const noteMessage = (message: Message) => note(message, () => on.onMessage(message));

  /** A push is a hint and may be missed; a hole in the seqs is filled by `sync`. */
  function fallBehind(): void {
    if (isBehind) return;
    isBehind = true;
    enqueue(catchUp);
  }

  function enqueue(step: () => Promise<void>): void {
    work = work.then(step).catch((error: unknown) => on.onNotice(inWords(error)));
  }

  async function catchUp(): Promise<void> {
    isBehind = false;
    const body = { conversations: Object.fromEntries(known), ...(since !== undefined && { since }) };
    let page = await call('sync', body);
    page.items.forEach(take);
    while (page.nextCursor !== null) {
      page = await call('sync', { ...body, cursor: page.nextCursor });
      page.items.forEach(take);
    }
    since = page.since;
  }

  /** What was there before the first `sync` is history: it is known, but not told as news. */
  function take({ conversation: { id, headSeq }, entries }: SyncItem): void {
    if (since !== undefined) {
      for (const entry of entries) {
        const isChange = entry.contentType === 'system';
        showOnce(entry, () => (isChange ? on.onChange(entry.content as Change) : on.onMessage(entry)));
      }
    }
    known.set(id, Math.max(known.get(id) ?? 0, since === undefined ? headSeq : (entries.at(-1)?.seq ?? 0)));
  }

  async function renew(): Promise<void> {
    try {
      const fresh = await authenticate(url, 'refresh-token', { refreshToken });
      ({ token, refreshToken } = fresh);
      socket.connect();
    } catch (error) {
      if (error instanceof Refusal && error.code === 'unauthenticated') end('You are logged out here.');
      else setTimeout(() => void renew(), askAgainMs);
    }
  }

  function end(reason: string): void {
    if (isClosing) return;
    isClosing = true;
    socket.disconnect();
    on.onEnd(reason);
  }

  socket.on('connect', () => {
    enqueue(on.onConnect);
    enqueue(catchUp);
  });
  socket.on('connect_error', (error: Error & { data?: Problem }) => {
    // on failures of the network the socket tries again by itself
    if (socket.active || isClosing) return;
    if (error.data?.code === 'unauthenticated') void renew();
    else setTimeout(() => socket.connect(), askAgainMs);
  });
  socket.on('disconnect', (reason) => {
    if (isClosing) return;
    on.onNotice('The connection is lost. What you write now is sent when it is back.');
    if (reason === 'io server disconnect') setTimeout(() => socket.connect(), askAgainMs);
  });
  socket.on('session_revoked', () => end('You are logged out here.'));
  socket.on('new_private_message', noteMessage);
  socket.on('message_recalled', (data) => note(data, () => on.onChange({ event: 'message_recalled', data })));
  socket.on('message_edited', (data) => note(data, () => on.onChange({ event: 'message_edited', data })));
  socket.on('message_reacted', (data) => note(data, () => on.onChange({ event: 'message_reacted', data })));
  socket.on('friend_request_received', on.onRequest);
  socket.on('friend_request_accepted', on.onFriend);

  return {
    call,

    get isConnected() {
      return socket.connected;
    },

    /** Resolves when the message is stored, however often it has to be sent for that; it is stored once. */
    async send(receiverId: string, content: string): Promise<Message> {
      const sent = await call('private_message', { receiverId, content, clientMessageId: randomUUID() });
      // what one has written oneself stands there already
      note(sent, () => {});
      return sent;
    },

    /** Logs out, as the next start logs in anew. */
    async close(): Promise<void> {
      isClosing = true;
      if (socket.connected)
        await Promise.race([emit('logout', {}).catch(() => null), delay(askAgainMs, null, { ref: false })]);
      socket.disconnect();
    },
  };
}

export function inWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
