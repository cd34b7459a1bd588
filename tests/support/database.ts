import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'mocha';
import { startEmbeddedMongo } from '../../src/embedded-mongo/index.ts';

let baseUri = '';
let stop: () => Promise<void> = async () => {};

/** The whole suite runs on one database server: TEST_MONGODB_URI, or an embedded one of its own. */
before(async () => {
  baseUri = process.env.TEST_MONGODB_URI ?? (await startOwn());
});

after(() => stop());

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
  const uri = new URL(baseUri);
  uri.pathname = `/parley-test-${process.pid}-${Date.now().toString(36)}-${count++}`;
  return uri.href;
}
