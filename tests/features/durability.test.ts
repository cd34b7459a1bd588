import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { buildFriends, type TestUser } from '../support/builders.ts';
import { TestSocket } from '../support/clients.ts';
import { freshDatabaseUri } from '../support/database.ts';
import { checkLog, readWholeHistory } from '../support/log-checker.ts';
import { type ServerProcess, spawnServer } from '../support/server-process.ts';

const acksBeforeKill = 300;
const inFlight = 50;

/** Sends with many in flight, kills the server in the middle, and answers what is certain and what is not. */
async function loadAndKill(
  server: ServerProcess,
  socket: TestSocket,
  { receiverId, name }: { receiverId: string; name: string },
) {
  const acknowledged: Message[] = [];
  const unknown: string[] = [];
  const gone = new Promise<null>((resolve) => socket.socket.once('disconnect', () => resolve(null)));
  let count = 0;

  async function sendOn(): Promise<void> {
    while (socket.socket.connected) {
      const content = `${name} ${count++}`;
      const message = await Promise.race([
        socket.call('private_message', { receiverId, content, clientMessageId: content }),
        gone,
      ]);
      if (!message) unknown.push(content);
      else if (acknowledged.push(message) === acksBeforeKill) await server.kill();
    }
  }
  await Promise.all(Array.from({ length: inFlight }, sendOn));
  return { acknowledged, unknown };
}

/** Repeats what has an unknown outcome: it is stored once, whether it was before or not. */
async function settle(
  socket: TestSocket,
  { receiverId, unknown }: { receiverId: string; unknown: readonly string[] },
) {
  const log = await readWholeHistory(socket, receiverId);
  const settled: Message[] = [];
  for (const content of unknown) {
    const message = await socket.call('private_message', { receiverId, content, clientMessageId: content });
    const stored = log.find((entry) => entry.content === content);
    if (stored) expect(message.seq, content).to.equal(stored.seq);
    settled.push(message);
  }
  return settled;
}

describe('messages: durability', () => {
  let dataDir: string;
  let environment: Record<string, string>;

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'parley-kill-'));
    // killed together with its embedded database, or beside a MongoDB that goes on
    environment = { DATA_DIR: dataDir, MONGODB_URI: process.env.TEST_MONGODB_URI ? freshDatabaseUri() : '' };
  });
  after(() => rm(dataDir, { recursive: true, force: true }));

  it('kill -9 in the middle of a load loses nothing acknowledged, doubles nothing and leaves no hole', async () => {
    const certain: Message[] = [];
    let people: [TestUser, TestUser] | null = null;
    for (let round = 0; round < 3; round++) {
      let server = await spawnServer(environment);
      people ??= await buildFriends(server.url);
      const [ann, { id: receiverId }] = people;
      const loaded = await new TestSocket(server.url, ann.token).connected();
      const { acknowledged, unknown } = await loadAndKill(server, loaded, {
        receiverId,
        name: `round ${round}`,
      });
      certain.push(...acknowledged);

      server = await spawnServer(environment);
      const socket = await new TestSocket(server.url, ann.token).connected();
      checkLog(await readWholeHistory(socket, receiverId), certain);
      certain.push(...(await settle(socket, { receiverId, unknown })));
      const log = await readWholeHistory(socket, receiverId);
      checkLog(log, certain);
      expect(log).to.have.length(certain.length);
      socket.close();
      await server.kill();
    }
    expect(certain.length).to.be.at.least(3 * acksBeforeKill);
  }).timeout(60_000);
});
