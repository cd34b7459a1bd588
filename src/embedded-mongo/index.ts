import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { WorkerMessage } from './worker.ts';

export { makeDirectory } from './data-directory.ts';

export interface EmbeddedMongoOptions {
  /** Where the data lies; created with mode 0700. One process per directory. */
  directory: string;
  /** A port on loopback or a socket path; by default a socket named after the directory. */
  listen?: string | undefined;
  /** How often expired documents are looked for, in milliseconds (60,000 by default). */
  sweepIntervalMs?: number | undefined;
  /**
   * Hears that the database ended by itself. Nothing can be read or written any more: log it and exit.
   * Without it the failure is thrown, and ends the process.
   */
  onFailure?: ((error: Error) => void) | undefined;
}

export interface EmbeddedMongo {
  /** A connection string for MongoDB's driver. */
  uri: string;
  /** Answers what is in flight, flushes, and ends the thread. */
  close(): Promise<void>;
}

/**
 * Starts the embedded database in a thread of its own and resolves once it takes connections.
 * Throws when the directory is in use by another process or cannot be opened.
 */
export async function startEmbeddedMongo(options: EmbeddedMongoOptions): Promise<EmbeddedMongo> {
  const { onFailure = rethrow, ...workerData } = options;
  // the compiled file ends in .js, the source in .ts: the thread's file is whatever this one is
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
  const worker = new Worker(new URL(`./worker${extension}`, import.meta.url), { workerData });
  const exited = once(worker, 'exit').catch(() => undefined);
  const [message]: WorkerMessage[] = await once(worker, 'message');
  if (message === undefined || 'failed' in message) {
    await exited;
    throw new Error(message?.failed ?? 'the embedded database did not start');
  }
  let isClosing = false;
  worker.on('error', (error) => onFailure(error instanceof Error ? error : new Error(String(error))));
  worker.on('exit', (code) => {
    if (!isClosing && code === 0) onFailure(new Error('the embedded database ended'));
  });
  return {
    uri: message.ready,
    async close() {
      isClosing = true;
      worker.postMessage('close');
      await exited;
    },
  };
}

function rethrow(error: Error): never {
  throw error;
}
