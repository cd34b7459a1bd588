import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import accepts from 'accepts';
import { ipKeyGenerator } from 'express-rate-limit';
import proxyAddress from 'proxy-addr';
import type { Locale } from '../core/errors.ts';

/** The language in which a client wants its errors, by its Accept-Language. */
export function localeOf(request: IncomingMessage): Locale {
  return accepts(request).language(['en', 'zh']) === 'zh' ? 'zh' : 'en';
}

/** The client's address behind so many proxies of ours; whatever else a client claims is not believed. */
export function addressOf(request: IncomingMessage, trustedHops: number): string {
  const told = proxyAddress(request, (_address, hop) => hop < trustedHops) ?? '';
  const withoutPort = /^\[(.+)\](?::\d+)?$/.exec(told)?.[1] ?? /^([\d.]+):\d+$/.exec(told)?.[1] ?? told;
  // how a socket that takes both kinds of addresses shows one of IPv4
  const address = withoutPort.replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(address) === 0 ? 'unknown' : address;
}

/** What an address is counted by: itself, or the whole network that one customer gets of IPv6. */
export const subnetOf = (address: string): string =>
  isIP(address) === 6 ? ipKeyGenerator(address) : address;

/** The token of an `Authorization: Bearer` header. */
export function bearerOf(request: IncomingMessage): string | undefined {
  return /^Bearer ([\w.~+/=-]+)$/i.exec(request.headers.authorization ?? '')?.[1];
}

interface Origins {
  allowed: '*' | readonly string[];
  /** The server's own public address. */
  own: string;
}

/**
 * Whether a page that may not use this server opens the connection. Browsers hold back answers to foreign pages (CORS), but
 * let every page open a WebSocket.
 */
export function isForeignOrigin({ headers }: IncomingMessage, { allowed, own }: Origins): boolean {
  const { origin, host } = headers;
  if (allowed === '*' || origin === undefined || allowed.includes(origin)) return false;
  return !URL.canParse(origin) || ![new URL(own).host, host].includes(new URL(origin).host);
}
