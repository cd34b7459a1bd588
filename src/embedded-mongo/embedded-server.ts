import path from 'node:path';
import { parseListen, socketPathOf, uriOf } from './address.ts';
import { lockDirectory } from './directory-lock.ts';
import { createEngine } from './engine.ts';
import { createMongoServer } from './server.ts';
import { openStorage } from './storage.ts';
import { sweepExpired } from './ttl.ts';

export interface EmbeddedServerOptions {
  directory: string;
  /** A port on loopback or a socket path; by default a socket named after the directory. */
  listen?: string | undefined;
  /** How often expired documents are looked for, in milliseconds. */
  sweepIntervalMs?: number | undefined;
}

export interface EmbeddedServer {
  uri: string;
  close(): Promise<void>;
}

const defaultSweepIntervalMs = 60_000;
const database = 'parley';

/**
 * Serves a directory in this thread. Throws when another process uses the directory or the address. `onFailure` hears
 * of a failure that leaves the state unknown: the process or thread must end.
 */
export async function openEmbeddedServer(
  options: EmbeddedServerOptions,
  onFailure: (error: unknown) => void,
): Promise<EmbeddedServer> {
  const directory = path.resolve(options.directory);
  const storage = openStorage(directory);
  const engine = createEngine(storage);
  const server = createMongoServer(engine, onFailure);
  try {
    const socketPath = socketPathOf(directory);
    await lockDirectory({ directory, socketPath, storage, server });
    const fallback = process.platform === 'win32' ? '0' : undefined;
    const listen = options.listen ?? fallback;
    const address = listen === undefined ? { path: socketPath } : await server.listen(parseListen(listen));
    let sweeping = Promise.resolve();
    const timer = setInterval(() => {
      engine.cursors.expire();
      sweeping = sweeping.then(() => sweepExpired(engine)).catch(onFailure);
    }, options.sweepIntervalMs ?? defaultSweepIntervalMs);
    return {
      uri: uriOf(address, database),
      async close() {
        clearInterval(timer);
        await sweeping;
        await server.close();
        await storage.close();
      },
    };
  } catch (error) {
    await server.close();
    await storage.close();
    throw error;
  }
}
