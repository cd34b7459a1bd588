import { expect } from 'chai';
import { buildFriends, buildUser, type TestUser } from '../support/builders.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

let app: TestApp;
const open = async () => {
  app = await startApp();
};
const close = () => app.close();

const two = () => Promise.all([buildUser(app.url), buildUser(app.url)]);
const ask = (asker: TestUser, target: TestUser) =>
  asker.rest('POST', '/api/friends/add', { userId: target.id });
const relationOf = async (viewer: TestUser, other: TestUser) =>
  (await viewer.rest('GET', `/api/users/${other.id}`)).body.relation;

/** Two people of whom the first has asked the second. */
async function askerAndAsked(): Promise<[TestUser, TestUser]> {
  const [ann, bob] = await two();
  await ask(ann, bob);
  return [ann, bob];
}

async function expectNoRequest(...people: TestUser[]): Promise<void> {
  for (const person of people)
    for (const direction of ['incoming', 'outgoing']) {
      const { body } = await person.rest('GET', `/api/friends/requests?direction=${direction}`);
      expect(body).to.deep.equal({ items: [], nextCursor: null });
    }
}

describe('friends: friend_reject', () => {
  before(open);
  after(close);

  for (const path of ['/api/friends/:id/reject', '/api/friend/reject/:id']) {
    it(`as POST ${path} ends the request; both sides hear it, a stranger does not`, async () => {
      const [ann, bob] = await askerAndAsked();
      const stranger = await buildUser(app.url);
      const [anns, bobs, strangers] = await Promise.all([ann.connect(), bob.connect(), stranger.connect()]);
      expect((await bob.rest('POST', path.replace(':id', ann.id))).status).to.equal(204);
      expect(await anns.next('friend_request_rejected')).to.deep.equal({ userId: bob.id });
      expect(await bobs.next('friend_request_rejected')).to.deep.equal({ userId: ann.id });
      expect([await relationOf(ann, bob), await relationOf(bob, ann)]).to.deep.equal(['none', 'none']);
      await expectNoRequest(ann, bob);
      await ask(ann, stranger);
      await strangers.next('friend_request_received');
      expect(strangers.untaken('friend_request_rejected')).to.deep.equal([]);
      for (const socket of [anns, bobs, strangers]) socket.close();
    });
  }

  it('is not echoed to the acting socket, and lets the asker ask again', async () => {
    const [ann, bob] = await askerAndAsked();
    const [acting, other] = await Promise.all([bob.connect(), bob.connect()]);
    await acting.call('friend_reject', { friendId: ann.id });
    await other.next('friend_request_rejected');
    expect((await ask(ann, bob)).body.status).to.equal('pending');
    await acting.next('friend_request_received');
    expect(acting.untaken('friend_request_rejected')).to.deep.equal([]);
    for (const socket of [acting, other]) socket.close();
  });

  it('answers not_found alike to who was not asked: by a stranger, a nobody, oneself, a friend, and twice', async () => {
    const [ann, bob] = await askerAndAsked();
    const [friend, other] = await buildFriends(app.url);
    await bob.rest('POST', `/api/friends/${ann.id}/reject`);
    await ask(ann, bob);
    const answers = [];
    for (const [rejecter, friendId] of [
      [ann, bob.id],
      [ann, friend.id],
      [ann, ann.id],
      [ann, 'f'.repeat(24)],
      [friend, other.id],
    ] as const)
      answers.push((await rejecter.rest('POST', `/api/friends/${friendId}/reject`)).body);
    await bob.rest('POST', `/api/friends/${ann.id}/reject`);
    answers.push((await bob.rest('POST', `/api/friends/${ann.id}/reject`)).body);
    for (const body of answers) {
      expect(body).to.include({ status: 404, code: 'not_found' });
      expect({ ...body, requestId: '' }).to.deep.equal({ ...answers[0], requestId: '' });
    }
    expect(await relationOf(friend, other)).to.equal('friend');
  });
});

describe('friends: friend_withdraw', () => {
  before(open);
  after(close);

  it('takes my request back; both sides hear it, the acting socket does not', async () => {
    const [ann, bob] = await askerAndAsked();
    const [acting, other, bobs] = await Promise.all([ann.connect(), ann.connect(), bob.connect()]);
    await acting.call('friend_withdraw', { userId: bob.id });
    expect(await other.next('friend_request_withdrawn')).to.deep.equal({ userId: bob.id });
    expect(await bobs.next('friend_request_withdrawn')).to.deep.equal({ userId: ann.id });
    await expectNoRequest(ann, bob);
    await ask(bob, ann);
    await acting.next('friend_request_received');
    expect(acting.untaken('friend_request_withdrawn')).to.deep.equal([]);
    for (const socket of [acting, other, bobs]) socket.close();
  });

  it('is DELETE /api/friends/requests/:userId, and then there is nothing to accept', async () => {
    const [ann, bob] = await askerAndAsked();
    expect((await ann.rest('DELETE', `/api/friends/requests/${bob.id}`)).status).to.equal(204);
    expect((await bob.rest('POST', `/api/friends/${ann.id}/accept`)).body.code).to.equal('not_found');
    expect(await relationOf(bob, ann)).to.equal('none');
  });

  it('answers not_found alike to who has not asked: a stranger, a nobody, oneself, who was asked, and twice', async () => {
    const [ann, bob] = await askerAndAsked();
    const withdraw = async (person: TestUser, id: string) =>
      (await person.rest('DELETE', `/api/friends/requests/${id}`)).body;
    const stranger = await buildUser(app.url);
    const answers = [];
    for (const id of [stranger.id, 'f'.repeat(24), ann.id]) answers.push(await withdraw(ann, id));
    answers.push(await withdraw(bob, ann.id));
    await withdraw(ann, bob.id);
    answers.push(await withdraw(ann, bob.id));
    for (const body of answers) {
      expect(body).to.include({ status: 404, code: 'not_found' });
      expect({ ...body, requestId: '' }).to.deep.equal({ ...answers[0], requestId: '' });
    }
  });

  it('counts towards the day’s requests like any other: asking and withdrawing is no way around them', async () => {
    const [ann, bob] = await two();
    for (let time = 0; time < 50; time++) {
      expect((await ask(ann, bob)).status).to.equal(201);
      await ann.rest('DELETE', `/api/friends/requests/${bob.id}`);
    }
    expect((await ask(ann, bob)).body.code).to.equal('rate_limited');
  });
});

describe('friends: hostile input', () => {
  before(open);
  after(close);

  const bad = ['x', 'abcdefghijkl', 'g'.repeat(24), '%00', '[object Object]', '__proto__'];
  for (const [method, path] of [
    ['POST', '/api/friends/:id/reject'],
    ['POST', '/api/friend/reject/:id'],
    ['DELETE', '/api/friends/requests/:id'],
    ['DELETE', '/api/friends/:id'],
    ['DELETE', '/api/friend/:id'],
    ['PUT', '/api/friends/:id/remark'],
    ['DELETE', '/api/friends/blacklist/:id'],
  ] as const)
    it(`${method} ${path} names what is no id, and wants a token`, async () => {
      const ann = await buildUser(app.url);
      for (const id of bad) {
        const target = path.replace(':id', encodeURIComponent(id));
        const { body } = await ann.rest(method, target, method === 'PUT' ? { remark: 'x' } : undefined);
        expect(body.code, id).to.equal('validation_failed');
      }
      const { status } = await fetch(app.url + path.replace(':id', ann.id), { method });
      expect(status).to.equal(401);
    });

  for (const [event, field] of [
    ['friend_reject', 'friendId'],
    ['friend_withdraw', 'userId'],
    ['friend_remove', 'friendId'],
    ['friend_remark', 'friendId'],
    ['blacklist_add', 'userId'],
    ['blacklist_remove', 'userId'],
  ] as const)
    it(`${event} refuses operators, arrays, numbers and nothing where an id belongs`, async () => {
      const socket = await (await buildUser(app.url)).connect();
      for (const id of [{ $ne: null }, { $gt: '' }, ['f'.repeat(24)], 2 ** 53, null, undefined, '', true])
        await socket.refused(event, { [field]: id, remark: 'x' }, 'validation_failed');
      socket.close();
    });

  it('the newer operations refuse fields that they do not know, the older ones ignore them', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const socket = await ann.connect();
    const extra = { userId: bob.id, reason: 'spam' };
    for (const event of ['friend_withdraw', 'blacklist_add', 'blacklist_remove'])
      await socket.refused(event, extra, 'validation_failed');
    await socket.refused('blacklist_list', { extra: 1 }, 'validation_failed');
    expect((await socket.emit('friend_remove', { friendId: bob.id, reason: 'x' })).ok).to.equal(true);
    socket.close();
  });
});
