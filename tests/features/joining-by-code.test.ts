import { expect } from 'chai';
import mongoose from 'mongoose';
import { buildUser } from '../support/builders.ts';
import { rest } from '../support/clients.ts';
import { onDatabase } from '../support/friendship.ts';
import {
  asked,
  codeOf,
  enter,
  entered,
  expectGone,
  forgetTries,
  inviteOf,
  notAllowed,
  notFound,
  resolveCode,
} from '../support/group-codes.ts';
import { buildGroup, kick, promote, type TestGroup } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { closeAll, logOf } from '../support/talk.ts';

describe('joining by code', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp({ publicUrl: 'https://chat.example.com' });
  });
  // all of them try from one address
  beforeEach(() => forgetTries(app));
  after(() => app.close());

  const change = (group: TestGroup, body: object) =>
    group.owner.rest('PATCH', `/api/groups/${group.id}`, body);
  describe('joining with one', () => {
    it('brings strangers in, bare or by its whole address, as brought by its maker', async () => {
      const group = await buildGroup(app.url);
      const [bob] = group.members;
      const code = await codeOf(group, bob);
      const [dave, eve] = [await buildUser(app.url), await buildUser(app.url)];
      const [ear, own] = await Promise.all([group.owner.connect(), dave.connect()]);
      const joined = await own.call('group_join_by_qrcode', { code });
      expect(joined).to.deep.include({ id: group.id, role: 'member', memberCount: 4 });
      expect(await ear.next('group_member_joined')).to.deep.equal({
        groupId: group.id,
        conversationId: group.id,
        seq: 2,
        userIds: [dave.id],
        byId: bob.id,
        via: 'qrcode',
      });
      expect((await own.next('group_member_joined')).userIds).to.deep.equal([dave.id]);
      for (const whole of [
        `https://chat.example.com/q/${code}`,
        ` https://x.example/q/${code}/?from=mail#a `,
      ])
        expect(await enter(eve, whole), whole).to.deep.equal(entered);
      closeAll(ear, own);
    });

    it('is harmless for members: nothing happens, whatever became of the code', async () => {
      const group = await buildGroup(app.url);
      const [bob, carl] = group.members;
      const code = await codeOf(group, bob);
      const ear = await group.owner.connect();
      expect(await enter(carl, code)).to.deep.equal(entered);
      await kick(group, bob);
      expect(await enter(carl, code)).to.deep.equal(entered);
      await ear.next('group_member_removed');
      expect(ear.untaken('group_member_joined')).to.deep.equal([]);
      ear.close();
    });

    it('asks, where admins approve, unless the maker is one', async () => {
      const group = await buildGroup(app.url, { joinMode: 'approval' });
      const [bob] = group.members;
      const [dave, eve] = [await buildUser(app.url), await buildUser(app.url)];
      const ear = await group.owner.connect();
      const code = await codeOf(group, bob);
      expect(await enter(dave, code)).to.deep.equal(asked);
      expect(await enter(dave, code)).to.deep.equal(asked);
      expect((await ear.next('group_join_requested')).user.id).to.equal(dave.id);
      expect(ear.untaken('group_join_requested')).to.deep.equal([]);
      const { items } = (await group.owner.rest('GET', `/api/groups/${group.id}/requests`)).body;
      expect((items as { invitedBy: { id: string } }[]).map(({ invitedBy }) => invitedBy.id)).to.deep.equal([
        bob.id,
      ]);
      expect((await dave.rest('GET', `/api/groups/${group.id}/members`)).status).to.equal(404);
      const adminsCode = await codeOf(group, group.owner);
      for (const user of [eve, dave]) expect(await enter(user, adminsCode)).to.deep.equal(entered);
      expect((await group.owner.rest('GET', `/api/groups/${group.id}/requests`)).body.items).to.deep.equal(
        [],
      );
      ear.close();
    });

    it('of a closed group is for codes of admins alone', async () => {
      const group = await buildGroup(app.url);
      const [bob] = group.members;
      const [bobs, owners] = [await codeOf(group, bob), await codeOf(group, group.owner)];
      await change(group, { joinMode: 'closed' });
      const dave = await buildUser(app.url);
      await expectGone(app.url, dave, bobs);
      expect(await resolveCode(dave, owners)).to.deep.include({ type: 'group', memberCount: 3 });
      expect(await enter(dave, owners)).to.deep.equal(entered);
      await promote(group, bob);
      expect(await enter(await buildUser(app.url), bobs), 'an admin now').to.deep.equal(entered);
    });

    it('is refused to who is barred, and says so', async () => {
      const group = await buildGroup(app.url);
      const [bob, carl] = group.members;
      await group.owner.rest('DELETE', `/api/groups/${group.id}/members/${bob.id}?barred=true`);
      expect(await enter(bob, await codeOf(group, carl))).to.deep.equal(notAllowed);
      await change(group, { joinMode: 'approval' });
      expect(await enter(bob, await codeOf(group, carl))).to.deep.equal(notAllowed);
    });

    it('stops where the group is full', async () => {
      const small = await startApp({ groups: { mostMembers: 3, codeLifetimeSeconds: 60 } });
      const group = await buildGroup(small.url);
      const dave = await buildUser(small.url);
      const { code } = await inviteOf(group, group.owner, { maxUses: 1 });
      expect(await enter(dave, code)).to.deep.equal([409, 'limit_reached']);
      await kick(group, group.members[0]);
      expect(await enter(dave, code), 'a refusal counts nothing').to.deep.equal(entered);
      await small.close();
    });

    it('takes codes and nothing else', async () => {
      const dave = await buildUser(app.url);
      const own = String((await dave.rest('GET', '/api/users/me/qrcode')).body.code);
      for (const code of ['nonsense', '', own, `https://chat.example.com/q/`, `${own}/q/../x`])
        expect(await enter(dave, code), code).to.deep.equal(notFound);
      for (const input of [{}, { code: 1 }, { code: null }, { code: { $ne: '' } }, { code: 'x'.repeat(501) }])
        expect((await dave.rest('POST', '/api/groups/join-by-qrcode', input)).body.code).to.equal(
          'validation_failed',
        );
      const answer = await rest(app.url, {
        method: 'POST',
        path: '/api/groups/join-by-qrcode',
        body: { code: own },
      });
      expect(answer.body.code).to.equal('unauthenticated');
    });
  });

  describe('at the same time as something else', () => {
    const entriesOf = async ({ owner }: TestGroup) =>
      (await logOf(owner)).map(({ content }) => (content as { event: string }).event);

    it('the removal of its maker, has one order with it: nobody comes in behind', async () => {
      for (let round = 0; round < 5; round++) {
        const group = await buildGroup(app.url);
        const [bob] = group.members;
        const code = await codeOf(group, bob);
        const dave = await buildUser(app.url);
        const [answer] = await Promise.all([enter(dave, code), kick(group, bob)]);
        expect(answer).to.deep.be.oneOf([entered, notFound]);
        const events = await entriesOf(group);
        expect(events).to.deep.equal(
          answer[0] === 200
            ? ['group_created', 'group_member_joined', 'group_member_removed']
            : ['group_created', 'group_member_removed'],
        );
      }
    });

    it('the end of the group, leaves nobody in it', async () => {
      for (let round = 0; round < 5; round++) {
        const group = await buildGroup(app.url);
        const code = await codeOf(group, group.owner);
        const dave = await buildUser(app.url);
        const [answer, ended] = await Promise.all([
          enter(dave, code),
          group.owner.rest('DELETE', `/api/groups/${group.id}`),
        ]);
        expect(answer).to.deep.be.oneOf([entered, notFound]);
        expect(ended.status).to.equal(204);
        expect((await dave.rest('GET', '/api/groups')).body.items).to.deep.equal([]);
        const rows = await onDatabase(app, (database) =>
          database.collection('memberships').countDocuments({
            conversationId: new mongoose.Types.ObjectId(group.id),
            order: { $exists: true },
          }),
        );
        expect(rows).to.equal(0);
      }
    });
  });
});
