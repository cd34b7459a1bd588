import type { Readable } from 'node:stream';
import type { Locale } from './errors.ts';

/** Who acts: a person on one of their devices. */
export interface Actor {
  userId: string;
  sessionId: string;
}

/** A file while it arrives. */
export interface IncomingFile {
  /** As its sender calls it. */
  name: string;
  /** What its sender takes it for; nothing to rely on. */
  mimeType: string;
  /** Ends when all of it is there and its sender is still logged in; fails when it breaks off. */
  content: Readable;
  /** More than this it cannot be; `null` if nobody knows yet. */
  mostBytes: number | null;
}

/** The circumstances of one call, the same on every wire. */
export interface Call<A extends Actor | null = Actor | null> {
  actor: A;
  requestId: string;
  locale: Locale;
  /** The client's network address, as far as trusted proxies tell. */
  address: string;
  /** What is uploaded, where the operation takes an upload: whole or while it arrives, as its contract says. */
  file: Buffer | IncomingFile | null;
  /** The socket that acts; its own events are not echoed to it. `null` after a REST call. */
  originSocketId: string | null;
}
