import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { GroupMember } from '../../src/features/groups/groups.contract.ts';
import { befriend, buildUser, type TestUser, toTestUser } from '../support/builders.ts';
import { freshDatabaseUri } from '../support/database.ts';
import { Device } from '../support/device.ts';
import { actOverRest } from '../support/group-acts.ts';
import type { Act } from '../support/group-model.ts';
import { readTold } from '../support/group-order.ts';
import { createGroup } from '../support/groups.ts';
import { type ServerProcess, spawnServer } from '../support/server-process.ts';

const acksBeforeKill = 40;

const servedBy = ({ url }: ServerProcess, { id, email, password, token, refreshToken }: TestUser) =>
  toTestUser(url, { email, password, result: { token, refreshToken, user: { id } } as never });

/** Everybody comes and goes for ever; the server is killed in the middle of it. Answers what was acknowledged. */
async function loadAndKill(
  server: ServerProcess,
  groupId: string,
  users: readonly TestUser[],
): Promise<Act[]> {
  const acknowledged: Act[] = [];
  let isAlive = true;
  async function comeAndGo(user: TestUser): Promise<void> {
    for (let turn = 0; isAlive; turn++) {
      const act: Act = { do: turn % 2 === 0 ? 'join' : 'leave', by: user.id };
      const answer = await actOverRest(servedBy(server, user), groupId, act).catch(() => null);
      if (answer === 'ok') acknowledged.push(act);
      if (acknowledged.length < acksBeforeKill || !isAlive) continue;
      isAlive = false;
      await server.kill();
    }
  }
  await Promise.all(users.map(comeAndGo));
  return acknowledged;
}

describe('groups: durability', () => {
  let dataDir: string;
  let environment: Record<string, string>;

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'parley-kill-groups-'));
    environment = { DATA_DIR: dataDir, MONGODB_URI: process.env.TEST_MONGODB_URI ? freshDatabaseUri() : '' };
  });
  after(() => rm(dataDir, { recursive: true, force: true }));

  it('kill -9 in the middle of changes loses nothing acknowledged, and lists and log agree after the next one', async () => {
    let server = await spawnServer(environment);
    const users = await Promise.all(Array.from({ length: 7 }, () => buildUser(server.url)));
    const [owner, friend, ...crowd] = users as [TestUser, TestUser, ...TestUser[]];
    await befriend(owner, friend);
    const groupId = await createGroup(owner, [friend], { joinMode: 'open' });
    for (let round = 0; round < 2; round++) {
      const headBefore = (await readTold(servedBy(server, owner), groupId, 0)).length;
      const acknowledged = await loadAndKill(server, groupId, crowd);
      server = await spawnServer(environment);
      const reader = servedBy(server, owner);
      const rename: Act = { do: 'update', by: owner.id, changes: { name: `Round ${round}` } };
      expect(await actOverRest(reader, groupId, rename)).to.equal('ok');
      const told = (await readTold(reader, groupId, 0)).slice(headBefore);
      for (const { id } of crowd) {
        const events = told.flatMap(({ event, data }) => {
          const { userId, userIds = [userId] } = data as { userId?: string; userIds?: string[] };
          return userIds[0] === id ? [event] : [];
        });
        const own = acknowledged.filter(({ by }) => by === id).length;
        expect(events.length, 'at most the last is unknown').to.be.within(own, own + 1);
      }
      await checkAgreement(reader, groupId, server.url);
      for (const user of crowd)
        await actOverRest(servedBy(server, user), groupId, { do: 'leave', by: user.id });
    }
    await server.kill();
  }).timeout(60_000);
});

async function checkAgreement(reader: TestUser, groupId: string, url: string): Promise<void> {
  const device = new Device(url, reader);
  device.know(groupId);
  await device.goOnline();
  const [members, group] = await Promise.all([
    reader.rest('GET', `/api/groups/${groupId}/members?limit=100`),
    reader.rest('GET', `/api/groups/${groupId}`),
  ]);
  const listed = members.body.items as GroupMember[];
  expect(device.roster(groupId)?.roles).to.deep.equal(
    Object.fromEntries(listed.map(({ user, role }) => [user.id, role])),
  );
  expect(group.body.memberCount).to.equal(listed.length);
  device.goOffline();
}
