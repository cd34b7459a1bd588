import { expect } from 'chai';
import { unzipSync } from 'fflate';
import { block } from '../support/blacklist.ts';
import { buildFriends, buildUser, type TestUser } from '../support/builders.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const nickname = 'Indistinct';
const unknownId = '0123456789abcdef01234567';

let app: TestApp;

/** The four whom somebody may meet: one who does not know them, one who blocks them, nobody, and one who has gone. */
interface Cast {
  ann: TestUser;
  stranger: string;
  blocker: string;
  unknown: string;
  deleted: string;
}

async function buildCast(): Promise<Cast & { theBlocker: TestUser }> {
  const ann = await buildUser(app.url);
  const [stranger, theBlocker, gone] = await Promise.all(
    [1, 2, 3].map(() => buildUser(app.url, { nickname })),
  );
  if (!stranger || !theBlocker || !gone) throw new Error('nobody');
  await block(theBlocker, ann.id);
  await gone.rest('DELETE', '/api/users/me', { proof: { currentPassword: gone.password } });
  const cast = { stranger: stranger.id, blocker: theBlocker.id, unknown: unknownId, deleted: gone.id };
  return { ann, theBlocker, ...cast };
}

/** What was answered, without what is another's by nature: the id that was asked about, and the time. */
function comparable(answer: { status: number; body: unknown }, id: string): unknown {
  const text = JSON.stringify({ status: answer.status, body: answer.body })
    .replaceAll(id, 'ID')
    .replace(/"requestId":"[^"]*"/, '"requestId":""')
    .replaceAll(/"createdAt":"[^"]*"/g, '"createdAt":""');
  return JSON.parse(text);
}

type Operation = [name: string, method: string, path: (id: string) => string, body?: (id: string) => object];

const profile: Operation = ['a profile', 'GET', (id) => `/api/users/${id}`];
const ask: Operation = [
  'asking',
  'POST',
  () => '/api/friends/add',
  (userId) => ({ userId, message: 'please' }),
];
const withdraw: Operation = ['withdrawing', 'DELETE', (id) => `/api/friends/requests/${id}`];
const outgoing: Operation = ['my requests', 'GET', () => '/api/friends/requests?direction=outgoing'];
const several: Operation = ['several people', 'GET', (id) => `/api/users?ids=${id}`];
const incoming: Operation = ['requests to me', 'GET', () => '/api/friends/requests'];
const friends: Operation = ['my friends', 'GET', () => '/api/friends'];
const blocked: Operation = ['my blacklist', 'GET', () => '/api/friends/blacklist'];
const addBlock: Operation = ['blocking', 'POST', () => '/api/friends/blacklist', (userId) => ({ userId })];
const endBlock: Operation = ['unblocking', 'DELETE', (id) => `/api/friends/blacklist/${id}`];

/** Refused alike to all four. */
const refusals: Operation[] = [
  ['accepting', 'POST', (id) => `/api/friends/${id}/accept`],
  ['rejecting', 'POST', (id) => `/api/friends/${id}/reject`],
  withdraw,
  ['removing', 'DELETE', (id) => `/api/friends/${id}`],
  ['a remark', 'PUT', (id) => `/api/friends/${id}/remark`, () => ({ remark: 'x' })],
  ['history', 'GET', (id) => `/api/messages/private/${id}`],
  ['writing', 'POST', (id) => `/api/messages/private/${id}`, () => ({ content: 'hello' })],
];

async function perform(ann: TestUser, [, method, path, body]: Operation, id: string) {
  return comparable(await ann.rest(method, path(id), body?.(id)), id);
}

describe('friends: who is blocked', () => {
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  it('gets the same answers, word for word, from a blocker as from a stranger, whatever they do', async () => {
    const { ann, stranger, blocker } = await buildCast();
    const story = [profile, several, friends, incoming, outgoing, blocked, ...refusals]
      .concat([ask, ask, profile, several, outgoing, incoming, ...refusals.filter((one) => one !== withdraw)])
      .concat([withdraw, withdraw, profile, outgoing, ask, profile, addBlock, addBlock, profile, blocked])
      .concat([outgoing, ask, endBlock, endBlock, profile, ask, profile, outgoing, withdraw]);
    const told: unknown[][] = [];
    for (const id of [stranger, blocker]) {
      const answers: unknown[] = [];
      for (const operation of story) answers.push([operation[0], await perform(ann, operation, id)]);
      told.push(answers);
    }
    for (const [index, answer] of (told[0] ?? []).entries()) expect(told[1]?.[index]).to.deep.equal(answer);
  });

  for (const operation of refusals)
    it(`is refused alike by a stranger, a blocker, a nobody and a deleted account: ${operation[0]}`, async () => {
      const { ann, stranger, blocker, unknown, deleted } = await buildCast();
      const first = await perform(ann, operation, stranger);
      expect((first as { status: number }).status).to.be.oneOf([403, 404]);
      for (const id of [blocker, unknown, deleted])
        expect(await perform(ann, operation, id)).to.deep.equal(first);
    });

  for (const operation of [ask, addBlock])
    it(`meets a nobody and a deleted account alike: ${operation[0]}`, async () => {
      const { ann, unknown, deleted } = await buildCast();
      const first = await perform(ann, operation, unknown);
      expect(first).to.deep.include({ status: 404 });
      expect(await perform(ann, operation, deleted)).to.deep.equal(first);
    });

  it('finds a blocker by every search, as anybody', async () => {
    const { ann, theBlocker, stranger } = await buildCast();
    const find = async (q: string, path = '/api/friends/search') => {
      const { body } = await ann.rest('GET', `${path}?q=${encodeURIComponent(q)}&limit=100`);
      return body.items as { id: string; relation: string }[];
    };
    for (const path of ['/api/friends/search', '/api/users/search']) {
      const found = await find(nickname, path);
      for (const id of [theBlocker.id, stranger])
        expect(found.find((person) => person.id === id)).to.include({ relation: 'none' });
      expect(await find(theBlocker.email, path)).to.have.length(1);
    }
  });

  it('hears the same events when a friend blocks as when a friend removes them', async () => {
    const heard: unknown[] = [];
    for (const end of [
      (friend: TestUser, id: string) => friend.rest('DELETE', `/api/friends/${id}`),
      (friend: TestUser, id: string) => block(friend, id),
    ]) {
      const [ann, friend] = await buildFriends(app.url);
      const socket = await ann.connect();
      const { since } = await socket.call('sync', {});
      await end(friend, ann.id);
      const { stale } = await socket.call('sync', { since });
      await socket
        .next('friend_removed')
        .then((data) =>
          heard.push([comparable({ status: 0, body: data }, friend.id), stale, [...socket.heard]]),
        );
      socket.close();
    }
    expect(heard[1]).to.deep.equal(heard[0]);
  });

  it('hears nothing, and finds nothing stale and nothing to export, when a stranger blocks and unblocks', async () => {
    const { ann, theBlocker } = await buildCast();
    const socket = await ann.connect();
    const { since } = await socket.call('sync', {});
    await theBlocker.rest('DELETE', `/api/friends/blacklist/${ann.id}`);
    await block(theBlocker, ann.id);
    expect((await socket.call('sync', { since })).stale).to.deep.equal([]);
    const { bytes } = await ann.rest('GET', '/api/users/me/export');
    const exported = unzipSync(new Uint8Array(bytes))['relations.json'];
    expect(Buffer.from(exported ?? []).toString()).to.equal('[]');
    const marker = await buildUser(app.url);
    await marker.rest('POST', '/api/friends/add', { userId: ann.id });
    await socket.next('friend_request_received');
    expect(socket.heard).to.deep.equal([]);
    socket.close();
  });

  it('learns nothing from what deleting their account counts', async () => {
    const { ann } = await buildCast();
    const other = await buildUser(app.url);
    await ann.rest('POST', '/api/friends/add', { userId: other.id });
    const { body } = await ann.rest('DELETE', '/api/users/me', { proof: { currentPassword: ann.password } });
    expect(body.deleted).to.deep.include({ relationships: 1 });
  });

  it('uses up their requests of the day on a blocker as on a stranger', async () => {
    const { ann, blocker, stranger } = await buildCast();
    for (let time = 0; time < 25; time++)
      for (const id of [blocker, stranger]) {
        expect(await perform(ann, ask, id)).to.deep.include({ status: 201 });
        await perform(ann, withdraw, id);
      }
    for (const id of [blocker, stranger])
      expect(await perform(ann, ask, id)).to.deep.include({ status: 429 });
  });
});
