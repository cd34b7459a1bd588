import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import mongoose from 'mongoose';
import { startEmbeddedMongo } from '../../src/embedded-mongo/index.ts';
import { end, failureOf, serve, serveFile, startTestDatabase, temporaryDirectory } from './support.ts';

const { MongoClient } = mongoose.mongo;

async function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'it succeeded',
    (error: Error) => error.message,
  );
}

describe('embedded-mongo durability', () => {
  it('keeps every acknowledged write over kill -9, whole and once', async () => {
    const { directory, remove } = await temporaryDirectory();
    const acknowledged: number[] = [];
    let next = 0;
    for (let round = 0; round < 3; round++) {
      const server = await serve(directory);
      const client = await new MongoClient(server.uri, { serverSelectionTimeoutMS: 500 }).connect();
      const things = client.db().collection('things');
      await things.createIndexes([{ key: { n: 1 }, unique: true }, { key: { batch: 1, n: -1 } }]);
      const target = acknowledged.length + 400;
      const write = async (): Promise<void> => {
        for (;;) {
          const batch = Array.from({ length: 5 }, () => ({ n: next++, batch: round }));
          await things.insertMany(batch);
          acknowledged.push(...batch.map(({ n }) => n));
          if (acknowledged.length >= target) server.child.kill('SIGKILL');
        }
      };
      const exited = once(server.child, 'exit');
      await Promise.allSettled(Array.from({ length: 10 }, write));
      await exited;
      await client.close();
    }
    const server = await serve(directory);
    const client = await new MongoClient(server.uri).connect();
    const things = client.db().collection('things');
    const stored = new Set((await things.find({}).toArray()).map(({ n }) => n));
    expect(acknowledged.filter((n) => !stored.has(n))).to.deep.equal([]);
    expect(await things.countDocuments({ n: { $gte: 0 } })).to.equal(stored.size);
    expect(await things.estimatedDocumentCount()).to.equal(stored.size);
    await client.close();
    expect(await end(server, 'SIGTERM')).to.equal(0);
    await remove();
  });

  it('serves one process per directory, and names it to the second', async () => {
    const { directory, remove } = await temporaryDirectory();
    const mongo = await startEmbeddedMongo({ directory });
    expect(await rejection(startEmbeddedMongo({ directory }))).to.equal(
      `${directory} is in use by another process`,
    );
    expect(await rejection(serve(directory))).to.include(`${directory} is in use by another process`);
    await mongo.close();
    const again = await startEmbeddedMongo({ directory });
    await again.close();
    await remove();
  });

  it('lets exactly one of several starting at once have a directory left by kill -9', async () => {
    const { directory, remove } = await temporaryDirectory();
    await end(await serve(directory), 'SIGKILL');
    const starts = await Promise.allSettled(Array.from({ length: 3 }, () => serve(directory)));
    const running = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
    expect(running).to.have.length(1);
    for (const server of running) expect(await end(server, 'SIGINT')).to.equal(0);
    await remove();
  });

  it('sees an owner that has another temporary directory', async () => {
    const { directory, remove } = await temporaryDirectory();
    const other = await temporaryDirectory();
    const mongo = await startEmbeddedMongo({ directory });
    const failure = await rejection(serve(directory, { temporary: other.directory }));
    expect(failure).to.include('is in use by another process');
    await mongo.close();
    await Promise.all([remove(), other.remove()]);
  });

  it('answers what is in flight when it is asked to end, and survives a second signal', async () => {
    const { directory, remove } = await temporaryDirectory();
    const server = await serve(directory, { listen: '0' });
    expect(server.uri).to.match(/^mongodb:\/\/127\.0\.0\.1:\d+\/parley/);
    const client = await new MongoClient(server.uri, { serverSelectionTimeoutMS: 500 }).connect();
    const things = client.db().collection('things');
    await things.insertOne({ n: -1 });
    const writes = Array.from({ length: 20 }, (_, n) => things.insertOne({ n }));
    await writes[0];
    const exited = once(server.child, 'exit');
    server.child.kill('SIGTERM');
    server.child.kill('SIGTERM');
    const outcomes = await Promise.allSettled(writes);
    expect((await exited)[0]).to.equal(0);
    await client.close();
    const again = await startEmbeddedMongo({ directory });
    const reader = await new MongoClient(again.uri).connect();
    const confirmed = outcomes.filter(({ status }) => status === 'fulfilled').length;
    expect(
      await reader
        .db()
        .collection('things')
        .countDocuments({ n: { $gte: 0 } }),
    ).to.be.at.least(confirmed);
    await reader.close();
    await again.close();
    await remove();
  });

  it('keeps data, socket and directory to its user', async () => {
    const database = await startTestDatabase();
    expect(statSync(database.directory).mode & 0o777).to.equal(0o700);
    const socketPath = decodeURIComponent(/^mongodb:\/\/([^/]*)\//.exec(database.mongo.uri)?.[1] ?? '');
    expect(statSync(path.dirname(socketPath)).mode & 0o777).to.equal(0o700);
    await database.close();
  });

  it('says why it cannot start', async () => {
    const { directory, remove } = await temporaryDirectory();
    mkdirSync(path.join(directory, 'embedded.mdb'));
    expect(await rejection(startEmbeddedMongo({ directory }))).to.match(/directory|EISDIR|Is a/i);
    await remove();
  });

  for (const [what, bytes] of [
    ['random bytes', randomBytes(40_000)],
    ['zeros', Buffer.alloc(40_000)],
    ['a few bytes', Buffer.from('x')],
  ] as const) {
    it(`names a file that is damaged, rather than to end with the process: ${what}`, async () => {
      const { directory, remove } = await temporaryDirectory();
      const file = path.join(directory, 'embedded.mdb');
      writeFileSync(file, bytes);
      expect(await rejection(serve(directory))).to.include(`${file} is damaged`);
      expect(readFileSync(file).equals(bytes), 'left as it was').to.equal(true);
      await remove();
    });
  }

  it('names a file of its own that has lost its beginning', async () => {
    const { directory, remove } = await temporaryDirectory();
    await (await startEmbeddedMongo({ directory })).close();
    const file = path.join(directory, 'embedded.mdb');
    const whole = readFileSync(file);
    for (const page of [0, whole.readUInt32LE(0x30)]) {
      writeFileSync(file, Buffer.from(whole).fill(0, page, page + 512));
      expect(await rejection(serve(directory)), `page at ${page}`).to.include(`${file} is damaged`);
    }
    writeFileSync(file, whole);
    await (await startEmbeddedMongo({ directory })).close();
    await remove();
  });

  it('says at once that a directory cannot be made', async () => {
    const { directory, remove } = await temporaryDirectory();
    const file = path.join(directory, 'file');
    writeFileSync(file, '');
    const places = [path.join(file, 'below'), ...(existsSync('/proc') ? ['/proc/no-such-place/data'] : [])];
    for (const place of places)
      expect(await rejection(serve(place)), place).to.match(/ENOTDIR|ENOENT|EACCES|EPERM/);
    await remove();
  });

  for (const args of [['--wrong'], ['--dir'], ['stray']]) {
    it(`tells how it is called, and ends with 2: ${args.join(' ')}`, () => {
      const { status, stderr } = spawnSync(process.execPath, [serveFile, ...args], { encoding: 'utf8' });
      expect(status).to.equal(2);
      expect(stderr).to.include('Usage: npm run db -- ').and.not.include('    at ');
    });
  }

  it('leaves nothing running when its address is taken', async () => {
    const { directory, remove } = await temporaryDirectory();
    const other = await temporaryDirectory();
    const mongo = await startEmbeddedMongo({ directory, listen: '0' });
    const port = new URL(mongo.uri).port;
    expect(await rejection(startEmbeddedMongo({ directory: other.directory, listen: port }))).to.include(
      'EADDRINUSE',
    );
    await mongo.close();
    await Promise.all([remove(), other.remove()]);
  });

  it('ends when the disk refuses a write, and has kept what it acknowledged', async () => {
    const { directory, remove } = await temporaryDirectory();
    const full = await serve(directory, { fileBlocks: 4000 });
    const exited = once(full.child, 'exit');
    const writer = await new MongoClient(full.uri, { serverSelectionTimeoutMS: 500 }).connect();
    const documents = () => Array.from({ length: 100 }, () => ({ text: 'x'.repeat(500) }));
    let acknowledged = 0;
    const writeAll = async (): Promise<void> => {
      for (; acknowledged < 20_000; acknowledged += 100) {
        await writer.db().collection('things').insertMany(documents());
      }
    };
    expect(await rejection(writeAll())).to.not.equal('it succeeded');
    expect((await exited)[0]).to.equal(1);
    await writer.close();
    const server = await serve(directory);
    const reader = await new MongoClient(server.uri).connect();
    const stored = await reader
      .db()
      .collection('things')
      .countDocuments({ text: { $gte: '' } });
    expect(stored).to.be.within(acknowledged, acknowledged + 100);
    await reader.close();
    await end(server, 'SIGTERM');
    await remove();
  });

  it('undoes a command that fails in the middle', async () => {
    const database = await startTestDatabase();
    const things = database.collection();
    await things.insertMany([{ a: 1 }, { a: 2 }]);
    await failureOf(things.createIndex({ a: 1 }, { partialFilterExpression: { a: { $nonsense: 1 } } }));
    expect(await things.indexes()).to.have.length(1);
    await database.close();
  });
});
