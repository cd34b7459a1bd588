import { expect } from 'chai';
import { befriend, buildFriends, buildUser, type TestUser, uniqueEmail } from '../support/builders.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

let app: TestApp;
const two = () => Promise.all([buildUser(app.url), buildUser(app.url)]);
const relationOf = async (viewer: TestUser, other: TestUser) =>
  (await viewer.rest('GET', `/api/users/${other.id}`)).body.relation;
const ask = (asker: TestUser, target: object) => asker.rest('POST', '/api/friends/add', target);

describe('friends: friend_add', () => {
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  for (const [by, path, targetOf] of [
    ['userId', '/api/friends/add', ({ id }: TestUser) => ({ userId: id })],
    ['friendId', '/api/friend/request', ({ id }: TestUser) => ({ friendId: id })],
    ['e-mail in any case', '/api/friends/add', ({ email }: TestUser) => ({ email: email.toUpperCase() })],
  ] as const) {
    it(`by ${by} asks, and both sides see the request in their own view`, async () => {
      const [ann, bob] = await two();
      const { status, body } = await ann.rest('POST', path, { ...targetOf(bob), message: ' hello ' });
      expect(status).to.equal(201);
      expect(body).to.include({ status: 'pending', message: 'hello' });
      expect(body.from).to.include({ id: ann.id, relation: 'self' });
      expect(body.to).to.include({ id: bob.id, relation: 'request_sent' });
      const incoming = (await bob.rest('GET', '/api/friends/requests')).body.items as Record<
        string,
        object
      >[];
      expect(incoming).to.have.length(1);
      expect(incoming[0]?.from).to.include({ id: ann.id, relation: 'request_received' });
    });
  }

  it('is heard by both sides’ devices, not by the acting socket and not by a stranger', async () => {
    const [ann, bob] = await two();
    const stranger = await buildUser(app.url);
    const people = [ann, ann, bob, stranger] as const;
    const [acting, ownOther, bobs, strangers] = await Promise.all(people.map((person) => person.connect()));
    if (!acting || !ownOther || !bobs || !strangers) throw new Error('not connected');
    const request = await acting.call('friend_add', { userId: bob.id });
    expect(await ownOther.next('friend_request_received')).to.deep.equal(request);
    expect((await bobs.next('friend_request_received')).from).to.include({ relation: 'request_received' });

    await ask(stranger, { userId: ann.id });
    expect((await strangers.next('friend_request_received')).to.id).to.equal(ann.id);
    expect((await acting.next('friend_request_received')).from.id).to.equal(stranger.id);
    for (const socket of [acting, strangers])
      expect(socket.untaken('friend_request_received')).to.deep.equal([]);
    for (const socket of [acting, ownOther, bobs, strangers]) socket.close();
  });

  it('asking again answers the same request and is heard once', async () => {
    const [ann, bob] = await two();
    const socket = await bob.connect();
    const first = await ask(ann, { userId: bob.id, message: 'first' });
    const again = await ask(ann, { email: bob.email, message: 'second' });
    expect(again.status).to.equal(201);
    expect(again.body).to.deep.equal(first.body);
    await ask(await buildUser(app.url), { userId: bob.id, message: 'marker' });
    expect((await socket.next('friend_request_received')).message).to.equal('first');
    expect((await socket.next('friend_request_received')).message).to.equal('marker');
    socket.close();
  });

  it('crossing requests make friends at once, and both hear it', async () => {
    const [ann, bob] = await two();
    await ask(ann, { userId: bob.id });
    const [anns, bobs] = await Promise.all([ann.connect(), bob.connect()]);
    const { status, body } = await ask(bob, { userId: ann.id });
    expect({ status, state: body.status }).to.deep.equal({ status: 201, state: 'accepted' });
    expect(body.to).to.include({ id: ann.id, relation: 'friend' });
    expect((await anns.next('friend_request_accepted')).user).to.include({ id: bob.id, relation: 'friend' });
    expect((await bobs.next('friend_request_accepted')).user).to.include({ id: ann.id, relation: 'friend' });
    for (const person of [ann, bob])
      for (const direction of ['incoming', 'outgoing']) {
        const { body } = await person.rest('GET', `/api/friends/requests?direction=${direction}`);
        expect(body.items).to.deep.equal([]);
      }
    for (const socket of [anns, bobs]) socket.close();
  });

  it('asks in parallel from both sides end as one friendship, heard once by each', async () => {
    for (let round = 0; round < 5; round++) {
      const [ann, bob] = await two();
      const sockets = await Promise.all([ann.connect(), bob.connect()]);
      const answers = await Promise.all([
        ask(ann, { userId: bob.id }),
        ask(bob, { userId: ann.id }),
        ask(ann, { userId: bob.id }),
        ask(bob, { userId: ann.id }),
      ]);
      for (const { body } of answers)
        expect(body.status === 409 ? body.code : body.status).to.be.oneOf([
          'pending',
          'accepted',
          'already_friends',
        ]);
      expect([await relationOf(ann, bob), await relationOf(bob, ann)]).to.deep.equal(['friend', 'friend']);
      await ann.rest('POST', `/api/messages/private/${bob.id}`, { content: 'marker' });
      for (const socket of sockets) {
        await socket.next('new_private_message');
        await socket.next('friend_request_accepted');
        expect(socket.untaken('friend_request_accepted')).to.deep.equal([]);
        socket.close();
      }
    }
  });

  it('answers already_friends to friends', async () => {
    const [ann, bob] = await buildFriends(app.url);
    for (const [asker, target] of [
      [ann, bob],
      [bob, ann],
    ] as const)
      expect((await ask(asker, { userId: target.id })).body).to.include({
        status: 409,
        code: 'already_friends',
      });
  });

  it('answers not_found alike to a nobody, an unknown e-mail and one that may not be found', async () => {
    const [ann, hidden] = await two();
    await hidden.rest('PATCH', '/api/users/me', { privacy: { findByEmail: false } });
    const targets = [{ userId: 'f'.repeat(24) }, { email: uniqueEmail() }, { email: hidden.email }];
    const answers = await Promise.all(targets.map((target) => ask(ann, target)));
    for (const { body } of answers) {
      expect(body).to.include({ status: 404, code: 'not_found' });
      expect({ ...body, requestId: '' }).to.deep.equal({ ...answers[0]?.body, requestId: '' });
    }
    expect((await ask(ann, { userId: hidden.id })).status, 'by id').to.equal(201);
  });

  it('answers not_allowed to who wants no requests, unless they asked me first', async () => {
    const [ann, closed] = await two();
    await closed.rest('PATCH', '/api/users/me', { privacy: { friendRequests: 'nobody' } });
    expect((await ask(ann, { userId: closed.id })).body).to.include({ status: 403, code: 'not_allowed' });
    expect(await relationOf(ann, closed)).to.equal('none');
    await ask(closed, { userId: ann.id });
    expect((await ask(ann, { userId: closed.id })).body).to.include({ status: 'accepted' });
  });

  it('answers not_allowed to oneself, by id and by e-mail', async () => {
    const ann = await buildUser(app.url);
    for (const target of [{ userId: ann.id }, { email: ann.email }])
      expect((await ask(ann, target)).body).to.include({ status: 403, code: 'not_allowed' });
  });

  for (const [what, input] of [
    ['no target', {}],
    ['two targets', { userId: 'f'.repeat(24), email: 'ann@example.com' }],
    ['an id that is none', { userId: 'x' }],
    ['an e-mail that is none', { email: 'ann' }],
    ['a message of 501 characters', { userId: 'f'.repeat(24), message: 'm'.repeat(501) }],
    ['a message that is no text', { userId: 'f'.repeat(24), message: { $ne: '' } }],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const { body } = await ask(await buildUser(app.url), input);
      expect(body).to.include({ status: 400, code: 'validation_failed' });
    });
  }
});

describe('friends: friend_accept', () => {
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  for (const path of ['/api/friends/:id/accept', '/api/friend/accept/:id']) {
    it(`as POST ${path} makes us friends, answers the Friend, and both sides hear it`, async () => {
      const [ann, bob] = await two();
      const stranger = await buildUser(app.url);
      await ask(ann, { userId: bob.id });
      const [anns, bobs, strangers] = await Promise.all([ann.connect(), bob.connect(), stranger.connect()]);
      const { status, body } = await bob.rest('POST', path.replace(':id', ann.id));
      expect(status).to.equal(200);
      expect(body.user).to.include({ id: ann.id, relation: 'friend' });
      expect(body).to.deep.include({ remark: null, presence: { status: 'online', lastSeenAt: null } });
      expect((await anns.next('friend_request_accepted')).user.id).to.equal(bob.id);
      expect(await bobs.next('friend_request_accepted')).to.deep.equal(body);
      await ask(ann, { userId: stranger.id });
      await strangers.next('friend_request_received');
      expect(strangers.untaken('friend_request_accepted')).to.deep.equal([]);
      for (const socket of [anns, bobs, strangers]) socket.close();
    });
  }

  it('is not echoed to the acting socket', async () => {
    const [ann, bob] = await two();
    await ask(ann, { userId: bob.id });
    const [acting, other] = await Promise.all([bob.connect(), bob.connect()]);
    const friend = await acting.call('friend_accept', { friendId: ann.id });
    expect(await other.next('friend_request_accepted')).to.deep.equal(friend);
    await ann.rest('POST', `/api/messages/private/${bob.id}`, { content: 'marker' });
    await acting.next('new_private_message');
    expect(acting.untaken('friend_request_accepted')).to.deep.equal([]);
    for (const socket of [acting, other]) socket.close();
  });

  it('twice, at once or later, by either side, answers the Friend and is heard once', async () => {
    const [ann, bob] = await two();
    await ask(ann, { userId: bob.id });
    const sockets = await Promise.all([ann.connect(), bob.connect()]);
    const accept = () => bob.rest('POST', `/api/friends/${ann.id}/accept`);
    const answers = await Promise.all([accept(), accept(), accept(), accept()]);
    answers.push(await accept());
    for (const { body } of answers) expect(body).to.deep.equal(answers[0]?.body);
    expect((await ann.rest('POST', `/api/friends/${bob.id}/accept`)).status).to.equal(200);
    await ann.rest('POST', `/api/messages/private/${bob.id}`, { content: 'marker' });
    for (const socket of sockets) {
      await socket.next('new_private_message');
      await socket.next('friend_request_accepted');
      expect(socket.untaken('friend_request_accepted')).to.deep.equal([]);
      socket.close();
    }
  });

  it('answers not_found without a request: to a stranger, a nobody, oneself, and to who asked themselves', async () => {
    const [ann, bob] = await two();
    await ask(ann, { userId: bob.id });
    const stranger = await buildUser(app.url);
    for (const [accepter, friendId] of [
      [ann, bob.id],
      [ann, stranger.id],
      [ann, ann.id],
      [ann, 'f'.repeat(24)],
      [stranger, ann.id],
    ] as const) {
      const { body } = await accepter.rest('POST', `/api/friends/${friendId}/accept`);
      expect(body).to.include({ status: 404, code: 'not_found' });
    }
    expect(await relationOf(ann, bob)).to.equal('request_sent');
  });

  it('and asking in parallel from both sides end as one friendship', async () => {
    for (let round = 0; round < 5; round++) {
      const [ann, bob] = await two();
      await ask(ann, { userId: bob.id });
      await Promise.all([ask(bob, { userId: ann.id }), befriend(ann, bob), ask(ann, { userId: bob.id })]);
      expect([await relationOf(ann, bob), await relationOf(bob, ann)]).to.deep.equal(['friend', 'friend']);
      expect((await ann.rest('GET', '/api/friends')).body.items).to.have.length(1);
    }
  });
});
