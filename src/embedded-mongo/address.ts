import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Address } from './server.ts';

/** Above about this length some systems silently listen at a truncated path. */
const maxSocketPath = 100;

/**
 * The socket that stands for a data directory, named by a hash of its path, in a directory that only this user can
 * enter; a named pipe on Windows.
 */
export function socketPathOf(directory: string): string {
  const hash = createHash('sha256').update(realpathSync(directory)).digest('hex').slice(0, 16);
  if (process.platform === 'win32') return `\\\\.\\pipe\\embedded-mongo-${hash}`;
  const user = process.getuid?.() ?? 0;
  const parent = path.join(tmpdir(), `embedded-mongo-${user}`);
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(parent);
  if (uid !== user || (mode & 0o077) !== 0) {
    throw new Error(
      `${parent} can be entered by other users: remove it, or set TMPDIR to a private directory`,
    );
  }
  return checkedSocketPath(path.join(parent, `${hash}.sock`));
}

function checkedSocketPath(socketPath: string): string {
  if (Buffer.byteLength(socketPath) <= maxSocketPath) return socketPath;
  throw new Error(
    `the socket path ${socketPath} is longer than ${maxSocketPath} bytes: set TMPDIR to a shorter one`,
  );
}

/** Where to listen besides the directory's own socket: a port number (on loopback) or a socket path. */
export function parseListen(listen: string): Address {
  if (!/^\d+$/.test(listen)) return { path: checkedSocketPath(path.resolve(listen)) };
  const port = Number(listen);
  if (port > 65_535) throw new Error(`${listen} is neither a port nor a path`);
  return { host: '127.0.0.1', port };
}

/** The connection string of an address, for the database `parley` unless another is named. */
export function uriOf(address: Address, database: string): string {
  const host = 'path' in address ? encodeURIComponent(address.path) : `${address.host}:${address.port}`;
  return `mongodb://${host}/${database}?directConnection=true`;
}
