import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { startEmbeddedMongo } from '../src/embedded-mongo/index.ts';
import { countMessages, dropDatabase, type ExternalDatabase, temporaryDirectory } from './databases.ts';
import { type Load, startLoad } from './load.ts';
import type { Pair } from './load-protocol.ts';
import type { Options, SubjectName } from './options.ts';
import type { Cores } from './processes.ts';
import { inventPairs, seedPairs } from './seed.ts';
import { modulePath, type RunningServer, type ServerEnvironment, startServer } from './servers.ts';

export const titles: Record<SubjectName, string> = {
  relay: 'bare relay',
  tutorial: 'tutorial server',
  parley: 'Parley',
  embedded: 'Parley, database inside',
};

/** A server that is measured, with its clients. */
export interface Subject {
  name: SubjectName;
  server: RunningServer;
  load: Load;
  /** How many messages are on disk; to be asked when the server has ended. `null`: it keeps none. */
  countStored: (() => Promise<number>) | null;
  /** The tutorial server does not promise that one sender's messages keep their order. */
  keepsOrder: boolean;
}

export interface Surroundings {
  options: Options;
  cores: Cores | null;
  /** `null` if nobody needs it. */
  database: ExternalDatabase | null;
  /** Registers what has to be undone at the end. */
  onEnd(undo: () => Promise<void>): void;
}

interface Recipe {
  entry: string;
  environment: ServerEnvironment;
  pairs: Pair[];
  countStored: Subject['countStored'];
}

const recipes: Record<SubjectName, (surroundings: Surroundings) => Promise<Recipe>> = {
  async relay({ options }) {
    const pairs = inventPairs(options.pairs);
    return { entry: modulePath('./relay-server.js'), environment: {}, pairs, countStored: null };
  },

  async tutorial(surroundings) {
    const uri = ownDatabase(surroundings, 'tutorial');
    return {
      entry: modulePath('./tutorial-server.js'),
      environment: { MONGODB_URI: uri },
      pairs: inventPairs(surroundings.options.pairs),
      countStored: () => countMessages(uri),
    };
  },

  async parley(surroundings) {
    const uri = ownDatabase(surroundings, 'parley');
    const jwtSecret = newSecret();
    const dataDir = await ownDirectory(surroundings);
    return {
      entry: modulePath('../src/main.js'),
      environment: { MONGODB_URI: uri, DATA_DIR: dataDir, JWT_SECRET: jwtSecret, RATE_LIMITS: 'on' },
      pairs: await seedPairs({ uri, jwtSecret, count: surroundings.options.pairs }),
      countStored: () => countMessages(uri),
    };
  },

  async embedded(surroundings) {
    const jwtSecret = newSecret();
    const dataDir = await ownDirectory(surroundings);
    const count = surroundings.options.pairs;
    return {
      entry: modulePath('../src/main.js'),
      environment: { DATA_DIR: dataDir, JWT_SECRET: jwtSecret, RATE_LIMITS: 'on' },
      pairs: await withEmbedded(dataDir, (uri) => seedPairs({ uri, jwtSecret, count })),
      countStored: () => withEmbedded(dataDir, countMessages),
    };
  },
};

/** Starts a server and connects its clients. */
export async function prepareSubject(name: SubjectName, surroundings: Surroundings): Promise<Subject> {
  const { options, cores, onEnd } = surroundings;
  const { entry, environment, pairs, countStored } = await recipes[name](surroundings);
  const cwd = await ownDirectory(surroundings);
  const server = await startServer({ entry, cwd, environment, options, cores });
  onEnd(server.stop);
  const load = await startLoad(cores);
  onEnd(load.stop);
  await load.connect(server.url, pairs);
  return { name, server, load, countStored, keepsOrder: name !== 'tutorial' };
}

function ownDatabase({ database, onEnd }: Surroundings, name: string): string {
  if (!database) throw new Error(`${name} needs a database`);
  const uri = database.uriOf(`parley-bench-${process.pid}-${name}`);
  onEnd(() => dropDatabase(uri));
  return uri;
}

async function ownDirectory({ onEnd }: Surroundings): Promise<string> {
  const directory = await temporaryDirectory();
  onEnd(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Opens the data of an embedded database while its server does not run. */
async function withEmbedded<T>(directory: string, use: (uri: string) => Promise<T>): Promise<T> {
  const embedded = await startEmbeddedMongo({ directory });
  try {
    return await use(embedded.uri);
  } finally {
    await embedded.close();
  }
}

const newSecret = () => randomBytes(48).toString('base64url');
