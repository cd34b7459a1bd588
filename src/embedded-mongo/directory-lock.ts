import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import type { MongoServer } from './server.ts';
import type { Storage } from './storage.ts';

const ownerKey = Buffer.from('owner');

interface Lock {
  directory: string;
  socketPath: string;
  storage: Storage;
  server: MongoServer;
}

/**
 * Makes this process the only one on a directory by listening at its socket, for as long as that answers. Two
 * processes starting at once take turns: the database's own lock between processes ends with its holder. The owner's
 * socket is also recorded in the database, since another process may see another temporary directory.
 * Throws when the directory is in use.
 */
export function lockDirectory({ directory, socketPath, storage, server }: Lock): Promise<void> {
  return storage.exclusively(async () => {
    const owner = storage.catalogue.get(ownerKey);
    const recorded = owner?.toString() ?? socketPath;
    for (const candidate of new Set([recorded, socketPath])) {
      if (await answers(candidate)) throw new Error(`${directory} is in use by another process`);
    }
    // left behind by a process that was killed; pipes end with theirs
    if (process.platform !== 'win32') rmSync(socketPath, { force: true });
    await server.listen({ path: socketPath });
    storage.catalogue.put(ownerKey, Buffer.from(socketPath), owner);
  });
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path: socketPath });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // a full queue of connections is somebody's, too
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EAGAIN'));
  });
}
