import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { readConfig } from '../../src/config.ts';
import { buildFriends, type TestUser } from '../support/builders.ts';
import { rest, type TestSocket } from '../support/clients.ts';
import { openCountingProxy } from '../support/counting-proxy.ts';
import { freshDatabaseUri } from '../support/database.ts';
import { spawnServer, startServer } from '../support/server-process.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { WsClient } from '../support/ws-client.ts';

const serve = fileURLToPath(new URL('../../src/embedded-mongo/serve.js', import.meta.url));

async function startDatabase(dir: string): Promise<{ child: ChildProcess; uri: string }> {
  const child = spawn(process.execPath, [serve, '--dir', dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { child, uri: line.replace(/^ready /, '') };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

async function isReady(app: TestApp): Promise<boolean> {
  return (await fetch(`${app.url}/readyz`)).ok;
}

async function untilReady(app: TestApp): Promise<void> {
  while (!(await isReady(app))) await new Promise((resolve) => setTimeout(resolve, 50));
}

describe('a database that is away', () => {
  let directory: string;
  let database: { child: ChildProcess; uri: string };
  let app: TestApp;
  let socket: TestSocket;
  let bob: TestUser;
  let friendId: string;
  let token: string;

  const startIt = () => startDatabase(join(directory, 'data'));

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'parley-outage-'));
    database = await startIt();
    const presence = { ...readConfig({}).presence, graceMs: 50, renewEveryMs: 500 };
    app = await startApp({ mongodbUri: database.uri, presence });
    const [ann, friend] = await buildFriends(app.url);
    socket = await ann.connect();
    bob = friend;
    friendId = bob.id;
    token = ann.token;
  });
  afterEach(async () => {
    socket.close();
    await app.close();
    await end(database.child, 'SIGTERM');
    await rm(directory, { recursive: true, force: true });
  });

  it('is a clear state within 6 s, not a crash, and recovers by itself', async () => {
    const message = { receiverId: friendId, content: 'first', clientMessageId: 'first' };
    const before = await socket.call('private_message', message);
    const plain = await new WsClient(app.url).opened();
    await end(database.child, 'SIGKILL');

    const startedAt = Date.now();
    const [refusal, answer, admission] = await Promise.all([
      socket.refused(
        'private_message',
        { ...message, content: 'second', clientMessageId: 'second' },
        'unavailable',
      ),
      rest(app.url, { method: 'GET', path: '/api/users/me', token }),
      plain.ask({ type: 'auth', token }),
    ]);
    expect(Date.now() - startedAt).to.be.below(6000);
    expect(admission.error?.code).to.equal('unavailable');
    expect(await plain.closed()).to.equal(4401);
    expect([refusal.status, answer.status, answer.body.code]).to.deep.equal([503, 503, 'unavailable']);
    expect(await isReady(app)).to.equal(false);
    expect((await fetch(`${app.url}/healthz`)).status).to.equal(200);

    database = await startIt();
    await untilReady(app);
    expect(await socket.call('private_message', message)).to.deep.equal(before);
    const second = await socket.call('private_message', {
      ...message,
      content: 'second',
      clientMessageId: 'second',
    });
    expect(second.seq).to.equal(2);
  });

  it('lets nobody miss for ever who came or went meanwhile', async () => {
    const bobs = await bob.connect();
    expect(await socket.next('user_presence')).to.include({ userId: bob.id, status: 'online' });
    await end(database.child, 'SIGKILL');
    bobs.close();
    await bobs.closed();
    await socket.refused('profile_get', {}, 'unavailable');
    database = await startIt();
    const told = await socket.next('user_presence');
    expect(told).to.include({ userId: bob.id, status: 'offline' });
    const [friend] = (await socket.call('friend_list', {})).items;
    expect(friend?.presence).to.deep.equal({ status: 'offline', lastSeenAt: told.lastSeenAt });
  });

  it('that hangs is answered within 6 s as an unknown outcome, which a repeat settles to one message', async () => {
    const message = { receiverId: friendId, content: 'x', clientMessageId: 'x' };
    database.child.kill('SIGSTOP');
    const startedAt = Date.now();
    const [, answer, readiness] = await Promise.all([
      socket.refused('private_message', message, 'unavailable'),
      rest(app.url, { method: 'GET', path: '/api/users/me', token }),
      isReady(app),
    ]);
    expect(Date.now() - startedAt).to.be.below(6000);
    expect([answer.status, answer.body.code, readiness]).to.deep.equal([503, 'unavailable', false]);
    database.child.kill('SIGCONT');
    await untilReady(app);
    const sent = await socket.call('private_message', message);
    expect(sent.seq).to.equal(1);
    const { items } = await socket.call('message_history', { friendId });
    expect(items).to.deep.equal([sent]);
  });
});

describe('stopping while the database is away', () => {
  for (const [what, signal] of [
    ['hangs', 'SIGSTOP'],
    ['is gone', 'SIGKILL'],
  ] as const) {
    it(`exits 0 in time when it ${what}`, async () => {
      const directory = await mkdtemp(join(tmpdir(), 'parley-outage-'));
      const database = await startDatabase(join(directory, 'data'));
      const server = await spawnServer({ MONGODB_URI: database.uri, DATA_DIR: directory });
      const [ann, bob] = await buildFriends(server.url);
      const socket = await ann.connect();
      const message = { receiverId: bob.id, content: 'x' };
      await socket.call('private_message', message);
      database.child.kill(signal);
      const refusal = socket.refused('private_message', message, 'unavailable');
      const startedAt = Date.now();
      expect(await server.stop()).to.equal(0);
      expect(Date.now() - startedAt).to.be.lessThan(24_000);
      await refusal;
      socket.close();
      database.child.kill('SIGKILL');
      await rm(directory, { recursive: true, force: true });
    }).timeout(60_000);
  }
});

describe('a connection to the database', () => {
  it('is told of by its hosts, never with user and password', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'parley-outage-'));
    const uri = 'mongodb://someone:hunter%402@127.0.0.1:1,127.0.0.1:2/parley?authSource=hunter2';
    const server = startServer({ MONGODB_URI: uri, DATA_DIR: directory, LOG_LEVEL: 'trace' });
    let told = '';
    for await (const chunk of server.process.stdout ?? []) {
      told += chunk;
      if (told.includes('Database:')) break;
    }
    expect(told).to.include('MongoDB at 127.0.0.1:1, 127.0.0.1:2\n');
    expect(told).to.not.match(/someone|hunter/);
    expect(await server.stop()).to.equal(0);
    await rm(directory, { recursive: true, force: true });
  });

  it('that breaks under a send leaves it unknown at the most, and a repeat settles it to one message', async () => {
    const proxy = await openCountingProxy(freshDatabaseUri());
    const app = await startApp({ mongodbUri: proxy.uri });
    const [ann, bob] = await buildFriends(app.url);
    const socket = await ann.connect();
    const message = { receiverId: bob.id, content: 'x', clientMessageId: 'x' };
    proxy.breakAt('insert');
    // a replica set's driver repeats the write by itself
    const answer = await socket.emit('private_message', message);
    if (!answer.ok) expect(answer.error.code).to.equal('unavailable');
    const sent = await socket.call('private_message', message);
    expect(sent.seq).to.equal(1);
    const { items } = await socket.call('message_history', { friendId: bob.id });
    expect(items).to.deep.equal([sent]);
    socket.close();
    await app.close();
    await proxy.close();
  });
});
