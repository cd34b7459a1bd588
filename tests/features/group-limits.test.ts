import { expect } from 'chai';
import { Types } from 'mongoose';
import { befriend, buildUser, type TestUser } from '../support/builders.ts';
import { buildGroup, createGroup, kick } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { Storage } from '../support/storage.ts';

const mostJoined = 500;
const mostPinned = 50;

describe('groups: how many one can be in', () => {
  let app: TestApp;
  let storage: Storage;
  let owner: TestUser;
  before(async () => {
    app = await startApp();
    storage = await Storage.of(app);
    owner = await buildUser(app.url);
  });
  after(async () => {
    await storage.close();
    await app.close();
  });

  /** A friend of the owner who is in so many groups of others. */
  async function buildJoiner(count: number): Promise<TestUser> {
    const joiner = await buildUser(app.url);
    await befriend(owner, joiner);
    const userId = new Types.ObjectId(joiner.id);
    await storage.connection.collection('memberships').insertMany(
      Array.from({ length: count }, () => ({
        userId,
        conversationId: new Types.ObjectId(),
        type: 'group',
        role: 'member',
        order: `2:000000000001:${joiner.id}`,
        leftAt: null,
        version: 1,
        updatedAt: new Date(),
      })),
    );
    return joiner;
  }

  const join = (user: TestUser, groupId: string) => user.rest('POST', `/api/groups/${groupId}/join`);
  const invite = (groupId: string, ...users: TestUser[]) =>
    owner.rest('POST', `/api/groups/${groupId}/members`, { userIds: users.map(({ id }) => id) });
  const openGroup = () => createGroup(owner, [], { joinMode: 'open' });

  it('is 500, however one comes in; leaving one makes room', async () => {
    const joiner = await buildJoiner(mostJoined - 1);
    const [first, second] = [await openGroup(), await openGroup()];
    expect((await join(joiner, first)).status).to.equal(200);
    expect((await join(joiner, second)).body.code).to.equal('limit_reached');
    expect((await join(joiner, first)).status, 'who is in it already').to.equal(200);
    expect((await invite(second, joiner)).body.code).to.equal('limit_reached');
    const created = await joiner.rest('POST', '/api/groups', { name: 'One more' });
    expect(created.body.code).to.equal('limit_reached');
    const withMe = await owner.rest('POST', '/api/groups', { name: 'With them', memberIds: [joiner.id] });
    expect(withMe.body.code).to.equal('limit_reached');
    expect((await joiner.rest('POST', `/api/groups/${first}/leave`)).status).to.equal(204);
    expect((await invite(second, joiner)).status).to.equal(201);
  });

  it('does not keep one from asking, but from being let in, until there is room', async () => {
    const joiner = await buildJoiner(mostJoined - 1);
    const group = await createGroup(owner, [], { joinMode: 'approval' });
    const last = await openGroup();
    expect((await join(joiner, group)).status).to.equal(202);
    await join(joiner, last);
    const accept = () => owner.rest('POST', `/api/groups/${group}/requests/${joiner.id}/accept`);
    expect((await accept()).body.code).to.equal('limit_reached');
    await joiner.rest('POST', `/api/groups/${last}/leave`);
    expect((await accept()).status).to.equal(200);
  });

  it('brings none of those invited in if one of them has no room', async () => {
    const [full, free] = [await buildJoiner(mostJoined), await buildJoiner(1)];
    const group = await openGroup();
    expect((await invite(group, free, full)).body.code).to.equal('limit_reached');
    expect((await owner.rest('GET', `/api/groups/${group}`)).body.memberCount).to.equal(1);
    expect((await free.rest('GET', '/api/groups')).body.items).to.deep.equal([]);
  });

  it('holds when one comes into many at once', async () => {
    const joiner = await buildJoiner(mostJoined - 2);
    const groups = await Promise.all(Array.from({ length: 6 }, openGroup));
    const answers = await Promise.all(
      groups.map((id, index) => (index % 2 === 0 ? join(joiner, id) : invite(id, joiner))),
    );
    expect(answers.filter(({ status }) => status < 300)).to.have.length(2);
    expect(answers.filter(({ body }) => body.code === 'limit_reached')).to.have.length(4);
  });
});

describe('groups: pins', () => {
  let app: TestApp;
  let storage: Storage;
  before(async () => {
    app = await startApp();
    storage = await Storage.of(app);
  });
  after(async () => {
    await storage.close();
    await app.close();
  });

  const pin = (user: TestUser, groupId: string, pinned = true) =>
    user.rest('PATCH', `/api/conversations/${groupId}`, { pinned });

  it('count together with those of private conversations, and end with the membership', async () => {
    const group = await buildGroup(app.url, { joinMode: 'open' });
    const [mia] = group.members;
    const other = await createGroup(group.owner, [mia]);
    await storage.addPinned(mia, mostPinned - 1);
    expect((await pin(mia, group.id)).status).to.equal(200);
    expect((await pin(mia, other)).body.code).to.equal('limit_reached');
    await kick(group, mia);
    expect((await pin(mia, group.id)).body.code).to.equal('not_found');
    expect((await pin(mia, other)).status).to.equal(200);
    expect((await pin(mia, other, false)).status).to.equal(200);
    await mia.rest('POST', `/api/groups/${group.id}/join`);
    const { body } = await mia.rest('GET', `/api/conversations`);
    const items = body.items as { id: string; pinned: boolean }[];
    expect(items.find(({ id }) => id === group.id)).to.include({ pinned: false });
  });
});
