import { expect } from 'chai';
import { logInAgain, type TestUser } from '../support/builders.ts';
import { buildGroup, kick, mute, promote } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { closeAll } from '../support/talk.ts';

describe('members of groups', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  describe('leaving', () => {
    it('ends everything of the group for who leaves, on every device', async () => {
      const { id, owner, members } = await buildGroup(app.url);
      const [bob] = members;
      const [one, ear] = await Promise.all([bob.connect(), owner.connect()]);
      const two = await (await logInAgain(app.url, bob)).connect();
      await one.call('group_leave', { groupId: id });
      for (const socket of [one, two, ear])
        expect(await socket.next('group_member_left')).to.deep.include({ groupId: id, userId: bob.id });
      await owner.rest('PATCH', `/api/groups/${id}`, { name: 'Unheard' });
      await ear.next('group_updated');
      expect(one.untaken('group_updated')).to.deep.equal([]);
      expect(two.untaken('group_updated')).to.deep.equal([]);
      for (const path of ['', '/members']) {
        expect((await bob.rest('GET', `/api/groups/${id}${path}`)).body.code).to.equal('not_found');
      }
      expect((await bob.rest('GET', '/api/conversations')).body.items).to.deep.equal([]);
      const { body } = await bob.rest('POST', '/api/sync', { conversations: { [id]: 1 } });
      expect(body.gone).to.deep.equal([id]);
      expect((await bob.rest('POST', `/api/groups/${id}/leave`)).body.code).to.equal('not_found');
      closeAll(one, two, ear);
    });

    it('is not for the owner, who transfers or dissolves', async () => {
      const { id, owner, members } = await buildGroup(app.url);
      expect((await owner.rest('POST', `/api/groups/${id}/leave`)).body.code).to.equal('owner_cannot_leave');
      const transferred = await owner.rest('PUT', `/api/groups/${id}/owner`, { userId: members[0].id });
      expect(transferred.body).to.deep.include({ ownerId: members[0].id, role: 'admin' });
      expect((await owner.rest('POST', `/api/groups/${id}/leave`)).status).to.equal(204);
      expect((await members[0].rest('GET', `/api/groups/${id}`)).body).to.deep.include({
        role: 'owner',
        memberCount: 2,
      });
    });
  });

  describe('removal', () => {
    it('is heard by who is removed, and the last that they hear', async () => {
      const group = await buildGroup(app.url);
      const { id, owner, members } = group;
      const [ear, witness] = await Promise.all([members[0].connect(), members[1].connect()]);
      await kick(group, members[0]);
      expect(await ear.next('group_member_removed')).to.deep.include({
        userId: members[0].id,
        byId: owner.id,
      });
      await owner.rest('PATCH', `/api/groups/${id}`, { name: 'Unheard' });
      await witness.next('group_updated');
      expect(ear.untaken('group_updated')).to.deep.equal([]);
      closeAll(ear, witness);
    });

    it('bars on request: nobody brings them in again before they are let', async () => {
      const group = await buildGroup(app.url, { joinMode: 'open' });
      const { id, owner, members } = group;
      const [bob] = members;
      await owner.rest('DELETE', `/api/groups/${id}/members/${bob.id}?barred=true`);
      expect((await bob.rest('POST', `/api/groups/${id}/join`)).body.code).to.equal('not_allowed');
      const invited = await owner.rest('POST', `/api/groups/${id}/members`, { userIds: [bob.id] });
      expect(invited.body.code).to.equal('not_allowed');
      const { body } = await owner.rest('GET', `/api/groups/${id}/barred`);
      expect((body.items as { user: { id: string } }[]).map(({ user }) => user.id)).to.deep.equal([bob.id]);
      expect((await members[1].rest('GET', `/api/groups/${id}/barred`)).body.code).to.equal('not_allowed');
      expect((await owner.rest('DELETE', `/api/groups/${id}/barred/${bob.id}`)).status).to.equal(204);
      expect((await owner.rest('DELETE', `/api/groups/${id}/barred/${bob.id}`)).body.code).to.equal(
        'not_found',
      );
      expect((await bob.rest('POST', `/api/groups/${id}/join`)).body).to.deep.include({ id, role: 'member' });
    });

    it('is for admins over members, for the owner over everybody else, for nobody over themselves', async () => {
      const group = await buildGroup(app.url, { memberCount: 4 });
      const [first, second, third, fourth] = group.members as [TestUser, TestUser, TestUser, TestUser];
      await promote(group, first);
      await promote(group, second);
      const remove = (by: TestUser, who: TestUser) =>
        by.rest('DELETE', `/api/groups/${group.id}/members/${who.id}`);
      for (const [by, who] of [
        [third, fourth],
        [third, first],
        [first, second],
        [first, group.owner],
        [first, first],
        [group.owner, group.owner],
      ] as const)
        expect((await remove(by, who)).body.code).to.equal('not_allowed');
      expect((await remove(first, third)).status).to.equal(204);
      expect((await remove(first, third)).body.code).to.equal('not_found');
      expect((await remove(group.owner, first)).status).to.equal(204);
    });
  });

  describe('roles', () => {
    it('are given by the owner, told to everybody, and the same twice is harmless', async () => {
      const group = await buildGroup(app.url);
      const { id, owner, members } = group;
      const ear = await members[1].connect();
      const path = `/api/groups/${id}/members/${members[0].id}/role`;
      expect((await members[1].rest('PUT', path, { role: 'admin' })).body.code).to.equal('not_allowed');
      for (let again = 0; again < 2; again++)
        expect((await owner.rest('PUT', path, { role: 'admin' })).body).to.deep.include({ role: 'admin' });
      expect((await ear.next('group_role_changed')).changes).to.deep.equal([
        { userId: members[0].id, role: 'admin' },
      ]);
      await owner.rest('PUT', path, { role: 'member' });
      expect((await ear.next('group_role_changed')).changes).to.deep.equal([
        { userId: members[0].id, role: 'member' },
      ]);
      expect((await owner.rest('PUT', path, { role: 'owner' })).body.code).to.equal('validation_failed');
      ear.close();
    });
  });

  it('binds no owner by a mute from before, which goes on when they are one no more', async () => {
    const group = await buildGroup(app.url);
    const { id, owner, members } = group;
    await mute(group, members[0]);
    await owner.rest('PUT', `/api/groups/${id}/owner`, { userId: members[0].id });
    const written = await members[0].rest('POST', `/api/messages/group/${id}`, { content: 'free' });
    expect(written.status).to.equal(201);
    await members[0].rest('PUT', `/api/groups/${id}/owner`, { userId: owner.id });
    const refused = await members[0].rest('POST', `/api/messages/group/${id}`, { content: 'again' });
    expect(refused.body.code).to.equal('muted');
  });

  describe('names and mutes', () => {
    it('lets members call themselves something, and muting shows in the list until it ends', async () => {
      const group = await buildGroup(app.url);
      const { id, owner, members } = group;
      const named = await members[0].rest('PUT', `/api/groups/${id}/nickname`, { nickname: 'Bobby' });
      expect(named.body).to.deep.include({ nickname: 'Bobby' });
      const cleared = await members[0].rest('PUT', `/api/groups/${id}/nickname`, { nickname: '' });
      expect(cleared.body).to.deep.include({ nickname: null });
      const ear = await members[1].connect();
      const path = `/api/groups/${id}/members/${members[0].id}/mute`;
      const muted = await owner.rest('PUT', path, { minutes: 5 });
      const until = String(muted.body.mutedUntil);
      expect(Date.parse(until)).to.be.closeTo(Date.now() + 300_000, 10_000);
      expect(await ear.next('group_member_muted')).to.deep.include({
        userId: members[0].id,
        mutedUntil: until,
      });
      expect((await owner.rest('DELETE', path)).status).to.equal(204);
      expect((await ear.next('group_member_muted')).mutedUntil).to.equal(null);
      expect((await owner.rest('DELETE', path)).status).to.equal(204);
      for (const minutes of [0, -1, 43_201, '5', null])
        expect((await owner.rest('PUT', path, { minutes })).body.code).to.equal('validation_failed');
      const all = await owner.rest('PUT', `/api/groups/${id}/mute`);
      expect(all.body).to.deep.include({ mutedAll: true });
      expect((await ear.next('group_updated')).changes).to.deep.equal({ mutedAll: true });
      expect((await owner.rest('DELETE', `/api/groups/${id}/mute`)).status).to.equal(204);
      expect((await members[0].rest('PUT', `/api/groups/${id}/mute`)).body.code).to.equal('not_allowed');
      ear.close();
    });
  });
});
