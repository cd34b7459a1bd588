import { expect } from 'chai';
import mongoose, { type Connection } from 'mongoose';
import {
  afterAccepting,
  afterAsking,
  afterBlocking,
  blankSide,
} from '../../src/features/friends/friends.rules.ts';
import { createRelationshipStore } from '../../src/features/friends/friends.store.ts';
import { befriend, buildFriends, buildUser, type TestUser } from '../support/builders.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

let app: TestApp;
let database: Connection;

async function open(): Promise<void> {
  app = await startApp();
  database = await mongoose.createConnection(app.mongodbUri).asPromise();
}

async function close(): Promise<void> {
  await database.close();
  await app.close();
}

const ask = (asker: TestUser, target: object) => asker.rest('POST', '/api/friends/add', target);

/** Puts so many pairs of a person and people whom nobody knows into the database. */
async function seedPairs(user: TestUser, count: number, fields: (other: mongoose.mongo.ObjectId) => object) {
  const own = new mongoose.Types.ObjectId(user.id);
  const pairs = Array.from({ length: count }, () => {
    const other = new mongoose.Types.ObjectId();
    const blank = { requestedBy: null, requestedTo: null, requestedAt: null, requestMessage: null };
    const sides = { lowSide: blankSide, highSide: blankSide, blockedBy: [] };
    const pair = { low: own, high: other, friendIds: [], since: null, updatedAt: new Date() };
    return { ...pair, ...blank, ...sides, version: 1, ...fields(other) };
  });
  await database.collection('relationships').insertMany(pairs);
}

/** Some at a time: no more passwords than that may wait to be hashed. */
const people = async (count: number): Promise<TestUser[]> => {
  const all: TestUser[] = [];
  while (all.length < count) {
    const some = Array.from({ length: Math.min(20, count - all.length) }, () => buildUser(app.url));
    all.push(...(await Promise.all(some)));
  }
  return all;
};

/** Every page of a list, with so many items each. */
async function allPages(user: TestUser, path: string, limit: number): Promise<unknown[][]> {
  const pages: unknown[][] = [];
  let cursor = '';
  do {
    const { body } = await user.rest('GET', `${path}limit=${limit}${cursor && `&cursor=${cursor}`}`);
    pages.push(body.items as unknown[]);
    cursor = String(body.nextCursor ?? '');
  } while (cursor !== '');
  return pages;
}

describe('friends: friend_request_list', () => {
  before(open);
  after(close);

  it('shows each direction, the latest first, whole and in pages, under every name', async () => {
    const ann = await buildUser(app.url);
    const others: TestUser[] = [];
    for (let count = 0; count < 5; count++) {
      const other = await buildUser(app.url);
      others.unshift(other);
      if (count < 3) await ask(other, { userId: ann.id });
      else await ask(ann, { userId: other.id });
    }
    const [outgoing, incoming] = [others.slice(0, 2), others.slice(2)];
    for (const path of ['/api/friends/requests', '/api/friend/requests']) {
      const { body } = await ann.rest('GET', path);
      expect((body.items as { from: { id: string } }[]).map(({ from }) => from.id)).to.deep.equal(
        incoming.map(({ id }) => id),
      );
    }
    const sent = await ann.rest('GET', '/api/friends/requests?direction=outgoing');
    expect((sent.body.items as { to: { id: string } }[]).map(({ to }) => to.id)).to.deep.equal(
      outgoing.map(({ id }) => id),
    );
    const whole = (await ann.rest('GET', '/api/friends/requests')).body.items as unknown[];
    const pages = await allPages(ann, '/api/friends/requests?', 2);
    expect(pages.map(({ length }) => length)).to.deep.equal([2, 1]);
    expect(pages.flat()).to.deep.equal(whole);
  });

  it('shows no request of or to another', async () => {
    const [ann, bob] = await Promise.all([buildUser(app.url), buildUser(app.url)]);
    await ask(ann, { userId: bob.id });
    const stranger = await buildUser(app.url);
    for (const direction of ['incoming', 'outgoing']) {
      const { body } = await stranger.rest('GET', `/api/friends/requests?direction=${direction}`);
      expect(body).to.deep.equal({ items: [], nextCursor: null });
    }
  });

  it('refuses another direction, and a limit or cursor that is none', async () => {
    const ann = await buildUser(app.url);
    for (const query of ['direction=both', 'limit=0', 'limit=101', 'limit=1.5', 'cursor=x']) {
      const { body } = await ann.rest('GET', `/api/friends/requests?${query}`);
      expect(body.code, query).to.equal('validation_failed');
    }
  });
});

describe('friends: friend_list', () => {
  before(open);
  after(close);

  it('shows friends, the latest first, whole and in pages, under every name', async () => {
    const ann = await buildUser(app.url);
    const ids: string[] = [];
    for (let count = 0; count < 5; count++) {
      const other = await buildUser(app.url);
      await befriend(other, ann);
      ids.unshift(other.id);
    }
    const socket = await ann.connect();
    const { items } = await socket.call('friend_list', {});
    expect(items.map(({ user }) => user.id)).to.deep.equal(ids);
    expect((await ann.rest('GET', '/api/friend/list')).body.items).to.deep.equal(items);
    const pages = await allPages(ann, '/api/friends?', 2);
    expect(pages.map(({ length }) => length)).to.deep.equal([2, 2, 1]);
    expect(pages.flat()).to.deep.equal(items);
    socket.close();
  });

  it('loses and doubles nobody between pages when all became friends at once', async () => {
    const ann = await buildUser(app.url);
    const others = await Promise.all(Array.from({ length: 7 }, () => buildUser(app.url)));
    for (const other of others) await befriend(other, ann);
    const friendIds = new mongoose.Types.ObjectId(ann.id);
    await database.collection('relationships').updateMany({ friendIds }, { $set: { since: new Date() } });
    const pages = (await allPages(ann, '/api/friends?', 3)) as { user: { id: string } }[][];
    expect(pages.flat().map(({ user }) => user.id)).to.have.members(others.map(({ id }) => id));
  });

  it('is empty for who has asked and been asked only', async () => {
    const [ann, bob] = await Promise.all([buildUser(app.url), buildUser(app.url)]);
    await ask(ann, { userId: bob.id });
    for (const person of [ann, bob])
      expect((await person.rest('GET', '/api/friends')).body).to.deep.equal({ items: [], nextCursor: null });
  });
});

describe('friends: lists', () => {
  before(open);
  after(close);

  const lists = ['/api/friends', '/api/friends/requests', '/api/friends/blacklist?limit=100'];

  /** A person with so many friends, so many who ask, and so many whom they block. */
  async function personWith(each: number): Promise<TestUser> {
    const [ann, ...others] = await people(1 + 3 * each);
    if (!ann) throw new Error('nobody');
    const [store, now] = [createRelationshipStore(database), new Date()];
    for (const [index, { id }] of others.entries())
      await store.change([ann.id, id], async (pair) => {
        if (index % 3 === 0) return afterBlocking(pair, ann.id, now);
        const asked = afterAsking(pair, { askerId: id, targetId: ann.id, message: null, now });
        return index % 3 === 1 ? asked : afterAccepting(asked, ann.id, now);
      });
    return ann;
  }

  async function costOf(person: TestUser, path: string): Promise<{ operations: number; shown: number }> {
    let operations = 0;
    mongoose.set('debug', () => {
      operations++;
    });
    const { body } = await person.rest('GET', path);
    mongoose.set('debug', false);
    return { operations, shown: (body.items as unknown[]).length };
  }

  it('of many people cost as few database operations as of one', async () => {
    const [few, many] = [await personWith(1), await personWith(60)];
    for (const path of lists) {
      const [one, all] = [await costOf(few, path), await costOf(many, path)];
      expect([one.shown, all.shown], path).to.deep.equal([1, 60]);
      expect(one.operations, path).to.be.within(2, 5);
      expect(all.operations, path).to.equal(one.operations);
    }
  });
});

describe('friends: presence', () => {
  before(open);
  after(close);

  const presenceFor = async (viewer: TestUser) => {
    const { body } = await viewer.rest('GET', '/api/friends');
    return (body.items as { presence: { status: string; lastSeenAt: string | null } }[])[0]?.presence;
  };

  it('is online while a friend has a socket, and offline with the time of the last after that', async () => {
    const [ann, bob] = await buildFriends(app.url);
    expect(await presenceFor(ann)).to.deep.equal({ status: 'offline', lastSeenAt: null });
    const sockets = await Promise.all([bob.connect(), bob.connect()]);
    expect(await presenceFor(ann)).to.include({ status: 'online' });
    sockets[0].close();
    await sockets[1].call('profile_get', {});
    expect(await presenceFor(ann)).to.include({ status: 'online' });
    await sockets[1].call('logout', {});
    await sockets[1].closed();
    let presence = await presenceFor(ann);
    while (presence?.lastSeenAt === null) presence = await presenceFor(ann);
    expect(presence).to.include({ status: 'offline' });
    expect(Date.now() - Date.parse(presence?.lastSeenAt ?? '')).to.be.within(-1000, 10_000);
  });

  it('is hidden both ways by whoever of the two hides it', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const sockets = await Promise.all([ann.connect(), bob.connect()]);
    const hidden = { status: 'offline', lastSeenAt: null };
    for (const hider of [ann, bob]) {
      await hider.rest('PATCH', '/api/users/me', { privacy: { lastSeen: false } });
      for (const viewer of [ann, bob]) expect(await presenceFor(viewer)).to.deep.equal(hidden);
      await hider.rest('PATCH', '/api/users/me', { privacy: { lastSeen: true } });
      for (const viewer of [ann, bob]) expect(await presenceFor(viewer)).to.include({ status: 'online' });
    }
    for (const socket of sockets) socket.close();
  });
});

describe('friends: limits', () => {
  before(open);
  after(close);

  const dayMs = 24 * 3_600_000;

  it('50 new requests a day, however many are made at once: rate_limited until the day is over', async () => {
    const [ann, ...others] = await people(61);
    if (!ann) throw new Error('nobody');
    const answers = await Promise.all(others.map(({ id }) => ask(ann, { userId: id })));
    const refused = answers.filter(({ status }) => status !== 201);
    expect(refused).to.have.length(10);
    for (const { body, headers } of refused) {
      expect(body).to.include({ status: 429, code: 'rate_limited' });
      expect(body.retryAfterMs).to.be.within(dayMs - 60_000, dayMs);
      expect(Number(headers.get('retry-after'))).to.equal(Math.ceil(Number(body.retryAfterMs) / 1000));
    }
    const [asked, notAsked] = [201, 429].map(
      (code) => others[answers.findIndex(({ status }) => status === code)],
    );
    if (!asked || !notAsked) throw new Error('nobody');
    expect((await ask(ann, { userId: asked.id })).status, 'asking again').to.equal(201);
    expect((await ask(notAsked, { userId: ann.id })).status, 'being asked').to.equal(201);
    expect((await ask(ann, { userId: notAsked.id })).body.status, 'answering').to.equal('accepted');
  });

  it('a new day brings new requests', async () => {
    const [ann, bob, cem] = await people(3);
    if (!ann || !bob || !cem) throw new Error('nobody');
    await ask(ann, { userId: bob.id });
    const yesterday = { points: 50, expire: new Date(Date.now() - 1000) };
    await database.collection('limits').updateOne({ key: `friend_request:${ann.id}` }, { $set: yesterday });
    expect((await ask(ann, { userId: cem.id })).status).to.equal(201);
  });

  it('3,000 friends: limit_reached for both sides of the pair, whoever accepts', async () => {
    const [full, asker] = await Promise.all([buildUser(app.url), buildUser(app.url)]);
    const own = new mongoose.Types.ObjectId(full.id);
    const since = new Date();
    await seedPairs(full, 2999, (other) => ({ friendIds: [own, other], since }));
    await befriend(await buildUser(app.url), full);
    await ask(asker, { userId: full.id });
    const accepted = await full.rest('POST', `/api/friends/${asker.id}/accept`);
    expect(accepted.body).to.include({ status: 409, code: 'limit_reached' });
    expect((await ask(full, { userId: asker.id })).body.code).to.equal('limit_reached');
    expect((await asker.rest('GET', `/api/users/${full.id}`)).body.relation).to.equal('request_sent');
  });

  it('3,000 friends, however many are accepted at once', async () => {
    const [full, ...askers] = await people(7);
    if (!full) throw new Error('nobody');
    const own = new mongoose.Types.ObjectId(full.id);
    await seedPairs(full, 2998, (other) => ({ friendIds: [own, other], since: new Date() }));
    for (const asker of askers) await ask(asker, { userId: full.id });
    const answers = await Promise.all(askers.map(({ id }) => full.rest('POST', `/api/friends/${id}/accept`)));
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 200, 409, 409, 409, 409]);
  });
});
