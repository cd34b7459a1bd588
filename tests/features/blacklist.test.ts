import { expect } from 'chai';
import mongoose, { type Connection } from 'mongoose';
import { afterBlocking } from '../../src/features/friends/friends.rules.ts';
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

const two = () => Promise.all([buildUser(app.url), buildUser(app.url)]);
const block = (person: TestUser, userId: unknown) =>
  person.rest('POST', '/api/friends/blacklist', { userId });
const unblock = (person: TestUser, userId: string) =>
  person.rest('DELETE', `/api/friends/blacklist/${userId}`);
const ask = (asker: TestUser, target: TestUser) =>
  asker.rest('POST', '/api/friends/add', { userId: target.id });
const send = (from: TestUser, to: TestUser) =>
  from.rest('POST', `/api/messages/private/${to.id}`, { content: 'hello' });
const relationOf = async (viewer: TestUser, other: TestUser) =>
  (await viewer.rest('GET', `/api/users/${other.id}`)).body.relation;
const blacklistOf = async (person: TestUser) =>
  (await person.rest('GET', '/api/friends/blacklist')).body.items as { user: { id: string } }[];
const requestsOf = async (person: TestUser, direction = 'incoming') =>
  (await person.rest('GET', `/api/friends/requests?direction=${direction}`)).body.items as {
    from: { id: string };
    to: { id: string };
  }[];

/** Pairs of a person and people whom nobody knows, in the database. */
async function seedBlocked(person: TestUser, count: number): Promise<void> {
  const store = createRelationshipStore(database);
  const work = Array.from({ length: count }, () => new mongoose.Types.ObjectId().toHexString());
  while (work.length > 0)
    await Promise.all(
      work
        .splice(0, 100)
        .map((id) =>
          store.change([person.id, id], async (pair) => afterBlocking(pair, person.id, new Date())),
        ),
    );
}

describe('friends: blacklist_add', () => {
  before(open);
  after(close);

  it('lists a stranger as blocked, answers the entry, and a repeat answers the same', async () => {
    const [ann, bob] = await two();
    const [acting, other] = await Promise.all([ann.connect(), ann.connect()]);
    const entry = await acting.call('blacklist_add', { userId: bob.id });
    expect(entry.user).to.include({ id: bob.id, relation: 'blocked' });
    expect(await blacklistOf(ann)).to.deep.equal([entry]);
    expect(await relationOf(ann, bob)).to.equal('blocked');
    const again = await block(ann, bob.id);
    expect({ status: again.status, body: again.body }).to.deep.equal({ status: 201, body: entry });
    expect(await other.next('blacklist_updated')).to.deep.equal({ userId: bob.id, blocked: true });
    await unblock(ann, bob.id);
    expect(await acting.next('blacklist_updated'), 'not its own').to.deep.equal({
      userId: bob.id,
      blocked: false,
    });
    expect(await other.next('blacklist_updated'), 'told once').to.deep.equal({
      userId: bob.id,
      blocked: false,
    });
    for (const socket of [acting, other]) socket.close();
  });

  it('ends a friendship as removing does: the same events, nothing new passes, the history stays', async () => {
    const [ann, bob] = await buildFriends(app.url);
    await send(bob, ann);
    const [anns, bobs] = await Promise.all([ann.connect(), bob.connect()]);
    await block(ann, bob.id);
    expect(await bobs.next('friend_removed')).to.deep.equal({ userId: ann.id });
    expect(await anns.next('friend_removed')).to.deep.equal({ userId: bob.id });
    for (const [one, other] of [
      [ann, bob],
      [bob, ann],
    ] as const) {
      expect((await send(one, other)).body.code).to.equal('not_allowed');
      expect((await one.rest('GET', '/api/friends')).body.items).to.deep.equal([]);
      expect((await one.rest('GET', `/api/messages/private/${other.id}`)).body.items).to.have.length(1);
    }
    expect(await relationOf(bob, ann)).to.equal('none');
    await ask(await buildUser(app.url), bob);
    await bobs.next('friend_request_received');
    expect(bobs.heard, 'nothing else').to.deep.equal([]);
    for (const socket of [anns, bobs]) socket.close();
  });

  it('withdraws my own request, which the other hears as a withdrawal', async () => {
    const [ann, bob] = await two();
    await ask(ann, bob);
    const [anns, bobs] = await Promise.all([ann.connect(), bob.connect()]);
    await block(ann, bob.id);
    expect(await bobs.next('friend_request_withdrawn')).to.deep.equal({ userId: ann.id });
    expect(await anns.next('friend_request_withdrawn')).to.deep.equal({ userId: bob.id });
    expect(await requestsOf(bob)).to.deep.equal([]);
    expect(await requestsOf(ann, 'outgoing')).to.deep.equal([]);
    expect((await bob.rest('POST', `/api/friends/${ann.id}/accept`)).body.code).to.equal('not_found');
    for (const socket of [anns, bobs]) socket.close();
  });

  for (const when of ['earlier', 'later'] as const)
    it(`a request of whom I block, made ${when}, waits for them and is hidden from me until I unblock`, async () => {
      const [ann, bob] = await two();
      const [anns, bobs] = await Promise.all([ann.connect(), bob.connect()]);
      if (when === 'earlier') {
        await ask(bob, ann);
        await anns.next('friend_request_received');
        await bobs.next('friend_request_received');
      }
      await block(ann, bob.id);
      const { status, body } = await ask(bob, ann);
      expect({ status, state: body.status }).to.deep.equal({ status: 201, state: 'pending' });
      expect((await requestsOf(bob, 'outgoing')).map(({ to }) => to.id)).to.deep.equal([ann.id]);
      expect(await relationOf(bob, ann)).to.equal('request_sent');
      if (when === 'later') await bobs.next('friend_request_received');
      expect(await requestsOf(ann)).to.deep.equal([]);
      expect(await relationOf(ann, bob)).to.equal('blocked');
      for (const answer of ['accept', 'reject'])
        expect((await ann.rest('POST', `/api/friends/${bob.id}/${answer}`)).body.code).to.equal('not_found');
      expect((await ask(ann, bob)).body).to.include({ status: 403, code: 'not_allowed' });
      expect(anns.untaken('friend_request_received')).to.deep.equal([]);

      await unblock(ann, bob.id);
      const received = await anns.next('friend_request_received');
      expect(received.from).to.include({ id: bob.id, relation: 'request_received' });
      expect(await requestsOf(ann)).to.deep.equal([received]);
      expect((await ann.rest('POST', `/api/friends/${bob.id}/accept`)).status).to.equal(200);
      await bobs.next('friend_request_accepted');
      // friends now, of whom one came a moment ago
      expect(bobs.heard.filter(({ event }) => event !== 'user_presence')).to.deep.equal([]);
      for (const socket of [anns, bobs]) socket.close();
    });

  it('a request that is withdrawn while hidden is told to nobody but its asker', async () => {
    const [ann, bob] = await two();
    await block(ann, bob.id);
    await ask(bob, ann);
    const [anns, bobs] = await Promise.all([ann.connect(), bob.connect()]);
    await bob.rest('DELETE', `/api/friends/requests/${ann.id}`);
    await bobs.next('friend_request_withdrawn');
    await unblock(ann, bob.id);
    await anns.next('blacklist_updated');
    expect(anns.heard).to.deep.equal([]);
    for (const socket of [anns, bobs]) socket.close();
  });

  it('both may block each other, and each unblocks for themselves', async () => {
    const [ann, bob] = await two();
    await block(ann, bob.id);
    await block(bob, ann.id);
    await unblock(ann, bob.id);
    expect([await relationOf(ann, bob), await relationOf(bob, ann)]).to.deep.equal(['none', 'blocked']);
    expect((await ask(ann, bob)).body.status).to.equal('pending');
    expect(await requestsOf(bob)).to.deep.equal([]);
  });

  it('answers not_allowed to oneself, not_found alike to a nobody and a deleted account', async () => {
    const [ann, gone] = await two();
    await gone.rest('DELETE', '/api/users/me', { proof: { currentPassword: gone.password } });
    expect((await block(ann, ann.id)).body).to.include({ status: 403, code: 'not_allowed' });
    const [nobody, deleted] = [await block(ann, 'f'.repeat(24)), await block(ann, gone.id)];
    expect(nobody.body).to.include({ status: 404, code: 'not_found' });
    expect({ ...deleted.body, requestId: '' }).to.deep.equal({ ...nobody.body, requestId: '' });
    expect(await blacklistOf(ann)).to.deep.equal([]);
    for (const bad of ['x', 7, null, { $ne: '' }, [ann.id]])
      expect((await block(ann, bad)).body.code).to.equal('validation_failed');
  });

  it('1,000 at the most, however many are added at once: limit_reached, and then nothing has changed', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const others = await Promise.all(Array.from({ length: 6 }, () => buildUser(app.url)));
    await seedBlocked(ann, 998);
    const answers = await Promise.all(others.map(({ id }) => block(ann, id)));
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([201, 201, 409, 409, 409, 409]);
    expect((await block(ann, bob.id)).body).to.include({ status: 409, code: 'limit_reached' });
    expect(await relationOf(ann, bob)).to.equal('friend');
    const blocked = others[answers.findIndex(({ status }) => status === 201)];
    expect((await block(ann, blocked?.id)).status, 'a repeat').to.equal(201);
    await unblock(ann, blocked?.id ?? '');
    expect((await block(ann, bob.id)).status).to.equal(201);
  });
});

describe('friends: blacklist_remove', () => {
  before(open);
  after(close);

  it('restores nothing, is heard by my other devices only, and repeating it is harmless', async () => {
    const [ann, bob] = await buildFriends(app.url);
    await block(ann, bob.id);
    const [acting, other, bobs] = await Promise.all([ann.connect(), ann.connect(), bob.connect()]);
    await acting.call('blacklist_remove', { userId: bob.id });
    await acting.call('blacklist_remove', { userId: bob.id });
    expect((await unblock(ann, bob.id)).status).to.equal(204);
    expect(await other.next('blacklist_updated')).to.deep.equal({ userId: bob.id, blocked: false });
    expect([await relationOf(ann, bob), await relationOf(bob, ann)]).to.deep.equal(['none', 'none']);
    expect(await blacklistOf(ann)).to.deep.equal([]);
    expect((await send(ann, bob)).body.code).to.equal('not_allowed');
    await befriend(ann, bob);
    for (const socket of [acting, other, bobs]) {
      await socket.next('friend_request_accepted');
      expect(socket.untaken('blacklist_updated')).to.deep.equal([]);
      socket.close();
    }
  });

  it('says nothing of who is on no list: a stranger, a nobody, oneself, who blocks me', async () => {
    const [ann, bob] = await two();
    await block(bob, ann.id);
    for (const id of [(await buildUser(app.url)).id, 'f'.repeat(24), ann.id, bob.id])
      expect((await unblock(ann, id)).status).to.equal(204);
    expect(await relationOf(bob, ann)).to.equal('blocked');
  });
});

describe('friends: blacklist_list', () => {
  before(open);
  after(close);

  it('shows whom I block, the latest first, in pages, and nobody else’s list', async () => {
    const ann = await buildUser(app.url);
    const ids: string[] = [];
    for (let count = 0; count < 5; count++) {
      const other = await buildUser(app.url);
      await block(ann, other.id);
      if (count % 2) await block(other, ann.id);
      ids.unshift(other.id);
    }
    const socket = await ann.connect();
    const { items, nextCursor } = await socket.call('blacklist_list', {});
    expect(nextCursor).to.equal(null);
    expect(items.map(({ user }) => user.id)).to.deep.equal(ids);
    const paged: unknown[] = [];
    let cursor: string | undefined;
    do {
      const page = await socket.call('blacklist_list', { limit: 2, cursor });
      expect(page.items.length).to.be.within(1, 2);
      paged.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(paged).to.deep.equal(items);
    expect(await blacklistOf(await buildUser(app.url))).to.deep.equal([]);
    socket.close();
  });

  it('loses and doubles nobody between pages when all were blocked at once', async () => {
    const ann = await buildUser(app.url);
    const others = await Promise.all(Array.from({ length: 7 }, () => buildUser(app.url)));
    const [store, now] = [createRelationshipStore(database), new Date()];
    for (const { id } of others)
      await store.change([ann.id, id], async (pair) => afterBlocking(pair, ann.id, now));
    const found: string[] = [];
    let cursor = '';
    do {
      const { body } = await ann.rest(
        'GET',
        `/api/friends/blacklist?limit=3${cursor && `&cursor=${cursor}`}`,
      );
      found.push(...(body.items as { user: { id: string } }[]).map(({ user }) => user.id));
      cursor = String(body.nextCursor ?? '');
    } while (cursor !== '');
    expect(found).to.have.length(7);
    expect(found).to.have.members(others.map(({ id }) => id));
  });

  it('refuses a limit or cursor that is none', async () => {
    const ann = await buildUser(app.url);
    for (const query of ['limit=0', 'limit=101', 'limit=NaN', 'cursor=x', 'cursor=W10', 'since=1'])
      expect((await ann.rest('GET', `/api/friends/blacklist?${query}`)).body.code).to.equal(
        'validation_failed',
      );
  });

  it('leaves hidden requests out of the pages of requests without a gap', async () => {
    const ann = await buildUser(app.url);
    const askers: TestUser[] = [];
    for (let count = 0; count < 6; count++) {
      const asker = await buildUser(app.url);
      askers.unshift(asker);
      await ask(asker, ann);
    }
    const [first, , , fourth] = askers;
    for (const hidden of [first, fourth]) await block(ann, hidden?.id);
    const { body } = await ann.rest('GET', '/api/friends/requests?limit=2');
    const page = body.items as { from: { id: string } }[];
    expect(page.map(({ from }) => from.id)).to.deep.equal([askers[1]?.id, askers[2]?.id]);
    const next = await ann.rest('GET', `/api/friends/requests?limit=2&cursor=${body.nextCursor}`);
    const rest = next.body.items as { from: { id: string } }[];
    expect(rest.map(({ from }) => from.id)).to.deep.equal([askers[4]?.id, askers[5]?.id]);
    expect(next.body.nextCursor).to.equal(null);
  });
});
