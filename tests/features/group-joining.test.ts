import { expect } from 'chai';
import type { GroupMember } from '../../src/features/groups/groups.contract.ts';
import { befriend, buildUser, type TestUser } from '../support/builders.ts';
import { buildGroup } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { closeAll } from '../support/talk.ts';

describe('coming into groups', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  describe('invitations', () => {
    it('bring friends in, who hear of the conversation first; who is in it already is harmless', async () => {
      const group = await buildGroup(app.url);
      const { id, members } = group;
      const [bob] = members;
      const carl = await friendOf(bob);
      const ear = await carl.connect();
      const { status, body } = await bob.rest('POST', `/api/groups/${id}/members`, {
        userIds: [carl.id, members[1].id],
      });
      expect(status).to.equal(201);
      expect((body.items as GroupMember[]).map(({ user }) => user.id)).to.deep.equal([
        carl.id,
        members[1].id,
      ]);
      const joined = await ear.next('group_member_joined');
      expect(ear.untaken('conversation_updated'), 'heard before').to.have.length(1);
      const conversation = await ear.next('conversation_updated');
      expect(conversation).to.deep.include({ id, unread: 0, readSeq: 2, headSeq: 2 });
      expect(joined).to.deep.equal({
        groupId: id,
        conversationId: id,
        seq: 2,
        userIds: [carl.id],
        byId: bob.id,
        via: 'invite',
      });
      const again = await bob.rest('POST', `/api/groups/${id}/members`, { userIds: [carl.id] });
      expect(again.status).to.equal(201);
      expect((await carl.rest('GET', `/api/groups/${id}`)).body.memberCount).to.equal(4);
      ear.close();
    });

    it('become requests where joining needs approval, unless an admin invites', async () => {
      const group = await buildGroup(app.url, { joinMode: 'approval' });
      const { id, owner, members } = group;
      const carl = await friendOf(members[0]);
      const ear = await owner.connect();
      const asked = await members[0].rest('POST', `/api/groups/${id}/members`, { userIds: [carl.id] });
      expect([asked.status, asked.body]).to.deep.equal([202, { status: 'pending' }]);
      const heard = await ear.next('group_join_requested');
      expect([heard.groupId, heard.user.id, heard.message]).to.deep.equal([id, carl.id, null]);
      const { body } = await owner.rest('GET', `/api/groups/${id}/requests`);
      const [request] = body.items as { user: { id: string }; invitedBy: { id: string } }[];
      expect([request?.user.id, request?.invitedBy.id]).to.deep.equal([carl.id, members[0].id]);
      const accepted = await owner.rest('POST', `/api/groups/${id}/requests/${carl.id}/accept`);
      expect(accepted.body).to.deep.include({ role: 'member' });
      expect((await owner.rest('GET', `/api/groups/${id}/requests`)).body.items).to.deep.equal([]);
      const dora = await friendOf(owner);
      expect((await owner.rest('POST', `/api/groups/${id}/members`, { userIds: [dora.id] })).status).to.equal(
        201,
      );
      ear.close();
    });
  });

  describe('proposals', () => {
    it('come to nothing where the proposed person has become unwilling, and tell them nothing', async () => {
      const { id, owner, members } = await buildGroup(app.url, { joinMode: 'approval' });
      const carl = await friendOf(members[0]);
      const hopeful = await carl.connect();
      await members[0].rest('POST', `/api/groups/${id}/members`, { userIds: [carl.id] });
      await carl.rest('PATCH', '/api/users/me', { privacy: { groupInvites: 'nobody' } });
      const accepted = await owner.rest('POST', `/api/groups/${id}/requests/${carl.id}/accept`);
      expect(accepted.body.code).to.equal('not_allowed');
      expect((await owner.rest('POST', `/api/groups/${id}/requests/${carl.id}/reject`)).status).to.equal(204);
      await members[0].rest('DELETE', `/api/friends/${carl.id}`);
      await hopeful.next('friend_removed');
      expect(hopeful.untaken('group_join_rejected')).to.deep.equal([]);
      hopeful.close();
    });

    it('become requests of their own when the proposed person asks, in their words', async () => {
      const { id, owner, members } = await buildGroup(app.url, { joinMode: 'approval' });
      const carl = await friendOf(members[0]);
      const hopeful = await carl.connect();
      await members[0].rest('POST', `/api/groups/${id}/members`, { userIds: [carl.id] });
      await hopeful.call('group_join', { groupId: id, message: 'please' });
      const { body } = await owner.rest('GET', `/api/groups/${id}/requests`);
      expect((body.items as { message: string }[]).map(({ message }) => message)).to.deep.equal(['please']);
      await owner.rest('POST', `/api/groups/${id}/requests/${carl.id}/reject`);
      expect(await hopeful.next('group_join_rejected')).to.deep.equal({ groupId: id });
      expect((await owner.rest('GET', `/api/groups/${id}/requests`)).body.items).to.deep.equal([]);
      hopeful.close();
    });
  });

  describe('joining', () => {
    it('is free where the group is open, and shows a preview before', async () => {
      const { id } = await buildGroup(app.url, { joinMode: 'open', name: 'Open' });
      const carl = await buildUser(app.url);
      expect((await carl.rest('GET', `/api/groups/${id}`)).body).to.deep.equal({
        id,
        name: 'Open',
        avatarUrl: null,
        memberCount: 3,
        joinMode: 'open',
      });
      expect((await carl.rest('POST', `/api/groups/${id}/join`)).body).to.deep.include({
        id,
        role: 'member',
      });
      expect((await carl.rest('POST', `/api/groups/${id}/join`)).body).to.deep.include({ memberCount: 4 });
    });

    it('is asked for where it needs approval: once, and taken back or refused', async () => {
      const { id, owner } = await buildGroup(app.url, { joinMode: 'approval' });
      const carl = await buildUser(app.url);
      const [ear, hopeful] = await Promise.all([owner.connect(), carl.connect()]);
      for (let again = 0; again < 2; again++)
        expect(await hopeful.call('group_join', { groupId: id, message: 'please' })).to.deep.equal({
          status: 'pending',
        });
      expect((await ear.next('group_join_requested')).message).to.equal('please');
      await hopeful.call('group_join_withdraw', { groupId: id });
      await hopeful.refused('group_join_withdraw', { groupId: id }, 'not_found');
      await ear.refused('group_request_accept', { groupId: id, userId: carl.id }, 'not_found');
      expect(ear.untaken('group_join_requested')).to.deep.equal([]);
      await hopeful.call('group_join', { groupId: id });
      await ear.call('group_request_reject', { groupId: id, userId: carl.id });
      expect(await hopeful.next('group_join_rejected')).to.deep.equal({ groupId: id });
      expect((await carl.rest('GET', `/api/groups/${id}/members`)).body.code).to.equal('not_found');
      closeAll(ear, hopeful);
    });

    it('is not found where one has to be brought in', async () => {
      for (const joinMode of ['invite', 'closed'] as const) {
        const { id } = await buildGroup(app.url, { joinMode });
        const carl = await buildUser(app.url);
        expect((await carl.rest('POST', `/api/groups/${id}/join`)).body.code).to.equal('not_found');
        expect((await carl.rest('GET', `/api/groups/${id}`)).body.code).to.equal('not_found');
      }
    });
  });

  async function friendOf(person: TestUser): Promise<TestUser> {
    const friend = await buildUser(app.url);
    await befriend(person, friend);
    return friend;
  }
});
