import { expect } from 'chai';
import { readConfig } from '../../src/config.ts';
import type { Presence } from '../../src/features/presence/presence.contract.ts';
import { befriend, buildUser, logInAgain, type TestUser } from '../support/builders.ts';
import type { TestSocket } from '../support/clients.ts';
import { endFriendship } from '../support/friendship.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

let app: TestApp;
const sockets: TestSocket[] = [];

async function connect(user: TestUser): Promise<TestSocket> {
  const socket = await user.connect();
  sockets.push(socket);
  return socket;
}

function closeSockets(): void {
  for (const socket of sockets.splice(0)) socket.close();
}

/** Somebody with friends. */
async function buildPopular(friends: readonly TestUser[]): Promise<TestUser> {
  const user = await buildUser(app.url);
  for (const friend of friends) await befriend(user, friend);
  return user;
}

async function presenceFor(viewer: TestSocket, friend: TestUser): Promise<Presence | undefined> {
  const { items } = await viewer.call('friend_list', {});
  return items.find(({ user }) => user.id === friend.id)?.presence;
}

const setLastSeen = (user: TestUser, lastSeen: boolean) =>
  user.rest('PATCH', '/api/users/me', { privacy: { lastSeen } });

const online = ({ id }: TestUser) => ({ userId: id, status: 'online', lastSeenAt: null });
const hidden = ({ id }: TestUser) => ({ userId: id, status: 'offline', lastSeenAt: null });

/** What a socket hears until somebody has come and gone, which is told after everything that happened before. */
async function heardUntil(marker: TestUser, socket: TestSocket): Promise<unknown[]> {
  const heard: unknown[] = [];
  const markers = await connect(marker);
  for (const status of ['online', 'offline']) {
    for (;;) {
      const event = await socket.next('user_presence');
      if (event.userId === marker.id && event.status === status) break;
      heard.push(event);
    }
    markers.close();
  }
  return heard;
}

describe('user_presence', () => {
  before(async () => {
    app = await startApp();
  });
  afterEach(closeSockets);
  after(() => app.close());

  it('tells friends of the first device that comes and the last that goes, as their list does', async () => {
    const ann = await buildUser(app.url);
    const [bob, marker] = [await buildPopular([ann]), await buildPopular([ann])];
    const anns = await connect(ann);
    const first = await connect(bob);
    expect(await anns.next('user_presence')).to.deep.equal(online(bob));
    expect(await presenceFor(anns, bob)).to.deep.equal({ status: 'online', lastSeenAt: null });

    const second = await connect(await logInAgain(app.url, bob));
    first.close();
    await second.call('profile_get', {});
    expect(await heardUntil(marker, anns)).to.deep.equal([]);
    expect(await presenceFor(anns, bob)).to.deep.equal({ status: 'online', lastSeenAt: null });

    const closedAt = Date.now();
    second.close();
    const told = await anns.next('user_presence');
    expect(told).to.include({ userId: bob.id, status: 'offline' });
    expect(Date.parse(told.lastSeenAt ?? '')).to.be.within(closedAt - 5, closedAt + 1000);
    const { userId: _, ...shown } = told;
    expect(await presenceFor(anns, bob)).to.deep.equal(shown);
  });

  it('is heard neither by strangers nor by who has only asked, nor on own devices', async () => {
    const [ann, stranger, asker] = [
      await buildUser(app.url),
      await buildUser(app.url),
      await buildUser(app.url),
    ];
    const [bob, marker] = [await buildPopular([ann]), await buildPopular([ann, stranger, asker])];
    await asker.rest('POST', '/api/friends/add', { userId: bob.id });
    const outsiders = [await connect(stranger), await connect(asker)];
    const anns = await connect(ann);
    const bobs = await connect(bob);
    await anns.next('user_presence');
    bobs.close();
    expect(await anns.next('user_presence')).to.include({ status: 'offline' });
    const back = await connect(bob);
    await anns.next('user_presence');
    await connect(marker);
    for (const outsider of outsiders) {
      expect(await outsider.next('user_presence')).to.deep.equal(online(marker));
      expect(outsider.untaken('user_presence')).to.deep.equal([]);
    }
    expect(back.untaken('user_presence')).to.deep.equal([]);
  });

  it('is not heard by who is no friend any more', async () => {
    const [ann, marker] = [await buildUser(app.url), await buildUser(app.url)];
    const bob = await buildPopular([ann]);
    await befriend(marker, ann);
    await endFriendship(app, ann, bob);
    const anns = await connect(ann);
    await connect(bob);
    expect(await heardUntil(marker, anns)).to.deep.equal([]);
  });

  it('follows a session that ends', async () => {
    const ann = await buildUser(app.url);
    const bob = await buildPopular([ann]);
    const anns = await connect(ann);
    const bobs = await connect(bob);
    await anns.next('user_presence');
    await bob.rest('POST', '/api/auth/logout-all');
    expect(await anns.next('user_presence')).to.include({ userId: bob.id, status: 'offline' });
    await bobs.closed();
  });

  it('gives nothing of who hides it, and shows them nothing of others', async () => {
    const ann = await buildUser(app.url);
    const [bob, marker] = [await buildPopular([ann]), await buildPopular([ann])];
    await befriend(marker, bob);
    const anns = await connect(ann);
    await setLastSeen(bob, false);
    expect(await anns.next('user_presence')).to.deep.equal(hidden(bob));
    const bobs = await connect(bob);
    expect(await heardUntil(marker, anns)).to.deep.equal([]);
    expect(await presenceFor(anns, bob)).to.deep.equal({ status: 'offline', lastSeenAt: null });
    expect(bobs.untaken('user_presence'), 'of the marker, who is a friend too').to.deep.equal([]);
    expect(await presenceFor(bobs, ann)).to.deep.equal({ status: 'offline', lastSeenAt: null });
    await setLastSeen(bob, true);
    expect(await heardUntil(marker, bobs)).to.deep.equal([]);
  });

  it('tells friends when somebody hides it while online, and shows it again', async () => {
    const ann = await buildUser(app.url);
    const [bob, marker] = [await buildPopular([ann]), await buildPopular([ann])];
    const anns = await connect(ann);
    const bobs = await connect(bob);
    await anns.next('user_presence');
    await setLastSeen(bob, false);
    expect(await anns.next('user_presence')).to.deep.equal(hidden(bob));
    await setLastSeen(bob, false);
    expect(await heardUntil(marker, anns)).to.deep.equal([]);
    await setLastSeen(bob, true);
    expect(await anns.next('user_presence')).to.deep.equal(online(bob));
    bobs.close();
  });

  it('hides who hides it and leaves at once, and does not tell of the leaving', async () => {
    const ann = await buildUser(app.url);
    const [bob, marker] = [await buildPopular([ann]), await buildPopular([ann])];
    const anns = await connect(ann);
    const bobs = await connect(bob);
    await anns.next('user_presence');
    await setLastSeen(bob, false);
    bobs.close();
    expect(await anns.next('user_presence')).to.deep.equal(hidden(bob));
    expect(await heardUntil(marker, anns)).to.deep.equal([]);
  });

  it('reaches everybody when many come at once', async () => {
    const crowd: TestUser[] = [];
    for (let count = 0; count < 30; count++) crowd.push(await buildUser(app.url));
    const ann = await buildPopular(crowd);
    const anns = await connect(ann);
    await Promise.all(crowd.map(connect));
    const heard = await Promise.all(crowd.map(() => anns.next('user_presence')));
    expect(heard).to.have.deep.members(crowd.map(online));
  });
});

describe('user_presence: PRESENCE_GRACE_SECONDS', () => {
  const withGrace = async (graceMs: number) => {
    app = await startApp({ presence: { ...readConfig({}).presence, graceMs } });
  };
  afterEach(async () => {
    closeSockets();
    await app.close();
  });

  it('lets a reload pass without a word', async () => {
    await withGrace(500);
    const ann = await buildUser(app.url);
    const [bob, marker] = [await buildPopular([ann]), await buildPopular([ann])];
    const anns = await connect(ann);
    const [bobs, markers] = [await connect(bob), await connect(marker)];
    const both = [await anns.next('user_presence'), await anns.next('user_presence')];
    expect(both).to.have.deep.members([online(bob), online(marker)]);
    bobs.close();
    await connect(bob);
    // goes after Bob went, so that Bob's going would be told before
    markers.close();
    expect(await presenceFor(anns, marker), 'within the grace').to.include({ status: 'online' });
    expect(await anns.next('user_presence')).to.include({ userId: marker.id, status: 'offline' });
    expect(anns.untaken('user_presence')).to.deep.equal([]);
    expect(await presenceFor(anns, bob)).to.include({ status: 'online' });
  });

  it('may be nothing at all', async () => {
    await withGrace(0);
    const ann = await buildUser(app.url);
    const bob = await buildPopular([ann]);
    const anns = await connect(ann);
    const bobs = await connect(bob);
    await anns.next('user_presence');
    bobs.close();
    expect(await anns.next('user_presence')).to.include({ userId: bob.id, status: 'offline' });
  });
});
