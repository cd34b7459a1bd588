import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import mongoose from 'mongoose';
import { type EmbeddedMongo, startEmbeddedMongo } from '../../src/embedded-mongo/index.ts';

const { MongoClient } = mongoose.mongo;

export type Collection = mongoose.mongo.Collection<mongoose.mongo.BSON.Document>;

/** A fresh directory, removed by `remove`. */
export async function temporaryDirectory(): Promise<{ directory: string; remove(): Promise<void> }> {
  const directory = await mkdtemp(path.join(tmpdir(), 'embedded-mongo-test-'));
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}

export interface TestDatabase {
  directory: string;
  mongo: EmbeddedMongo;
  client: mongoose.mongo.MongoClient;
  /** A collection that no other test uses. */
  collection(): Collection;
  close(): Promise<void>;
}

let collections = 0;

export async function startTestDatabase(options: { sweepIntervalMs?: number } = {}): Promise<TestDatabase> {
  const { directory, remove } = await temporaryDirectory();
  const mongo = await startEmbeddedMongo({ directory, ...options });
  const client = await new MongoClient(mongo.uri).connect();
  return {
    directory,
    mongo,
    client,
    collection: () => client.db().collection(`things${++collections}`),
    async close() {
      await client.close();
      await mongo.close();
      await remove();
    },
  };
}

export const serveFile = fileURLToPath(new URL('../../src/embedded-mongo/serve.js', import.meta.url));

export interface ServeProcess {
  child: ChildProcess;
  uri: string;
}

interface ServeOptions {
  listen?: string;
  temporary?: string;
  /** How large its files may become, in blocks of 512 or 1024 bytes. */
  fileBlocks?: number | 'unlimited';
}

/** Starts the stand-alone server; rejects with what it wrote to stderr when it ends before it is ready. */
export async function serve(
  directory: string,
  { listen, temporary = tmpdir(), fileBlocks = 'unlimited' }: ServeOptions = {},
): Promise<ServeProcess> {
  const listenOption = listen === undefined ? [] : ['--listen', listen];
  const limited = ['-c', 'ulimit -f "$0" && exec "$@"', String(fileBlocks), process.execPath];
  const child = spawn('sh', [...limited, serveFile, '--dir', directory, ...listenOption], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { TMPDIR: temporary },
  });
  let output = '';
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const uri = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const ready = /^ready (.*)\n/.exec(output)?.[1];
      if (ready !== undefined) resolve(ready);
    });
    child.once('close', () => reject(new Error(errors)));
  });
  return { child, uri };
}

export async function end({ child }: ServeProcess, signal: NodeJS.Signals): Promise<number | null> {
  const exited = once(child, 'exit');
  child.kill(signal);
  const [code] = await exited;
  return code;
}

/** The error that an operation must fail with. */
export async function failureOf(operation: Promise<unknown>): Promise<mongoose.mongo.MongoServerError> {
  const failure = await operation.then(
    () => new Error('the operation succeeded'),
    (error: unknown) => error,
  );
  if (failure instanceof mongoose.mongo.MongoServerError) return failure;
  throw failure;
}
