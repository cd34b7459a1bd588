import { expect } from 'chai';
import type { Conversation } from '../../src/features/conversations/conversations.contract.ts';
import type { GroupMember } from '../../src/features/groups/groups.contract.ts';
import { befriend, buildFriends, buildUser, type TestUser } from '../support/builders.ts';
import { buildGroup, createGroup, promote } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { closeAll } from '../support/talk.ts';

const nobody = 'f'.repeat(24);

describe('groups', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  describe('group_create', () => {
    it('makes a group of friends, of which everybody hears before anything else', async () => {
      const [ann, bob] = await buildFriends(app.url);
      const [mouth, ear, other] = await Promise.all([ann.connect(), bob.connect(), ann.connect()]);
      const group = await mouth.call('group_create', {
        name: ' Walks ',
        description: 'On Sundays',
        memberIds: [bob.id, ann.id, bob.id],
      });
      expect(group).to.deep.include({
        name: 'Walks',
        description: 'On Sundays',
        avatarUrl: null,
        ownerId: ann.id,
        memberCount: 2,
        joinMode: 'invite',
        settings: {
          whoCanInvite: 'members',
          whoCanMentionAll: 'admins',
          whoCanEdit: 'admins',
          newcomersSeeHistory: false,
        },
        mutedAll: false,
        role: 'owner',
      });
      for (const [socket, role] of [
        [ear, 'member'],
        [other, 'owner'],
      ] as const) {
        const created = await socket.next('group_created');
        expect(socket.untaken('conversation_updated'), 'heard before').to.have.length(1);
        const conversation = await socket.next('conversation_updated');
        expect(conversation).to.deep.include({
          id: group.id,
          type: 'group',
          headSeq: 1,
          unread: 0,
          mentioned: 0,
        });
        expect(conversation.group).to.deep.equal({ ...group, role });
        expect(conversation).not.to.have.property('peerReadSeq');
        expect(created).to.deep.equal({
          groupId: group.id,
          conversationId: group.id,
          seq: 1,
          name: 'Walks',
          members: [
            { userId: ann.id, role: 'owner' },
            { userId: bob.id, role: 'member' },
          ],
        });
      }
      await mouth.next('group_created');
      closeAll(mouth, ear, other);
    });

    it('takes all of the people or none: a stranger, who refuses, or who does not exist stops it', async () => {
      const [ann, bob] = await buildFriends(app.url);
      const stranger = await buildUser(app.url);
      const [, unwilling] = await buildFriendsOf(ann);
      await unwilling.rest('PATCH', '/api/users/me', { privacy: { groupInvites: 'nobody' } });
      for (const id of [stranger.id, nobody, unwilling.id]) {
        const { body } = await ann.rest('POST', '/api/groups', { name: 'Walks', memberIds: [bob.id, id] });
        expect(body.code).to.equal('not_allowed');
      }
      expect((await ann.rest('GET', '/api/groups')).body.items).to.deep.equal([]);
      expect((await bob.rest('GET', '/api/conversations')).body.items).to.deep.equal([]);
    });

    it('refuses a name that is empty, too long, or hides something', async () => {
      const ann = await buildUser(app.url);
      for (const name of ['', '   ', 'x'.repeat(65), 'a\u202eb', 7, null]) {
        const { body } = await ann.rest('POST', '/api/groups', { name });
        expect(body.code, String(name)).to.equal('validation_failed');
      }
    });
  });

  describe('what members see of their groups', () => {
    it('lists them in pages, and shows each to its members alone', async () => {
      const ann = await buildUser(app.url);
      const ids = [];
      for (const name of ['One', 'Two', 'Three']) ids.push(await createGroup(ann, [], { name }));
      const first = await ann.rest('GET', '/api/groups?limit=2');
      const second = await ann.rest('GET', `/api/groups?limit=2&cursor=${first.body.nextCursor}`);
      const items = [first, second].flatMap(({ body }) => body.items as { id: string }[]);
      expect(items.map(({ id }) => id)).to.have.members(ids);
      expect(second.body.nextCursor).to.equal(null);
      const stranger = await buildUser(app.url);
      expect((await stranger.rest('GET', '/api/groups')).body.items).to.deep.equal([]);
      expect((await stranger.rest('GET', `/api/groups/${ids[0]}`)).body.code).to.equal('not_found');
    });

    it('is a conversation from the beginning, with everything in its place', async () => {
      const { id, members } = await buildGroup(app.url);
      const { body } = await members[0].rest('GET', '/api/conversations');
      const [conversation] = body.items as Conversation[];
      expect(conversation).to.deep.include({ id, type: 'group', lastMessage: null, headSeq: 1, unread: 0 });
      const synced = await members[0].rest('POST', '/api/sync', {});
      const [item] = synced.body.items as { conversation: Conversation; entries: { content: unknown }[] }[];
      expect(item?.conversation.id).to.equal(id);
      expect(item?.entries[0]?.content).to.deep.include({ event: 'group_created' });
    });

    it('lists members in pages: the owner, the admins, then in the order of joining', async () => {
      const group = await buildGroup(app.url, { memberCount: 3 });
      const { id, owner, members } = group;
      await promote(group, members[2] as TestUser);
      const listed: GroupMember[] = [];
      for (let cursor = ''; ; ) {
        const { body } = await owner.rest('GET', `/api/groups/${id}/members?limit=1${cursor}`);
        listed.push(...(body.items as GroupMember[]));
        if (body.nextCursor === null) break;
        cursor = `&cursor=${body.nextCursor}`;
      }
      expect(listed.map(({ role }) => role)).to.deep.equal(['owner', 'admin', 'member', 'member']);
      expect(listed.map(({ user }) => user.id).slice(0, 2)).to.deep.equal([owner.id, members[2]?.id]);
      expect(listed[1]?.user).to.deep.include({ relation: 'friend' });
    });
  });

  describe('group_update', () => {
    it('changes the profile, tells everybody what is new, and says nothing where nothing is', async () => {
      const group = await buildGroup(app.url);
      const { id, owner, members } = group;
      const ear = await members[0].connect();
      const { body } = await owner.rest('PATCH', `/api/groups/${id}`, { name: 'New', description: null });
      expect(body).to.deep.include({ name: 'New', description: null, role: 'owner' });
      expect((await ear.next('group_updated')).changes).to.deep.equal({ name: 'New' });
      await owner.rest('PATCH', `/api/groups/${id}`, { name: 'New', settings: { whoCanInvite: 'members' } });
      await owner.rest('PATCH', `/api/groups/${id}`, { settings: { whoCanEdit: 'members' } });
      expect((await ear.next('group_updated')).changes).to.deep.equal({
        settings: { whoCanEdit: 'members' },
      });
      expect((await members[0].rest('PATCH', `/api/groups/${id}`, { name: 'Mine' })).status).to.equal(200);
      expect((await members[0].rest('PATCH', `/api/groups/${id}`, { joinMode: 'open' })).body.code).to.equal(
        'not_allowed',
      );
      ear.close();
    });

    it('is for admins, unless the group says otherwise', async () => {
      const { id, members } = await buildGroup(app.url);
      const refused = await members[0].rest('PATCH', `/api/groups/${id}`, { name: 'Mine' });
      expect(refused.body.code).to.equal('not_allowed');
      const stranger = await buildUser(app.url);
      expect((await stranger.rest('PATCH', `/api/groups/${id}`, { name: 'Mine' })).body.code).to.equal(
        'not_found',
      );
    });
  });

  it('refuses settings that are none, and takes an empty description for none', async () => {
    const { id, owner } = await buildGroup(app.url);
    for (const settings of [{}, { whoCanEditt: 'members' }, { whoCanEdit: 'nobody' }]) {
      const { body } = await owner.rest('PATCH', `/api/groups/${id}`, { settings });
      expect(body.code).to.equal('validation_failed');
    }
    await owner.rest('PATCH', `/api/groups/${id}`, { description: 'On Sundays' });
    const { body } = await owner.rest('PATCH', `/api/groups/${id}`, { description: '' });
    expect(body.description).to.equal(null);
  });

  describe('group_dissolve', () => {
    it('ends the group for everybody at once', async () => {
      const group = await buildGroup(app.url);
      const { id, owner, members } = group;
      const ear = await members[0].connect();
      expect((await members[0].rest('DELETE', `/api/groups/${id}`)).body.code).to.equal('not_allowed');
      expect((await owner.rest('DELETE', `/api/groups/${id}`)).status).to.equal(204);
      await ear.next('group_dissolved');
      for (const person of [owner, ...members]) {
        expect((await person.rest('GET', `/api/groups/${id}`)).body.code).to.equal('not_found');
        expect((await person.rest('GET', '/api/groups')).body.items).to.deep.equal([]);
        expect((await person.rest('GET', '/api/conversations')).body.items).to.deep.equal([]);
      }
      await ear.refused('join_group_room', { groupId: id }, 'not_found');
      ear.close();
    });
  });

  /** What members may not do, and strangers may not even know of. */
  it('answers strangers to a group like a group that does not exist, whatever they ask', async () => {
    const { id, owner } = await buildGroup(app.url);
    const ear = await (await buildUser(app.url)).connect();
    const asks = (groupId: string) => [
      ear.refused('group_get', { groupId }, 'not_found'),
      ear.refused('group_update', { groupId, name: 'x' }, 'not_found'),
      ear.refused('group_dissolve', { groupId }, 'not_found'),
      ear.refused('group_mute', { groupId }, 'not_found'),
      ear.refused('group_unmute', { groupId }, 'not_found'),
      ear.refused('group_member_list', { groupId }, 'not_found'),
      ear.refused('group_invite', { groupId, userIds: [owner.id] }, 'not_found'),
      ear.refused('group_kick', { groupId, userId: owner.id }, 'not_found'),
      ear.refused('group_barred_list', { groupId }, 'not_found'),
      ear.refused('group_unbar', { groupId, userId: owner.id }, 'not_found'),
      ear.refused('group_join', { groupId }, 'not_found'),
      ear.refused('group_join_withdraw', { groupId }, 'not_found'),
      ear.refused('group_leave', { groupId }, 'not_found'),
      ear.refused('group_request_list', { groupId }, 'not_found'),
      ear.refused('group_request_accept', { groupId, userId: owner.id }, 'not_found'),
      ear.refused('group_request_reject', { groupId, userId: owner.id }, 'not_found'),
      ear.refused('group_member_mute', { groupId, userId: owner.id, minutes: 1 }, 'not_found'),
      ear.refused('group_member_unmute', { groupId, userId: owner.id }, 'not_found'),
      ear.refused('group_role_set', { groupId, userId: owner.id, role: 'admin' }, 'not_found'),
      ear.refused('group_transfer', { groupId, userId: owner.id }, 'not_found'),
      ear.refused('group_nickname_set', { groupId, nickname: 'x' }, 'not_found'),
      ear.refused('join_group_room', { groupId }, 'not_found'),
    ];
    const real = await Promise.all(asks(id));
    const unreal = await Promise.all(asks(nobody));
    expect(real.map(withoutRequest)).to.deep.equal(unreal.map(withoutRequest));
    ear.close();
  });

  async function friendOf(person: TestUser): Promise<TestUser> {
    const friend = await buildUser(app.url);
    await befriend(person, friend);
    return friend;
  }

  async function buildFriendsOf(person: TestUser): Promise<[TestUser, TestUser]> {
    return [person, await friendOf(person)];
  }
});

const withoutRequest = ({ requestId: _, ...problem }: { requestId: string }) => problem;
