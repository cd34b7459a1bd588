import { expect } from 'chai';
import { unzipSync } from 'fflate';
import mongoose from 'mongoose';
import type { Group, GroupMember } from '../../src/features/groups/groups.contract.ts';
import { befriend, buildUser, type TestUser } from '../support/builders.ts';
import { buildGroup, createGroup, promote, type TestGroup } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { Storage } from '../support/storage.ts';
import { closeAll } from '../support/talk.ts';

describe('what groups hold of a person', () => {
  let app: TestApp;
  let storage: Storage;
  before(async () => {
    app = await startApp();
    storage = await Storage.of(app);
  });
  after(async () => {
    await storage.close();
    await app.close();
  });

  const remove = ({ rest, password }: TestUser) =>
    rest('DELETE', '/api/users/me', { proof: { currentPassword: password } });
  const groupOf = async (person: TestUser, id: string) =>
    (await person.rest('GET', `/api/groups/${id}`)).body as unknown as Group;
  const membersOf = async (person: TestUser, id: string) => {
    const { body } = await person.rest('GET', `/api/groups/${id}/members?limit=100`);
    return (body.items as GroupMember[]).map(({ user, role }) => [user.id, role]);
  };

  describe('GET /api/users/me/export', () => {
    const exportOf = async (person: TestUser) => {
      const { bytes } = await person.rest('GET', '/api/users/me/export');
      const files = unzipSync(new Uint8Array(bytes));
      return Buffer.from(files['groups.json'] ?? []).toString();
    };

    it('has what I am in, what I ask for and what I announced, and nothing of others', async () => {
      const group = await buildGroup(app.url, { name: 'Walks' });
      const [bob, cem] = group.members;
      const closed = await buildGroup(app.url, { name: 'Asked', joinMode: 'approval' });
      await promote(group, bob);
      await bob.rest('PUT', `/api/groups/${group.id}/nickname`, { nickname: 'Bobby' });
      await cem.rest('PUT', `/api/groups/${group.id}/nickname`, { nickname: 'Cemmy' });
      await bob.rest('PUT', `/api/groups/${group.id}/announcement`, { content: 'my words' });
      await group.owner.rest('PUT', `/api/groups/${group.id}/announcement`, { content: 'their words' });
      await bob.rest('POST', `/api/groups/${closed.id}/join`, { message: 'let me in' });
      const text = await exportOf(bob);
      const { groups, requests, announcements } = JSON.parse(text);
      expect(groups).to.have.length(1);
      expect(groups[0]).to.deep.include({
        id: group.id,
        name: 'Walks',
        role: 'admin',
        nickname: 'Bobby',
      });
      expect(groups[0].joinedAt).to.be.a('string');
      expect(requests).to.have.length(1);
      expect(requests[0]).to.deep.include({ groupId: closed.id, message: 'let me in' });
      expect(announcements).to.have.length(1);
      expect(announcements[0]).to.deep.include({ groupId: group.id, content: 'my words' });
      for (const foreign of ['Cemmy', 'their words', cem.id]) expect(text).to.not.contain(foreign);
    });

    it('does not say that a member would like to have me', async () => {
      const group = await buildGroup(app.url, { joinMode: 'approval' });
      const wanted = await buildUser(app.url);
      await befriend(group.members[0], wanted);
      const { status } = await group.members[0].rest('POST', `/api/groups/${group.id}/members`, {
        userIds: [wanted.id],
      });
      expect(status).to.equal(202);
      expect(JSON.parse(await exportOf(wanted))).to.deep.equal({
        groups: [],
        requests: [],
        announcements: [],
      });
    });
  });

  describe('DELETE /api/users/me', () => {
    it('passes each owned group to its longest-serving admin, else member; an empty one dissolves', async () => {
      const withAdmin = await buildGroup(app.url, { memberCount: 3 });
      const { owner, members } = withAdmin;
      const [first, second] = members;
      await promote(withAdmin, second);
      await promote(withAdmin, members[2] as TestUser);
      const withMembers = await createGroup(owner, [first], { name: 'Members' });
      await owner.rest('POST', `/api/groups/${withMembers}/members`, { userIds: [second.id] });
      const empty = await createGroup(owner, [], { name: 'Nobody' });
      const other = await buildGroup(app.url, { joinMode: 'open' });
      await owner.rest('POST', `/api/groups/${other.id}/join`);
      const ear = await first.connect();

      const { status, body } = await remove(owner);
      expect(status).to.equal(200);
      expect(body.deleted).to.deep.include({ groups: 1 });
      expect(body.anonymised).to.deep.equal({ users: 1, memberships: 4 });
      expect(body.kept).to.deep.include({ groups: 2 });

      for (const id of [withAdmin.id, withMembers]) {
        const successor = id === withAdmin.id ? second : first;
        const changed = [
          { userId: successor.id, role: 'owner' },
          { userId: owner.id, role: 'member' },
        ];
        const about = ({ groupId }: { groupId: string }) => groupId === id;
        const roles = ear.untaken('group_role_changed') as { groupId: string; changes: unknown }[];
        expect(roles.filter(about).at(-1)?.changes).to.deep.equal(changed);
        const left = ear.untaken('group_member_left') as { groupId: string; userId: string }[];
        expect(left.filter(about).map(({ userId }) => userId)).to.deep.equal([owner.id]);
        expect(await groupOf(first, id)).to.deep.include({ ownerId: successor.id });
      }
      expect(await membersOf(first, withAdmin.id)).to.deep.equal([
        [second.id, 'owner'],
        [members[2]?.id, 'admin'],
        [first.id, 'member'],
      ]);
      expect((await groupOf(second, withAdmin.id)).memberCount).to.equal(3);
      expect((await groupOf(other.owner, other.id)).memberCount).to.equal(3);
      const dissolved = await storage.connection
        .collection('groups')
        .findOne({ _id: new mongoose.Types.ObjectId(empty) });
      expect(dissolved?.dissolvedAt).to.be.a('date');
      ear.close();
    });

    it('withdraws requests, and leaves no name or word of theirs but what groups were told', async () => {
      const group = await buildGroup(app.url);
      const [bob, cem] = group.members;
      await promote(group, bob);
      await bob.rest('PUT', `/api/groups/${group.id}/nickname`, { nickname: 'Unmistakable' });
      await bob.rest('PUT', `/api/groups/${group.id}/announcement`, { content: 'told to all' });
      for (const person of [bob, cem]) await person.rest('POST', `/api/groups/${group.id}/announcement/read`);
      const asked = await buildGroup(app.url, { joinMode: 'approval' });
      const ended = await buildGroup(app.url, { joinMode: 'approval' });
      for (const { id } of [asked, ended])
        await bob.rest('POST', `/api/groups/${id}/join`, { message: 'Unmistakable' });
      await ended.owner.rest('DELETE', `/api/groups/${ended.id}`);

      const { body } = await remove(bob);
      expect(body.kept).to.deep.include({ announcements: 1 });
      expect((await asked.owner.rest('GET', `/api/groups/${asked.id}/requests`)).body.items).to.deep.equal(
        [],
      );
      const shown = (await cem.rest('GET', `/api/groups/${group.id}/announcement`)).body;
      expect(shown).to.deep.include({ content: 'told to all', authorId: bob.id, readCount: 1 });
      expect((await cem.rest('GET', `/api/users/${bob.id}`)).body).to.deep.include({ deleted: true });
      for (const name of ['memberships', 'groups', 'announcement_reads']) {
        const text = JSON.stringify(await storage.connection.collection(name).find().toArray());
        expect(text, name).to.not.contain('Unmistakable');
      }
      const reads = storage.connection.collection('announcement_reads');
      expect(await reads.countDocuments({ userId: new mongoose.Types.ObjectId(bob.id) })).to.equal(0);
    });

    it('while everybody else leaves too: the group ends, or belongs to who is in it', async () => {
      for (let time = 0; time < 3; time++) {
        const { id, owner, members } = await buildGroup(app.url, { memberCount: 4 });
        const leavers = members.slice(0, 2 + time);
        const [removed] = await Promise.all([
          remove(owner),
          ...leavers.map((member) => member.rest('POST', `/api/groups/${id}/leave`)),
        ]);
        expect(removed.status).to.equal(200);
        await expectWhole(id, owner, members);
      }
    });

    it('while the successor is removed, given another role, or the group passed on or dissolved', async () => {
      const meanwhile: ((group: TestGroup) => ReturnType<TestUser['rest']>)[] = [
        ({ id, owner, members }) => owner.rest('DELETE', `/api/groups/${id}/members/${members[0].id}`),
        ({ id, owner, members }) => owner.rest('PUT', `/api/groups/${id}/owner`, { userId: members[1].id }),
        ({ id, owner }) => owner.rest('DELETE', `/api/groups/${id}`),
        ({ id, owner, members }) =>
          owner.rest('PUT', `/api/groups/${id}/members/${members[1].id}/role`, { role: 'admin' }),
      ];
      for (const act of meanwhile) {
        const group = await buildGroup(app.url);
        const [removed] = await Promise.all([remove(group.owner), act(group), act(group)]);
        expect(removed.status).to.equal(200);
        await expectWhole(group.id, group.owner, group.members);
      }
    });

    it('is taken up again where a crash ended it: before anything, and between passing on and leaving', async () => {
      const [untouched, passed] = [await buildGroup(app.url), await buildGroup(app.url)];
      await passed.owner.rest('PUT', `/api/groups/${passed.id}/owner`, { userId: passed.members[1].id });
      const ids = [untouched, passed].map(({ owner }) => new mongoose.Types.ObjectId(owner.id));
      // as the first write leaves it
      const first = { email: null, nickname: 'Deleted account', deletedAt: new Date(), isErasing: true };
      const users = storage.connection.collection('users');
      await users.updateMany({ _id: { $in: ids } }, { $set: first });
      const restarted = await startApp({ mongodbUri: app.mongodbUri });
      while (await users.findOne({ _id: { $in: ids }, isErasing: true }))
        await new Promise((resolve) => setImmediate(resolve));
      await restarted.close();
      expect(await membersOf(untouched.members[0], untouched.id)).to.deep.equal([
        [untouched.members[0].id, 'owner'],
        [untouched.members[1].id, 'member'],
      ]);
      expect(await membersOf(passed.members[0], passed.id)).to.deep.equal([
        [passed.members[1].id, 'owner'],
        [passed.members[0].id, 'member'],
      ]);
    });

    it('of who owns 30 groups is answered in time, and passes all of them on', async () => {
      const group = await buildGroup(app.url, { memberCount: 8 });
      const { owner, members } = group;
      for (let count = 1; count < 30; count++) await createGroup(owner, members);
      const ear = await members[0].connect();
      const beganAt = Date.now();
      const { status } = await remove(owner);
      expect(status).to.be.oneOf([200, 202]);
      expect(Date.now() - beganAt).to.be.below(5500);
      for (let count = 0; count < 30; count++)
        expect((await ear.next('group_member_left')).userId).to.equal(owner.id);
      const { body } = await members[0].rest('GET', '/api/groups?limit=100');
      const owners = (body.items as Group[]).map(({ ownerId, memberCount }) => [ownerId, memberCount]);
      expect(owners).to.deep.equal(Array(30).fill([members[0].id, 8]));
      closeAll(ear);
    });
  });

  /** Nobody who has gone is in the group, and who owns it is. */
  async function expectWhole(id: string, gone: TestUser, members: readonly TestUser[]): Promise<void> {
    const shown = await Promise.all(members.map((member) => member.rest('GET', `/api/groups/${id}`)));
    const index = shown.findIndex(({ status }) => status === 200);
    const [group, viewer] = [shown[index]?.body as unknown as Group, members[index]];
    if (!viewer) {
      const kept = await storage.connection
        .collection('groups')
        .findOne({ _id: new mongoose.Types.ObjectId(id) });
      expect(kept?.dissolvedAt, 'a group of nobody').to.be.a('date');
      return;
    }
    const listed = await membersOf(viewer, id);
    expect(listed[0]).to.deep.equal([group.ownerId, 'owner']);
    expect(listed.map(([userId]) => userId)).to.not.include(gone.id);
    expect(listed).to.have.length(group.memberCount);
  }
});
