import { expect } from 'chai';
import { Types } from 'mongoose';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { buildUser, type TestUser } from '../support/builders.ts';
import { createGroup, kick } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { Storage } from '../support/storage.ts';

const emoji = '👍';
const peopleCount = 60;
const builtAtOnce = 12;

describe('reactions of many people', () => {
  let app: TestApp;
  let storage: Storage;
  let owner: TestUser;
  let people: TestUser[];
  let groupId: string;
  let message: Message;

  before(async () => {
    app = await startApp();
    storage = await Storage.of(app);
    owner = await buildUser(app.url);
    groupId = await createGroup(owner, [], { joinMode: 'open' });
    people = [];
    while (people.length < peopleCount)
      people.push(...(await Promise.all(Array.from({ length: builtAtOnce }, () => buildMember()))));
  });
  beforeEach(post);
  after(async () => {
    await storage.close();
    await app.close();
  });

  async function post(): Promise<void> {
    const { body } = await owner.rest('POST', `/api/messages/group/${groupId}`, { content: 'vote' });
    message = body as Message;
  }

  async function buildMember(): Promise<TestUser> {
    const user = await buildUser(app.url);
    const { status } = await user.rest('POST', `/api/groups/${groupId}/join`);
    expect(status).to.equal(200);
    return user;
  }

  async function react(user: TestUser, active = true): Promise<Message> {
    const path = `/api/messages/${message.id}/reactions/${encodeURIComponent(emoji)}`;
    const { status, body } = await user.rest(active ? 'PUT' : 'DELETE', path);
    expect(status).to.equal(200);
    return body as Message;
  }

  async function reactAll(): Promise<void> {
    for (const user of people) await react(user);
  }

  async function reactionOf(user: TestUser) {
    const { body } = await user.rest('GET', `/api/messages/group/${groupId}?limit=100`);
    const found = (body.items as Message[]).find(({ id }) => id === message.id);
    return found?.reactions?.[0];
  }

  const idsOf = (users: readonly TestUser[]) => users.map(({ id }) => id);
  const rows = () =>
    storage.connection
      .collection('reactions')
      .find({ messageId: new Types.ObjectId(message.id), isUnnamed: true })
      .toArray();
  const at = (index: number) => people[index] as TestUser;

  it('count all and name the first fifty, whoever looks', async () => {
    await reactAll();
    for (const user of [owner, at(0), at(59)])
      expect(await reactionOf(user)).to.deep.equal({
        emoji,
        count: 60,
        userIds: idsOf(people.slice(0, 50)),
      });
    expect(await rows()).to.have.length(10);
  });

  it('are one of each person, also of those who are not named', async () => {
    await reactAll();
    const { rev } = await react(at(55));
    expect(rev).to.equal(61);
    expect((await react(at(3))).reactions?.[0]?.count).to.equal(60);
    expect((await react(at(55), false)).reactions?.[0]?.count).to.equal(59);
    expect((await react(at(55), false)).reactions?.[0]?.count).to.equal(59);
    expect((await react(at(55))).reactions?.[0]?.count).to.equal(60);
  });

  it('move the next one up when one of the first withdraws', async () => {
    await reactAll();
    await react(at(50), false);
    await react(at(7), false);
    await react(at(7));
    const named = [...people.slice(0, 7), ...people.slice(8, 50), at(51)];
    expect(await reactionOf(owner)).to.deep.equal({ emoji, count: 59, userIds: idsOf(named) });
    // who was moved up is there once
    expect((await react(at(51), false)).reactions?.[0]).to.deep.equal({
      emoji,
      count: 58,
      userIds: idsOf([...people.slice(0, 7), ...people.slice(8, 50), at(52)]),
    });
    for (const user of people) await react(user, false);
    expect(await reactionOf(owner)).to.equal(undefined);
    expect(await rows()).to.deep.equal([]);
  });

  it('lose nobody who reacts at the same time', async () => {
    await Promise.all(people.map((user) => react(user)));
    const reaction = await reactionOf(owner);
    expect(reaction?.count).to.equal(60);
    expect(new Set(reaction?.userIds).size).to.equal(50);
    const unnamed = (await rows()).map(({ userId }) => String(userId));
    expect([...(reaction?.userIds ?? []), ...unnamed]).to.have.members(idsOf(people));
  });

  it('go with a recall, for good', async () => {
    await reactAll();
    await owner.rest('POST', `/api/messages/${message.id}/recall`);
    expect(await reactionOf(at(1))).to.equal(undefined);
    expect(await rows()).to.deep.equal([]);
  });

  it('stay as others see them when somebody leaves', async () => {
    const leaver = await buildMember();
    await post();
    await reactAll();
    await react(leaver);
    await kick({ id: groupId, owner, members: [at(0), at(1)] }, leaver);
    expect((await reactionOf(owner))?.count).to.equal(61);
  });

  it('that were kept before they were counted read right', async () => {
    await react(at(0));
    await storage.connection
      .collection('messages')
      .updateOne(
        { _id: new Types.ObjectId(message.id) },
        { $set: { reactions: [{ emoji, userIds: [at(0).id] }] } },
      );
    expect(await reactionOf(owner)).to.deep.equal({ emoji, count: 1, userIds: [at(0).id] });
    expect((await react(at(1))).reactions?.[0]).to.deep.equal({
      emoji,
      count: 2,
      userIds: idsOf([at(0), at(1)]),
    });
  });
});
