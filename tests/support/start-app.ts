import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mongoose from 'mongoose';
import { createApp } from '../../src/app.ts';
import { type Config, readConfig } from '../../src/config.ts';
import { freshDatabaseUri } from './database.ts';

export interface TestApp {
  url: string;
  mongodbUri: string;
  config: Config;
  close(): Promise<void>;
}

/** The real server on a free port and a database of its own, without limits by address unless asked for. */
export async function startApp(overrides: Partial<Config> = {}): Promise<TestApp> {
  const dataDir = await mkdtemp(join(tmpdir(), 'parley-app-'));
  const defaults = readConfig({
    PORT: '0',
    RATE_LIMITS: 'off',
    BCRYPT_COST: '4',
    LOG_LEVEL: 'silent',
    PRESENCE_GRACE_SECONDS: '0.1',
  });
  const mongodbUri = overrides.mongodbUri ?? freshDatabaseUri();
  const config = { ...defaults, dataDir, host: '127.0.0.1', ...overrides, mongodbUri };
  const app = await createApp(config);
  const { port } = await app.listen();
  return {
    url: `http://127.0.0.1:${port}`,
    mongodbUri,
    config,
    async close() {
      await app.close();
      if (overrides.mongodbUri === undefined) await dropDatabase(mongodbUri);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function dropDatabase(uri: string): Promise<void> {
  const connection = await mongoose.createConnection(uri).asPromise();
  await connection.dropDatabase();
  await connection.close();
}
