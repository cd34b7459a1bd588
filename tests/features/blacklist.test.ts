import { expect } from 'chai';
import {
  ask,
  blacklistOf,
  block,
  describeServer,
  relationOf,
  requestsOf,
  seedBlocked,
  send,
  two,
  unblock,
} from '../support/blacklist.ts';
import { befriend, buildFriends, buildUser } from '../support/builders.ts';

describe('friends: blacklist_add', () => {
  const server = describeServer();

  it('lists a stranger as blocked, answers the entry, and a repeat answers the same', async () => {
    const [ann, bob] = await two(server.app);
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
    const [ann, bob] = await buildFriends(server.app.url);
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
    await ask(await buildUser(server.app.url), bob);
    await bobs.next('friend_request_received');
    expect(bobs.heard, 'nothing else').to.deep.equal([]);
    for (const socket of [anns, bobs]) socket.close();
  });

  it('withdraws my own request, which the other hears as a withdrawal', async () => {
    const [ann, bob] = await two(server.app);
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
      const [ann, bob] = await two(server.app);
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
    const [ann, bob] = await two(server.app);
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
    const [ann, bob] = await two(server.app);
    await block(ann, bob.id);
    await block(bob, ann.id);
    await unblock(ann, bob.id);
    expect([await relationOf(ann, bob), await relationOf(bob, ann)]).to.deep.equal(['none', 'blocked']);
    expect((await ask(ann, bob)).body.status).to.equal('pending');
    expect(await requestsOf(bob)).to.deep.equal([]);
  });

  it('answers not_allowed to oneself, not_found alike to a nobody and a deleted account', async () => {
    const [ann, gone] = await two(server.app);
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
    const [ann, bob] = await buildFriends(server.app.url);
    const others = await Promise.all(Array.from({ length: 6 }, () => buildUser(server.app.url)));
    await seedBlocked(server.database, ann, 998);
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
  const server = describeServer();

  it('restores nothing, is heard by my other devices only, and repeating it is harmless', async () => {
    const [ann, bob] = await buildFriends(server.app.url);
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
    const [ann, bob] = await two(server.app);
    await block(bob, ann.id);
    for (const id of [(await buildUser(server.app.url)).id, 'f'.repeat(24), ann.id, bob.id])
      expect((await unblock(ann, id)).status).to.equal(204);
    expect(await relationOf(bob, ann)).to.equal('blocked');
  });
});
