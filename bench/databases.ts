import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mongoose from 'mongoose';
import { type Cores, startNode, stopProcess, waitForLine } from './processes.ts';
import { modulePath } from './servers.ts';

export interface ExternalDatabase {
  description: string;
  /** The address of one database on it. */
  uriOf(name: string): string;
  stop(): Promise<void>;
}

/** The database that the tutorial server and Parley share, in a process of its own. */
export async function openExternalDatabase(
  uri: string | null,
  cores: Cores | null,
): Promise<ExternalDatabase> {
  if (uri !== null)
    return toDatabase({ uri, description: `the one at ${hostOf(uri)}, where it runs already` });
  const directory = await temporaryDirectory();
  const child = startNode({
    node: process.execPath,
    args: [
      modulePath('../src/embedded-mongo/serve.js'),
      ...['--dir', join(directory, 'data'), '--listen', join(directory, 'mongo.sock')],
    ],
    core: cores?.load,
  });
  const stop = async () => {
    await stopProcess(child);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const served = await waitForLine(child, /ready (mongodb:\/\/\S+)/);
    return toDatabase({
      uri: served,
      description: 'the embedded one, served alone on the core of the load',
      stop,
    });
  } catch (error) {
    await stop();
    throw new Error('The embedded database does not start; name another one with --database', {
      cause: error,
    });
  }
}

interface Opened {
  uri: string;
  description: string;
  stop?: () => Promise<void>;
}

function toDatabase({ uri, description, stop = async () => {} }: Opened): ExternalDatabase {
  return {
    description,
    uriOf: (name) => uri.replace(/^(mongodb(?:\+srv)?:\/\/[^/?]+)\/?[^?]*/, `$1/${name}`),
    stop,
  };
}

const hostOf = (uri: string) => uri.replace(/^mongodb(\+srv)?:\/\/(.*@)?([^/?]+).*$/, '$3');

export const temporaryDirectory = () => mkdtemp(join(tmpdir(), 'parley-bench-'));

/** How many messages a database holds. */
export async function countMessages(uri: string): Promise<number> {
  const connection = await mongoose.createConnection(uri).asPromise();
  try {
    return await connection.collection('messages').countDocuments({});
  } finally {
    await connection.close();
  }
}

export async function dropDatabase(uri: string): Promise<void> {
  const connection = await mongoose.createConnection(uri).asPromise();
  await connection.dropDatabase();
  await connection.close();
}
