import type { Locale } from './errors.ts';

/** Who acts: a person on one of their devices. */
export interface Actor {
  userId: string;
  sessionId: string;
}

/** The circumstances of one call, the same on every wire. */
export interface Call<A extends Actor | null = Actor | null> {
  actor: A;
  requestId: string;
  locale: Locale;
  /** The client's network address, as far as trusted proxies tell. */
  address: string;
  /** What was uploaded, where the operation takes an upload. */
  file: Buffer | null;
  /** The socket that acts; its own events are not echoed to it. `null` after a REST call. */
  originSocketId: string | null;
}
