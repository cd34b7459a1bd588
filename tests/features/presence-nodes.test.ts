import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import mongoose from 'mongoose';
import { readConfig } from '../../src/config.ts';
import type { Presence } from '../../src/features/presence/presence.contract.ts';
import { befriend, buildFriends, buildUser, type TestUser } from '../support/builders.ts';
import { rest, TestSocket } from '../support/clients.ts';
import { freshDatabaseUri } from '../support/database.ts';
import { onDatabase } from '../support/friendship.ts';
import { type ServerProcess, spawnApp, spawnServer } from '../support/server-process.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

/** Leases a process may miss without being taken for dead, and that still end while a test waits. */
const presence = { ...readConfig({}).presence, graceMs: 50, renewEveryMs: 200, leaseAliveMs: 2000 };

async function presenceAt(url: string, viewer: TestUser, friend: TestUser): Promise<Presence | undefined> {
  const { body } = await rest(url, { method: 'GET', path: '/api/friends', token: viewer.token });
  const items = body.items as { user: { id: string }; presence: Presence }[];
  return items.find(({ user }) => user.id === friend.id)?.presence;
}

/** Asks until a friend is shown so. */
async function until(url: string, [viewer, friend]: [TestUser, TestUser], status: Presence['status']) {
  for (;;) {
    const shown = await presenceAt(url, viewer, friend);
    if (shown?.status === status) return shown;
  }
}

const connect = (url: string, user: TestUser) => new TestSocket(url, user.token).connected();

const rowsOf = (app: Pick<TestApp, 'mongodbUri'>) =>
  onDatabase(app, async ({ db }) => ({
    nodes: await db?.collection('nodes').find().toArray(),
    connections: await db?.collection('connections').find().toArray(),
  }));

/** On which processes somebody is connected, by their rows. */
const nodesOf = (app: Pick<TestApp, 'mongodbUri'>, user: TestUser) =>
  onDatabase(app, async ({ db }) => {
    const rows = db?.collection('connections').find({ userId: new mongoose.Types.ObjectId(user.id) });
    return ((await rows?.toArray()) ?? []).map(({ nodeId }) => String(nodeId));
  });

/** The process that somebody is on, once it is this one and no other. */
async function movedFrom(app: TestApp, user: TestUser, before: string | undefined): Promise<string> {
  for (;;) {
    const [node, ...others] = await nodesOf(app, user);
    if (node !== undefined && others.length === 0 && node !== before) return node;
  }
}

describe('presence: several processes on one database', () => {
  const jwtSecret = 'the same for all processes of these tests';
  let mongodbUri: string;
  let here: TestApp;
  let ann: TestUser;
  let bob: TestUser;
  let anns: TestSocket;
  let sockets: TestSocket[];

  const startHere = () => startApp({ mongodbUri, jwtSecret, presence });

  beforeEach(async () => {
    mongodbUri = freshDatabaseUri();
    here = await startHere();
    [ann, bob] = await buildFriends(here.url);
    anns = await connect(here.url, ann);
    sockets = [anns];
  });
  afterEach(async () => {
    for (const socket of sockets) socket.close();
    await here.close();
    await onDatabase({ mongodbUri }, (connection) => connection.dropDatabase());
  });

  async function connectBob(url: string): Promise<TestSocket> {
    const socket = await connect(url, bob);
    sockets.push(socket);
    return socket;
  }

  it('one that is killed is noticed by another: friends hear it, and see when it last lived', async () => {
    const carol = await buildUser(here.url);
    await befriend(ann, carol);
    const dying = await spawnApp({ presence, jwtSecret }, { MONGODB_URI: mongodbUri });
    sockets.push(await connect(dying.url, carol), await connect(here.url, carol));
    await connectBob(dying.url);
    await until(here.url, [ann, bob], 'online');
    expect((await anns.next('user_presence')).userId, 'who came to this process').to.equal(carol.id);
    const killedAt = Date.now();
    await dying.kill();

    const told = await anns.next('user_presence');
    expect(told).to.include({ userId: bob.id, status: 'offline' });
    expect(Date.parse(told.lastSeenAt ?? '')).to.be.within(killedAt - presence.leaseAliveMs, killedAt);
    expect(await presenceAt(here.url, ann, bob)).to.deep.equal({
      status: 'offline',
      lastSeenAt: told.lastSeenAt,
    });
    expect(await presenceAt(here.url, ann, carol)).to.include({ status: 'online' });
    expect(anns.untaken('user_presence'), 'nothing of who is elsewhere too').to.deep.equal([]);
  });

  it('a device here and one there are one person: friends hear the last that goes', async () => {
    const there = await startHere();
    const first = await connectBob(there.url);
    const node = await movedFrom(here, bob, undefined);
    const second = await connectBob(here.url);
    first.close();
    await movedFrom(here, bob, node);
    expect(await presenceAt(there.url, ann, bob)).to.include({ status: 'online' });
    expect(await anns.next('user_presence')).to.include({ userId: bob.id, status: 'online' });
    second.close();
    expect(await anns.next('user_presence')).to.include({ userId: bob.id, status: 'offline' });
    await until(there.url, [ann, bob], 'offline');
    await there.close();
  });

  it('one that stops leaves its people to the others, and the last takes everything away', async () => {
    const there = await startHere();
    await connectBob(there.url);
    await until(here.url, [ann, bob], 'online');
    const stoppedAt = Date.now();
    await there.close();
    const told = await anns.next('user_presence');
    expect(told).to.include({ userId: bob.id, status: 'offline' });
    expect(Date.parse(told.lastSeenAt ?? '')).to.be.within(stoppedAt - 5, Date.now());
    await here.close();
    expect(await rowsOf(here)).to.deep.equal({ nodes: [], connections: [] });
    here = await startHere();
    expect((await presenceAt(here.url, bob, ann))?.lastSeenAt, 'Ann was here when it stopped').to.be.a(
      'string',
    );
  });

  it('one that was taken for dead comes back with everybody who is on it', async () => {
    const there = await startHere();
    await connectBob(there.url);
    await until(here.url, [ann, bob], 'online');
    const node = await movedFrom(here, bob, undefined);
    await onDatabase(here, async ({ db }) => {
      const $set = { endedAt: new Date() };
      await db?.collection('nodes').updateOne({ _id: new mongoose.Types.ObjectId(node) }, { $set });
    });
    await movedFrom(here, bob, node);
    await until(here.url, [ann, bob], 'online');
    await there.close();
  });
});

describe('presence: a process that was not heard of', () => {
  it('does not count any more, even before it is cleared away', async () => {
    const app = await startApp();
    const [ann, bob] = await buildFriends(app.url);
    const userId = new mongoose.Types.ObjectId(bob.id);
    const nodeId = new mongoose.Types.ObjectId();
    const renewed = (secondsAgo: number) =>
      onDatabase(app, async ({ db }) => {
        const $set = { renewedAt: new Date(Date.now() - secondsAgo * 1000), endedAt: null };
        await db?.collection('nodes').updateOne({ _id: nodeId }, { $set }, { upsert: true });
      });
    await renewed(40);
    await onDatabase(app, async ({ db }) => {
      await db?.collection('connections').insertOne({ userId, nodeId, since: new Date() });
    });
    expect(await presenceAt(app.url, ann, bob)).to.deep.equal({ status: 'online', lastSeenAt: null });
    await renewed(46);
    expect(await presenceAt(app.url, ann, bob)).to.deep.equal({ status: 'offline', lastSeenAt: null });
    await app.close();
  });
});

describe('presence: a server alone', () => {
  let dataDir: string;
  let server: ServerProcess;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'parley-presence-'));
  });
  afterEach(async () => {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('that was killed shows nobody as online when it is back, and when they were last there', async () => {
    const environment = { DATA_DIR: dataDir, MONGODB_URI: '' };
    server = await spawnServer(environment);
    const [ann, bob] = await buildFriends(server.url);
    const bobs = await connect(server.url, bob);
    const anns = await connect(server.url, ann);
    const both = [await bobs.next('user_presence')];
    expect(both[0]).to.include({ userId: ann.id, status: 'online' });
    await server.kill();

    server = await spawnServer(environment);
    let shown = await presenceAt(server.url, ann, bob);
    expect(shown?.status).to.equal('offline');
    while (shown?.lastSeenAt === null) shown = await presenceAt(server.url, ann, bob);
    expect(Date.now() - Date.parse(shown?.lastSeenAt ?? '')).to.be.within(0, 30_000);
    for (const socket of [anns, bobs]) socket.close();
  });
});
