import { expect } from 'chai';
import { befriend, buildUser, type TestUser, toTestUser } from '../support/builders.ts';
import { freshDatabaseUri } from '../support/database.ts';
import { actOverRest } from '../support/group-acts.ts';
import { type Act, type Answer, type GroupModel, perform, roleOf } from '../support/group-model.ts';
import { checkLists, inSomeOrder, readTold } from '../support/group-order.ts';
import { type Name, names, races, toAct } from '../support/group-race-cases.ts';
import { createGroup } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const jwtSecret = 'one secret for both processes, 0123456789';
const mostMembers = 60;

describe('groups: races between two processes', () => {
  let servers: [TestApp, TestApp];
  let people: Record<Name, TestUser>;

  before(async function () {
    this.timeout(60_000);
    const mongodbUri = freshDatabaseUri();
    const overrides = { mongodbUri, jwtSecret, groups: { mostMembers, codeLifetimeSeconds: 60 } };
    servers = [await startApp(overrides), await startApp(overrides)];
    const users = await Promise.all(names.map(() => buildUser(servers[0].url)));
    people = Object.fromEntries(names.map((name, index) => [name, users[index]])) as typeof people;
    for (const [index, one] of users.entries())
      await Promise.all(users.slice(index + 1).map((other) => befriend(one, other)));
  });
  after(async () => {
    for (const server of servers) await server.close();
  });

  const circumstances = { mostMembers, areFriends: () => true };

  /** Somebody, served by one of the processes. */
  function at(server: number, userId: string): TestUser {
    const user = Object.values(people).find(({ id }) => id === userId) as TestUser;
    return servedBy(servers[server % 2] as TestApp, user);
  }

  const idOf = (name: Name) => people[name].id;

  async function begin(before: readonly Act[]): Promise<{ groupId: string; model: GroupModel }> {
    const { owner, anna, arno, mia, max, watcher } = people;
    const groupId = await createGroup(owner, [watcher, anna, arno, mia, max]);
    let model: GroupModel = {
      ownerId: owner.id,
      adminIds: [],
      memberIds: [owner, watcher, anna, arno, mia, max].map(({ id }) => id).sort(),
      barredIds: [],
      askingIds: [],
      mutedIds: [],
      isMutedAll: false,
      announcement: '',
      name: 'Group',
      joinMode: 'invite',
      whoCanInvite: 'members',
      isDissolved: false,
    };
    const admins = [anna, arno].map(({ id }) => ({ do: 'promote' as const, by: owner.id, on: id }));
    for (const act of [...admins, ...before]) {
      const outcome = perform(model, act, circumstances);
      expect(await actOverRest(at(0, act.by), groupId, act)).to.equal(outcome.answer);
      model = outcome.group;
    }
    return { groupId, model };
  }

  for (const [what, { before = [], atOnce, answers: possible, ends }] of Object.entries(races))
    it(`end in one legal state, with the log of it: ${what}`, async () => {
      for (let round = 0; round < 3; round++) {
        const { groupId, model } = await begin(before.map((step) => toAct(step, idOf)));
        const headSeq = (await readTold(people.watcher, groupId, 0)).length;
        const acts = atOnce.map((step) => toAct(step, idOf));
        const answers = await Promise.all(
          acts.map((act, index) => actOverRest(at(index + round, act.by), groupId, act)),
        );
        expect(answers.join(' ')).to.be.oneOf(possible);
        const isOver = atOnce.some((step) => step.endsWith('dissolve'));
        const told = isOver ? null : await readTold(people.watcher, groupId, headSeq);
        const { group } = inSomeOrder(model, { acts, answers, told }, circumstances);
        const roles = names.map((name) => [name, roleOf(group, idOf(name))]);
        ends?.(Object.fromEntries(roles), group);
        if (isOver) {
          for (const { rest } of Object.values(people))
            expect((await rest('GET', `/api/groups/${groupId}/members`)).status).to.equal(404);
        } else {
          await checkLists(at(0, group.ownerId), groupId, group);
          await checkLists(at(1, group.ownerId), groupId, group);
        }
      }
    });

  it('all come through or are refused by name when many do something at once', async function () {
    this.timeout(60_000);
    const owner = people.owner;
    const groupId = await createGroup(owner, [], { joinMode: 'open' });
    const crowd = [];
    for (let some = 0; some < 4; some++)
      crowd.push(...(await Promise.all(Array.from({ length: 10 }, () => buildUser(servers[0].url)))));
    const join = (user: TestUser, index: number) =>
      actOverRest(servedBy(servers[index % 2] as TestApp, user), groupId, { do: 'join', by: user.id });
    const rename = (index: number) =>
      actOverRest(at(index, owner.id), groupId, {
        do: 'update',
        by: owner.id,
        changes: { name: `Name ${index}` },
      });
    const answers = await Promise.all([
      ...crowd.map(join),
      ...Array.from({ length: 20 }, (_, index) => rename(index)),
    ]);
    expect(new Set(answers)).to.deep.equal(new Set(['ok']));
    const told = await readTold(owner, groupId, 0);
    expect(told).to.have.length(1 + crowd.length + 20);
    const { body } = await owner.rest('GET', `/api/groups/${groupId}`);
    expect(body.memberCount).to.equal(1 + crowd.length);
    const last = told.findLast(({ event }) => event === 'group_updated');
    expect(last?.data).to.deep.include({ changes: { name: body.name } });
  });

  it('leave one admin too many out, who is told so, and keep the old owner from being one', async function () {
    this.timeout(60_000);
    const { owner } = people;
    const groupId = await createGroup(owner, [], { joinMode: 'open' });
    const crowd: TestUser[] = [];
    for (let some = 0; some < 6; some++)
      crowd.push(...(await Promise.all(Array.from({ length: 9 }, () => buildUser(servers[0].url)))));
    for (const user of crowd) await actOverRest(user, groupId, { do: 'join', by: user.id });
    const promote = (user: TestUser, server: number) =>
      actOverRest(at(server, owner.id), groupId, { do: 'promote', by: owner.id, on: user.id });
    for (const user of crowd.slice(0, 49)) expect(await promote(user, 0)).to.equal('ok');
    const answers = await Promise.all(crowd.slice(49, 52).map(promote));
    expect(answers.toSorted()).to.deep.equal(['limit_reached', 'limit_reached', 'ok']);
    const { items } = (await owner.rest('GET', `/api/groups/${groupId}/members?limit=100`)).body;
    expect((items as { role: string }[]).filter(({ role }) => role === 'admin')).to.have.length(50);
    const transfer = (user: TestUser) =>
      actOverRest(owner, groupId, { do: 'transfer', by: owner.id, on: user.id });
    expect(await transfer(crowd[53] as TestUser)).to.equal('limit_reached');
    expect(await transfer(crowd[0] as TestUser)).to.equal('ok');
  });
});

describe('groups: the last place in one', () => {
  let servers: [TestApp, TestApp];
  before(async () => {
    const overrides = {
      mongodbUri: freshDatabaseUri(),
      jwtSecret,
      groups: { mostMembers: 3, codeLifetimeSeconds: 60 },
    };
    servers = [await startApp(overrides), await startApp(overrides)];
  });
  after(async () => {
    for (const server of servers) await server.close();
  });

  it('is taken by one of those who come at once, and free again when somebody goes', async () => {
    const owner = await buildUser(servers[0].url);
    const users = await Promise.all(Array.from({ length: 5 }, () => buildUser(servers[0].url)));
    const groupId = await createGroup(owner, [], { joinMode: 'open' });
    const join = (user: TestUser, index: number) =>
      actOverRest(servedBy(servers[index % 2] as TestApp, user), groupId, { do: 'join', by: user.id });
    for (let round = 0; round < 4; round++) {
      const answers = await Promise.all(users.map(join));
      const full: Answer = 'limit_reached';
      expect(answers.toSorted()).to.deep.equal([full, full, full, 'ok', 'ok']);
      expect((await owner.rest('GET', `/api/groups/${groupId}`)).body.memberCount).to.equal(3);
      for (const [index, user] of users.entries())
        if (answers[index] === 'ok') await actOverRest(user, groupId, { do: 'leave', by: user.id });
    }
  });

  it('is not taken by who is brought in with too many others', async () => {
    const owner = await buildUser(servers[0].url);
    const users = await Promise.all(Array.from({ length: 3 }, () => buildUser(servers[0].url)));
    for (const user of users) await befriend(owner, user);
    const groupId = await createGroup(owner, []);
    const invite = (some: readonly TestUser[]) =>
      owner.rest('POST', `/api/groups/${groupId}/members`, { userIds: some.map(({ id }) => id) });
    expect((await invite(users)).body.code).to.equal('limit_reached');
    expect((await owner.rest('GET', `/api/groups/${groupId}`)).body.memberCount).to.equal(1);
    expect((await invite(users.slice(1))).status).to.equal(201);
  });
});

function servedBy({ url }: TestApp, { id, email, password, token, refreshToken }: TestUser): TestUser {
  return toTestUser(url, { email, password, result: { token, refreshToken, user: { id } } as never });
}
