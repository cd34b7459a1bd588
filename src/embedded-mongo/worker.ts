import { parentPort, workerData } from 'node:worker_threads';
import { type EmbeddedServerOptions, openEmbeddedServer } from './embedded-server.ts';

export type WorkerMessage = { ready: string } | { failed: string };

// a failure within the database leaves its state unknown: the thread ends, and the app hears of it
const fail = (error: unknown): void => {
  queueMicrotask(() => {
    throw error;
  });
};

const tell = (message: WorkerMessage): void => parentPort?.postMessage(message);

try {
  const options: EmbeddedServerOptions = workerData;
  const server = await openEmbeddedServer(options, fail);
  parentPort?.once('message', () => {
    server.close().then(() => parentPort?.close(), fail);
  });
  tell({ ready: server.uri });
} catch (error) {
  tell({ failed: error instanceof Error ? error.message : String(error) });
  parentPort?.close();
}
