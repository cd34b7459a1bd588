import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedMongo } from '../../src/embedded-mongo/index.ts';

const ownDatabase = 'TEST_EMBEDDED_URI';
let stop: () => Promise<void> = async () => {};

/**
 * The whole suite runs on one database server: TEST_MONGODB_URI, or an embedded one of its own, started once for all
 * processes that run tests at the same time.
 */
export async function mochaGlobalSetup(): Promise<void> {
  if (process.env.TEST_MONGODB_URI === undefined) process.env[ownDatabase] = await startOwn();
}

export const mochaGlobalTeardown = (): Promise<void> => stop();

async function startOwn(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'parley-test-'));
  const embedded = await startEmbeddedMongo({ directory });
  stop = async () => {
    await embedded.close();
    await rm(directory, { recursive: true, force: true });
  };
  return embedded.uri;
}

let count = 0;

/** The address of a database that nobody else uses. */
export function freshDatabaseUri(): string {
  const uri = new URL(process.env.TEST_MONGODB_URI ?? process.env[ownDatabase] ?? '');
  uri.pathname = `/parley-test-${process.pid}-${Date.now().toString(36)}-${count++}`;
  return uri.href;
}
