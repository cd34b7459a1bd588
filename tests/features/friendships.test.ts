import { expect } from 'chai';
import mongoose, { type Connection } from 'mongoose';
import { afterAccepting, afterAsking } from '../../src/features/friends/friends.rules.ts';
import { createRelationshipStore } from '../../src/features/friends/friends.store.ts';
import { befriend, buildFriends, buildUser, type TestUser } from '../support/builders.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

let app: TestApp;
let database: Connection;
const open = async () => {
  app = await startApp();
  database = await mongoose.createConnection(app.mongodbUri).asPromise();
};
const close = async () => {
  await database.close();
  await app.close();
};

const friendsOf = async (person: TestUser) =>
  (await person.rest('GET', '/api/friends')).body.items as { user: { id: string }; remark: string | null }[];
const remark = (person: TestUser, friendId: string, text: unknown) =>
  person.rest('PUT', `/api/friends/${friendId}/remark`, { remark: text });
const send = (from: TestUser, to: TestUser, content = 'hello') =>
  from.rest('POST', `/api/messages/private/${to.id}`, { content });

describe('friends: friend_remove', () => {
  before(open);
  after(close);

  for (const path of ['/api/friends/:id', '/api/friend/:id']) {
    it(`as DELETE ${path} ends it for both, who hear it; a stranger does not`, async () => {
      const [ann, bob] = await buildFriends(app.url);
      const stranger = await buildUser(app.url);
      const [anns, bobs, strangers] = await Promise.all([ann.connect(), bob.connect(), stranger.connect()]);
      expect((await ann.rest('DELETE', path.replace(':id', bob.id))).status).to.equal(204);
      expect(await anns.next('friend_removed')).to.deep.equal({ userId: bob.id });
      expect(await bobs.next('friend_removed')).to.deep.equal({ userId: ann.id });
      for (const [one, other] of [
        [ann, bob],
        [bob, ann],
      ] as const) {
        expect(await friendsOf(one)).to.deep.equal([]);
        expect((await one.rest('GET', `/api/users/${other.id}`)).body.relation).to.equal('none');
        expect((await send(one, other)).body).to.include({ status: 403, code: 'not_allowed' });
      }
      await ann.rest('POST', '/api/friends/add', { userId: stranger.id });
      await strangers.next('friend_request_received');
      expect(strangers.untaken('friend_removed')).to.deep.equal([]);
      for (const socket of [anns, bobs, strangers]) socket.close();
    });
  }

  it('is not echoed to the acting socket, leaves the history, and lets both be friends again', async () => {
    const [ann, bob] = await buildFriends(app.url);
    await send(ann, bob, 'old times');
    const [acting, other] = await Promise.all([ann.connect(), ann.connect()]);
    await acting.call('friend_remove', { friendId: bob.id });
    await other.next('friend_removed');
    const { items } = await acting.call('message_history', { friendId: bob.id });
    expect(items.map(({ content }) => content)).to.deep.equal(['old times']);
    await befriend(bob, ann);
    expect((await friendsOf(ann)).map(({ user }) => user.id)).to.deep.equal([bob.id]);
    await acting.next('friend_request_accepted');
    expect(acting.untaken('friend_removed')).to.deep.equal([]);
    for (const socket of [acting, other]) socket.close();
  });

  it('answers not_found alike to who is no friend: a stranger, a nobody, oneself, who asked, and twice', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const [stranger, asker] = await Promise.all([buildUser(app.url), buildUser(app.url)]);
    await asker.rest('POST', '/api/friends/add', { userId: ann.id });
    await ann.rest('DELETE', `/api/friends/${bob.id}`);
    const answers = [];
    for (const id of [bob.id, stranger.id, asker.id, ann.id, 'f'.repeat(24)])
      answers.push((await ann.rest('DELETE', `/api/friends/${id}`)).body);
    for (const body of answers) {
      expect(body).to.include({ status: 404, code: 'not_found' });
      expect({ ...body, requestId: '' }).to.deep.equal({ ...answers[0], requestId: '' });
    }
    expect((await ann.rest('GET', `/api/users/${asker.id}`)).body.relation).to.equal('request_received');
  });
});

describe('friends: friend_remark', () => {
  before(open);
  after(close);

  for (const path of ['/api/friends/:id/remark', '/api/friend/:id/remark']) {
    it(`as PUT ${path} is mine alone: my other devices hear it, the friend nothing`, async () => {
      const [ann, bob] = await buildFriends(app.url);
      const [anns, bobs] = await Promise.all([ann.connect(), bob.connect()]);
      const { since } = await bobs.call('sync', {});
      const { status, body } = await ann.rest('PUT', path.replace(':id', bob.id), { remark: ' 老王 ' });
      expect(status).to.equal(200);
      expect(body).to.deep.include({ remark: '老王' });
      expect(body.user).to.include({ id: bob.id, relation: 'friend' });
      expect(await anns.next('friend_updated')).to.deep.equal(body);
      expect((await friendsOf(ann))[0]).to.deep.equal(body);
      expect((await friendsOf(bob))[0]).to.include({ remark: null });
      expect((await bobs.call('sync', { since })).stale).to.deep.equal([]);
      await send(ann, bob);
      await bobs.next('new_private_message');
      expect(bobs.untaken('friend_updated')).to.deep.equal([]);
      for (const socket of [anns, bobs]) socket.close();
    });
  }

  it('is not echoed to the acting socket, told once when repeated, and cleared by ""', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const [acting, other] = await Promise.all([ann.connect(), ann.connect()]);
    const { since } = await other.call('sync', {});
    const friend = await acting.call('friend_remark', { friendId: bob.id, remark: 'Bobby' });
    expect(await acting.call('friend_remark', { friendId: bob.id, remark: 'Bobby' })).to.deep.equal(friend);
    expect((await other.call('sync', { since })).stale).to.deep.equal(['friends']);
    expect((await acting.call('friend_remark', { friendId: bob.id, remark: '' })).remark).to.equal(null);
    expect((await other.next('friend_updated')).remark).to.equal('Bobby');
    expect((await other.next('friend_updated')).remark).to.equal(null);
    expect((await acting.call('friend_remark', { friendId: bob.id, remark: '  ' })).remark).to.equal(null);
    await send(bob, ann);
    for (const socket of [acting, other]) {
      await socket.next('new_private_message');
      expect(socket.untaken('friend_updated')).to.deep.equal([]);
      socket.close();
    }
  });

  it('is forgotten with the friendship, on either side', async () => {
    const [ann, bob] = await buildFriends(app.url);
    await remark(ann, bob.id, 'mine');
    await remark(bob, ann.id, 'his');
    await bob.rest('DELETE', `/api/friends/${ann.id}`);
    await befriend(ann, bob);
    for (const person of [ann, bob]) expect((await friendsOf(person))[0]?.remark).to.equal(null);
  });

  it('takes 64 characters and HTML as text, and refuses 65, none, what is no text, and what hides', async () => {
    const [ann, bob] = await buildFriends(app.url);
    for (const good of ['x'.repeat(64), '<b>Bob</b>', '👩‍🚀'])
      expect((await remark(ann, bob.id, good)).body.remark).to.equal(good);
    for (const bad of [
      'x'.repeat(65),
      undefined,
      null,
      7,
      { $set: 'x' },
      ['x'],
      'a\u0000b',
      '\u202ebob',
      '\u200b',
    ])
      expect((await remark(ann, bob.id, bad)).body.code, String(bad)).to.equal('validation_failed');
    expect((await friendsOf(ann))[0]?.remark).to.equal('👩‍🚀');
  });

  it('answers not_found alike to who is no friend: a stranger, a nobody, oneself, who asked, an ex-friend', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const [stranger, asker] = await Promise.all([buildUser(app.url), buildUser(app.url)]);
    await asker.rest('POST', '/api/friends/add', { userId: ann.id });
    await bob.rest('DELETE', `/api/friends/${ann.id}`);
    const answers = [];
    for (const id of [bob.id, stranger.id, asker.id, ann.id, 'f'.repeat(24)])
      answers.push((await remark(ann, id, 'x')).body);
    for (const body of answers) {
      expect(body).to.include({ status: 404, code: 'not_found' });
      expect({ ...body, requestId: '' }).to.deep.equal({ ...answers[0], requestId: '' });
    }
  });
});

describe('friends: friend_updated, when a friend’s profile changed', () => {
  before(open);
  after(close);

  it('shows friends the profile as it is then, once for several changes, each with their own remark', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const [carol, stranger] = await Promise.all([buildUser(app.url), buildUser(app.url)]);
    await befriend(carol, ann);
    await remark(bob, ann.id, 'Annie');
    const people = [bob, carol, stranger, ann] as const;
    const [bobs, carols, strangers, anns] = await Promise.all(people.map((person) => person.connect()));
    if (!bobs || !carols || !strangers || !anns) throw new Error('not connected');
    for (const change of [{ nickname: 'Anna' }, { bio: 'new' }, { region: 'Bern', gender: 'female' }])
      expect((await ann.rest('PATCH', '/api/users/me', change)).status).to.equal(200);
    const seen = await bobs.next('friend_updated');
    expect(seen.user).to.deep.include({ nickname: 'Anna', bio: 'new', region: 'Bern', gender: 'female' });
    expect(seen).to.deep.include({ remark: 'Annie', presence: { status: 'online', lastSeenAt: null } });
    expect(seen).to.deep.equal((await friendsOf(bob))[0]);
    expect((await carols.next('friend_updated')).remark).to.equal(null);
    await ann.rest('PATCH', '/api/users/me', { nickname: 'Anna II' });
    expect((await bobs.next('friend_updated')).user.nickname).to.equal('Anna II');
    for (const socket of [strangers, anns]) expect(socket.untaken('friend_updated')).to.deep.equal([]);
    for (const socket of [bobs, carols, strangers, anns]) socket.close();
  });

  it('is silent about what friends do not see, and reaches no ex-friend', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const ex = await buildUser(app.url);
    await befriend(ex, ann);
    await ann.rest('DELETE', `/api/friends/${ex.id}`);
    const [anns, bobs, exs] = await Promise.all([ann.connect(), bob.connect(), ex.connect()]);
    await ann.rest('PATCH', '/api/users/me', { birthday: '2000-01-01', privacy: { lastSeen: false } });
    await bob.rest('PATCH', '/api/users/me', { bio: 'marker' });
    await anns.next('friend_updated');
    expect(bobs.untaken('friend_updated')).to.deep.equal([]);
    await ann.rest('PATCH', '/api/users/me', { bio: 'seen by friends' });
    await bobs.next('friend_updated');
    expect(exs.untaken('friend_updated')).to.deep.equal([]);
    for (const socket of [anns, bobs, exs]) socket.close();
  });

  it('reaches every one of 450 friends, some at a time', async () => {
    const ann = await buildUser(app.url);
    const watchers = await Promise.all(Array.from({ length: 12 }, () => buildUser(app.url)));
    const others = Array.from({ length: 438 }, () => new mongoose.Types.ObjectId().toHexString());
    const store = createRelationshipStore(database);
    const now = new Date();
    for (const id of [...others, ...watchers.map(({ id }) => id)])
      await store.change([ann.id, id], async (pair) =>
        afterAccepting(afterAsking(pair, { askerId: id, targetId: ann.id, message: null, now }), ann.id, now),
      );
    const sockets = await Promise.all(watchers.map((watcher) => watcher.connect()));
    await ann.rest('PATCH', '/api/users/me', { nickname: 'Popular' });
    for (const socket of sockets) {
      expect((await socket.next('friend_updated')).user).to.include({ nickname: 'Popular' });
      socket.close();
    }
  });
});
