import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { buildFriends } from '../support/builders.ts';
import { TestSocket } from '../support/clients.ts';
import { freshDatabaseUri } from '../support/database.ts';
import { checkLog, readWholeHistory } from '../support/log-checker.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { spawnServer, startServer } from '../support/server-process.ts';
import { beginUpload } from '../support/slow-upload.ts';
import { WsClient } from '../support/ws-client.ts';

describe('stopping', () => {
  let dataDir: string;
  let environment: Record<string, string>;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'parley-stop-'));
    environment = { DATA_DIR: dataDir, MONGODB_URI: process.env.TEST_MONGODB_URI ? freshDatabaseUri() : '' };
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  it('on SIGTERM answers what is in flight, tells the clients, exits 0 and loses nothing', async () => {
    const server = await spawnServer(environment);
    const [ann, bob] = await buildFriends(server.url);
    const socket = await new TestSocket(server.url, ann.token).connected();
    const listening = await new TestSocket(server.url, bob.token).connected();
    const plain = await WsClient.withHeader(server.url, bob.token);
    const silent = await new WsClient(server.url).opened();
    const acknowledged: Message[] = [];
    const sends = Array.from({ length: 500 }, async (_, index) => {
      const answer = await socket.emit('private_message', { receiverId: bob.id, content: `m${index}` });
      if (answer.ok) acknowledged.push(answer.data as Message);
      else expect(answer.error.code).to.equal('unavailable');
    });
    await sends[0];
    const exited = server.stop();
    expect((await socket.next('server_restart')).reconnectInMs).to.be.at.least(0);
    expect(await plain.next('server_restart')).to.have.all.keys('reconnectInMs');
    await Promise.all(sends);
    for (const client of [plain, silent]) expect(await client.closed()).to.equal(1012);
    expect(await exited).to.equal(0);

    const again = await spawnServer(environment);
    const back = await new TestSocket(again.url, ann.token).connected();
    const log = await readWholeHistory(back, bob.id);
    checkLog(log, acknowledged);
    expect(log).to.have.length(acknowledged.length);
    const [friend] = (await back.call('friend_list', {})).items;
    expect(friend?.presence.status).to.equal('offline');
    expect(friend?.presence.lastSeenAt, 'when the server closed the socket').to.be.a('string');
    listening.close();
    back.close();
    expect(await again.stop()).to.equal(0);
  });

  it('does not wait long for connections that do not read that they are closed', async () => {
    const server = await spawnServer(environment);
    const [ann] = await buildFriends(server.url);
    const client = await WsClient.withHeader(server.url, ann.token);
    client.socket.pause();
    const startedAt = Date.now();
    expect(await server.stop()).to.equal(0);
    expect(Date.now() - startedAt).to.be.lessThan(6000);
    client.close();
  });

  it('does not wait long for requests that never end', async () => {
    const server = await spawnServer(environment);
    const [ann] = await buildFriends(server.url);
    const { hostname, port } = new URL(server.url);
    const half = connect(Number(port), hostname).on('error', () => {});
    half.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n');
    const upload = beginUpload(server.url, { path: '/api/files', token: ann.token });
    await upload.send('x');
    const deaf = await RawSocket.joined(server.url, ann.token);
    deaf.socket.pause();
    const startedAt = Date.now();
    expect(await server.stop()).to.equal(0);
    expect(Date.now() - startedAt).to.be.lessThan(20_000);
    half.destroy();
    deaf.cut();
  }).timeout(40_000);

  it('takes a second signal within a second for the first', async () => {
    const server = await spawnServer(environment);
    const exited = server.stop('SIGINT');
    server.process.kill('SIGINT');
    expect(await exited).to.equal(0);
  });
});

describe('stopping: asked for during the start', () => {
  const stopAtOnce = `process.on('newListener', (name) => {
    if (name === 'SIGTERM') queueMicrotask(() => process.kill(process.pid, 'SIGTERM'));
  });`;
  let dataDir: string;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'parley-stop-'));
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  it('before anything is loaded: exits 0 and opens nothing', async () => {
    const preload = ['--import', `data:text/javascript,${encodeURIComponent(stopAtOnce)}`];
    const server = startServer({ DATA_DIR: dataDir, MONGODB_URI: '' }, preload);
    expect(await server.ended()).to.equal(0);
    expect(await readdir(dataDir)).to.deep.equal([]);
  });

  it('while the embedded database opens: exits 0, and a start right after succeeds', async () => {
    const environment = { DATA_DIR: dataDir, MONGODB_URI: '' };
    const server = startServer(environment);
    while (!existsSync(join(dataDir, 'embedded.mdb'))) await delay(1);
    expect(await server.stop()).to.equal(0);
    const again = await spawnServer(environment);
    expect(await again.stop()).to.equal(0);
  });

  it('while a MongoDB that is away is waited for: exits 0 at once, a second signal or not', async () => {
    const port = String(await freePort());
    const server = startServer({ DATA_DIR: dataDir, MONGODB_URI: 'mongodb://127.0.0.1:1/x', PORT: port });
    const isUp = () =>
      fetch(`http://127.0.0.1:${port}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      );
    while (!(await isUp())) await delay(10);
    const startedAt = Date.now();
    const exited = server.stop('SIGINT');
    server.process.kill('SIGINT');
    expect(await exited).to.equal(0);
    expect(Date.now() - startedAt).to.be.lessThan(4000);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
