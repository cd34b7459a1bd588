/**
 * `npm run test:mongodb`: the whole suite on a MongoDB. TEST_MONGODB_URI names one; without it, one is started by
 * mongodb-memory-server, as a standalone and as a replica set. Further arguments go to mocha.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { MongoBinary, MongoMemoryReplSet, MongoMemoryServer } from 'mongodb-memory-server-core';
import mongoose from 'mongoose';

const mocha = fileURLToPath(import.meta.resolve('mocha/bin/mocha.js'));
const answersWithinMs = 5000;

/** A reason not to test at all, told without a stack trace. */
class NoDatabase extends Error {}

try {
  const uri = process.env.TEST_MONGODB_URI;
  process.exitCode = uri ? await testOnGiven(uri) : await testOnStarted();
} catch (error) {
  if (!(error instanceof NoDatabase)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

async function testOnGiven(uri: string): Promise<number> {
  try {
    const connection = mongoose.createConnection(uri, { serverSelectionTimeoutMS: answersWithinMs });
    await connection.asPromise();
    await connection.close();
  } catch (error) {
    throw new NoDatabase(`The MongoDB that TEST_MONGODB_URI names does not answer: ${reasonOf(error)}`);
  }
  return runSuite('the MongoDB of TEST_MONGODB_URI', uri);
}

async function testOnStarted(): Promise<number> {
  await findMongod();
  const standalone = await MongoMemoryServer.create();
  const failures = await runSuite('a standalone MongoDB', standalone.getUri());
  await standalone.stop();
  const replicaSet = await MongoMemoryReplSet.create();
  const moreFailures = await runSuite('a MongoDB replica set', replicaSet.getUri());
  await replicaSet.stop();
  return Math.max(failures, moreFailures);
}

/** Downloads one unless it is there; asked for by itself, as the servers would print a stack trace if there is none. */
async function findMongod(): Promise<void> {
  try {
    await MongoBinary.getPath();
  } catch (error) {
    throw new NoDatabase(
      `There is no MongoDB to test on, and none could be started: ${reasonOf(error)}\n` +
        'Set TEST_MONGODB_URI to the address of one, or MONGOMS_SYSTEM_BINARY to the path of a mongod.',
    );
  }
}

/** Answers mocha's exit code. */
async function runSuite(name: string, uri: string): Promise<number> {
  process.stdout.write(`\nThe suite on ${name}\n`);
  const suite = spawn(process.execPath, [mocha, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, TEST_MONGODB_URI: uri },
  });
  const [code] = await once(suite, 'exit');
  return typeof code === 'number' ? code : 1;
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll('\n', ' ');
}
