import { expect } from 'chai';
import { Types } from 'mongoose';
import { buildUser, logInAgain, type TestUser } from '../support/builders.ts';
import type { TestSocket } from '../support/clients.ts';
import { buildGroup, kick, mute, promote, type TestGroup } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { Storage } from '../support/storage.ts';

describe('typing_status in groups', () => {
  let app: TestApp;
  let storage: Storage;
  let group: TestGroup;
  let bob: TestUser;
  let owners: TestSocket;
  let bobs: TestSocket;
  let carols: TestSocket;
  let sockets: TestSocket[];

  before(async () => {
    app = await startApp();
    storage = await Storage.of(app);
  });
  beforeEach(async () => {
    sockets = [];
    group = await buildGroup(app.url);
    bob = group.members[0];
    owners = await connect(group.owner);
    bobs = await connect(bob);
    carols = await connect(group.members[1]);
  });
  afterEach(() => {
    for (const socket of sockets) socket.close();
  });
  after(async () => {
    await storage.close();
    await app.close();
  });

  async function connect(user: TestUser): Promise<TestSocket> {
    const socket = await user.connect();
    sockets.push(socket);
    return socket;
  }

  const say = (socket: TestSocket, isTyping: boolean) =>
    socket.call('typing_status', { groupId: group.id, isTyping });
  const said = (isTyping: boolean) => ({ from: bob.id, groupId: group.id, isTyping });

  /** Something that these hear after everything that was told before. */
  async function markerTo(...listening: TestSocket[]): Promise<void> {
    const sender = await connect(await logInAgain(app.url, group.owner));
    const { id } = await sender.call('group_message', { groupId: group.id, content: 'marker' });
    for (const socket of listening) while ((await socket.next('new_group_message')).id !== id);
  }

  it('is heard on every device of the other members, on none of mine, and by no stranger', async () => {
    const [mine, theirs] = [
      await connect(await logInAgain(app.url, bob)),
      await connect(await logInAgain(app.url, group.owner)),
    ];
    const stranger = await connect(await buildUser(app.url));
    expect(await say(bobs, true)).to.equal(null);
    await say(bobs, false);
    for (const socket of [owners, theirs, carols]) {
      expect(await socket.next('typing_status_update')).to.deep.equal(said(true));
      expect(await socket.next('typing_status_update')).to.deep.equal(said(false));
    }
    await markerTo(mine, bobs);
    await stranger.call('profile_get', {});
    for (const socket of [mine, bobs, stranger])
      expect(socket.untaken('typing_status_update')).to.deep.equal([]);
  });

  it('is passed on once in 3 s, and ends when the message is sent', async () => {
    for (let count = 0; count < 10; count++) await say(bobs, true);
    await bobs.call('group_message', { groupId: group.id, content: 'x' });
    expect(await carols.next('typing_status_update')).to.deep.equal(said(true));
    expect(await carols.next('typing_status_update')).to.deep.equal(said(false));
    await markerTo(carols);
    expect(carols.untaken('typing_status_update')).to.deep.equal([]);
  });

  it('is not found for strangers, who was removed, and of nobody', async () => {
    const stranger = await connect(await buildUser(app.url));
    const typing = { groupId: group.id, isTyping: true };
    await kick(group, bob);
    const problems = [
      await stranger.refused('typing_status', typing, 'not_found'),
      await bobs.refused('typing_status', typing, 'not_found'),
      await bobs.refused('typing_status', { ...typing, groupId: 'f'.repeat(24) }, 'not_found'),
    ];
    for (const problem of problems)
      expect({ ...problem, requestId: '' }).to.deep.equal({ ...problems[0], requestId: '' });
    await markerTo(owners);
    expect(owners.untaken('typing_status_update')).to.deep.equal([]);
  });

  it('is refused to who is muted, until then, and with all others to all but admins', async () => {
    await mute(group, bob);
    const typing = { groupId: group.id, isTyping: true };
    const { until } = await bobs.refused('typing_status', typing, 'muted');
    expect(Date.parse(String(until))).to.be.greaterThan(Date.now());
    await promote(group, group.members[1]);
    await group.owner.rest('PUT', `/api/groups/${group.id}/mute`);
    expect((await bobs.refused('typing_status', typing, 'muted')).until).to.equal(null);
    await say(carols, true);
    expect(await owners.next('typing_status_update')).to.include({ isTyping: true });
  });

  it('of who is removed or muted meanwhile ends for the others, and by itself after 6 s', async () => {
    await say(bobs, true);
    await say(carols, true);
    expect(await owners.next('typing_status_update')).to.include({ isTyping: true });
    expect(await owners.next('typing_status_update')).to.include({ isTyping: true });
    await Promise.all([kick(group, bob), mute(group, group.members[1])]);
    const ended = [await owners.next('typing_status_update'), await owners.next('typing_status_update')];
    expect(ended.map(({ isTyping }) => isTyping)).to.deep.equal([false, false]);
    expect(ended.map(({ from }) => from)).to.have.members([bob.id, group.members[1].id]);
  });

  it('is acknowledged and not passed on in a group of more than 200', async () => {
    const groups = storage.connection.collection('groups');
    const setCount = (memberCount: number) =>
      groups.updateOne({ _id: new Types.ObjectId(group.id) }, { $set: { memberCount } });
    await setCount(201);
    expect(await say(bobs, true)).to.equal(null);
    await markerTo(carols);
    expect(carols.untaken('typing_status_update')).to.deep.equal([]);
    await setCount(200);
    await say(bobs, true);
    expect(await carols.next('typing_status_update')).to.deep.equal(said(true));
  });
});
