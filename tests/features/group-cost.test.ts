import { expect } from 'chai';
import { befriend, buildUser, type TestUser } from '../support/builders.ts';
import type { TestSocket } from '../support/clients.ts';
import { openCountingProxy } from '../support/counting-proxy.ts';
import { freshDatabaseUri } from '../support/database.ts';
import { addCrowd } from '../support/group-crowd.ts';
import { createGroup, say } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { Storage } from '../support/storage.ts';

interface Measured {
  commands: string[];
  bytes: number;
}

const runs = 3;

describe('groups: what they cost the database', () => {
  let proxy: Awaited<ReturnType<typeof openCountingProxy>>;
  let app: TestApp;
  let storage: Storage;

  before(async () => {
    proxy = await openCountingProxy(freshDatabaseUri());
    app = await startApp({ mongodbUri: proxy.uri, groups: { mostMembers: 10_000, codeLifetimeSeconds: 60 } });
    storage = await Storage.of({ ...app, mongodbUri: app.mongodbUri });
  });
  after(async () => {
    await storage.connection.dropDatabase();
    await storage.close();
    await app.close();
    await proxy.close();
  });

  /** What some work takes at least: what the server does by itself meanwhile does not fall into each run. */
  async function measure(work: (run: number) => Promise<unknown>): Promise<Measured> {
    const measured: Measured[] = [];
    for (let run = 0; run < runs; run++) {
      let commands: string[] = [];
      const bytes = await proxy.bytesDuring(async () => {
        commands = await proxy.during(() => work(run));
      });
      measured.push({ commands, bytes });
    }
    return measured.reduce((least, one) => (one.commands.length < least.commands.length ? one : least));
  }

  interface Scene {
    groupId: string;
    owner: TestUser;
    mia: TestUser;
    outsiders: TestUser[];
    mouth: TestSocket;
    ear: TestSocket;
  }

  async function build(crowd: number): Promise<Scene> {
    const people = await Promise.all(Array.from({ length: 3 + runs * 2 }, () => buildUser(app.url)));
    const [owner, mia, like, ...outsiders] = people as [TestUser, TestUser, TestUser, ...TestUser[]];
    for (const friend of [mia, like, ...outsiders]) await befriend(owner, friend);
    const groupId = await createGroup(owner, [mia, like], { joinMode: 'open' });
    await addCrowd(storage.connection, { groupId, likeId: like.id, count: crowd });
    await say(groupId, owner, 'hello');
    const [mouth, ear] = await Promise.all([owner.connect(), mia.connect()]);
    return { groupId, owner, mia, outsiders, mouth, ear };
  }

  /** Everything that people do in groups, each as often as it is measured. */
  const works: Record<string, (scene: Scene) => (run: number) => Promise<unknown>> = {
    'showing it':
      ({ ear, groupId }) =>
      () =>
        ear.call('group_get', { groupId }),
    'a page of members':
      ({ ear, groupId }) =>
      () =>
        ear.call('group_member_list', { groupId, limit: 50 }),
    'a message':
      ({ mouth, groupId }) =>
      () =>
        mouth.call('group_message', { groupId, content: 'hello' }),
    'a message to all':
      ({ mouth, groupId }) =>
      () =>
        mouth.call('group_message', { groupId, content: 'hello', mentions: ['all'] }),
    history:
      ({ ear, groupId }) =>
      () =>
        ear.call('message_history', { groupId, limit: 1 }),
    'what is unread':
      ({ ear }) =>
      () =>
        ear.call('unread_count', {}),
    'the list of conversations':
      ({ ear }) =>
      () =>
        ear.call('conversation_list', {}),
    'catching up':
      ({ ear, groupId }) =>
      () =>
        ear.call('sync', { conversations: { [groupId]: 1 }, partial: true, limit: 1 }),
    'reading all':
      ({ ear, mouth, groupId }) =>
      async () => {
        await mouth.call('group_message', { groupId, content: 'hello' });
        await ear.call('conversation_read', { groupId });
      },
    joining:
      ({ groupId, outsiders }) =>
      (run) =>
        (outsiders[run] as TestUser).rest('POST', `/api/groups/${groupId}/join`),
    'bringing somebody in':
      ({ mouth, groupId, outsiders }) =>
      (run) =>
        mouth.call('group_invite', { groupId, userIds: [(outsiders[runs + run] as TestUser).id] }),
    'a new role':
      ({ mouth, groupId, mia }) =>
      (run) =>
        mouth.call('group_role_set', { groupId, userId: mia.id, role: run % 2 ? 'member' : 'admin' }),
    muting:
      ({ mouth, groupId, outsiders }) =>
      (run) =>
        mouth.call('group_member_mute', { groupId, userId: (outsiders[run] as TestUser).id, minutes: 1 }),
    'a new name':
      ({ mouth, groupId }) =>
      (run) =>
        mouth.call('group_update', { groupId, name: `Name ${run}` }),
    removing:
      ({ mouth, groupId, outsiders }) =>
      (run) =>
        mouth.call('group_kick', { groupId, userId: (outsiders[run] as TestUser).id }),
    leaving:
      ({ groupId, outsiders }) =>
      (run) =>
        (outsiders[runs + run] as TestUser).rest('POST', `/api/groups/${groupId}/leave`),
  };

  it('is the same in a group of 2,000 as in one of 60, whatever people do there', async function () {
    this.timeout(60_000);
    const [small, large] = [await build(57), await build(1997)];
    const report: string[] = [];
    for (const [what, work] of Object.entries(works)) {
      const [few, many] = [await measure(work(small)), await measure(work(large))];
      report.push(`${what}: ${few.commands.join()} ${few.bytes} | ${many.commands.length} ${many.bytes}`);
      // a batch may take one more than another
      expect(many.commands.length, `${what}: ${few.commands} / ${many.commands}`).to.be.at.most(
        few.commands.length + 1,
      );
      expect(many.bytes, what).to.be.below(1.5 * few.bytes + 500);
    }
    if (process.env.REPORT) process.stderr.write(report.join('\n'));
    for (const { mouth, ear } of [small, large]) {
      mouth.close();
      ear.close();
    }
  });
});
