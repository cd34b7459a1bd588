import { expect } from 'chai';
import sharp from 'sharp';
import { buildUser, type TestUser } from '../support/builders.ts';
import { rest } from '../support/clients.ts';
import { onDatabase } from '../support/friendship.ts';
import {
  codeOf,
  enter,
  entered,
  expectGone,
  forgetTries,
  inviteOf,
  notFound,
  pageOf,
  resolveCode,
} from '../support/group-codes.ts';
import { buildGroup, kick, promote, type TestGroup } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

describe('QR codes of groups', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp({ publicUrl: 'https://chat.example.com' });
  });
  // all of them try from one address
  beforeEach(() => forgetTries(app));
  after(() => app.close());

  const change = (group: TestGroup, body: object) =>
    group.owner.rest('PATCH', `/api/groups/${group.id}`, body);
  describe('having one', () => {
    it('each member has their own, the same until renewed, good for 7 days', async () => {
      const group = await buildGroup(app.url);
      const [bob, carl] = group.members;
      const socket = await bob.connect();
      const path = `/api/groups/${group.id}/qrcode`;
      const mine = (await bob.rest('GET', path)).body;
      expect(await socket.call('group_qrcode_get', { groupId: group.id })).to.deep.equal(mine);
      expect(mine.url).to.equal(`https://chat.example.com/q/${mine.code}`);
      expect(Buffer.from(String(mine.code), 'base64url').length).to.be.at.least(8);
      expect(Date.parse(String(mine.expiresAt)) - Date.now()).to.be.within(6.9 * 86_400_000, 7 * 86_400_000);
      expect(await codeOf(group, carl)).to.not.equal(mine.code);
      expect((await bob.rest('GET', '/api/users/me/qrcode')).body.code).to.not.equal(mine.code);
      const renewed = await bob.rest('POST', path);
      expect(renewed.status).to.equal(201);
      expect(await codeOf(group, bob)).to.equal(renewed.body.code);
      const dave = await buildUser(app.url);
      await expectGone(app.url, dave, String(mine.code));
      expect(await enter(dave, String(renewed.body.code))).to.deep.equal(entered);
      socket.close();
    });

    it('comes as PNG and SVG, over REST only', async () => {
      const { id, owner } = await buildGroup(app.url);
      const png = await owner.rest('GET', `/api/groups/${id}/qrcode?format=png`);
      expect(await sharp(png.bytes).metadata()).to.include({ format: 'png', width: 512 });
      const svg = await owner.rest('GET', `/api/groups/${id}/qrcode?format=svg`);
      expect(svg.headers.get('content-type')).to.match(/^image\/svg\+xml/);
      const socket = await owner.connect();
      await socket.refused('group_qrcode_get', { groupId: id, format: 'svg' }, 'validation_failed');
      socket.close();
    });

    it('is for who may bring people in, and nothing to who is outside', async () => {
      const group = await buildGroup(app.url, { settings: { whoCanInvite: 'admins' } });
      const [bob, carl] = group.members;
      await promote(group, carl);
      const stranger = await buildUser(app.url);
      const path = `/api/groups/${group.id}/qrcode`;
      const answers = async (user: TestUser) => {
        const [got, renewed] = [await user.rest('GET', path), await user.rest('POST', path)];
        return [got.body.code, renewed.body.code, got.status, renewed.status].slice(
          got.status === 200 ? 2 : 0,
        );
      };
      expect(await answers(bob)).to.deep.equal(['not_allowed', 'not_allowed', 403, 403]);
      expect(await answers(stranger)).to.deep.equal(['not_found', 'not_found', 404, 404]);
      for (const admin of [carl, group.owner]) expect(await answers(admin)).to.deep.equal([200, 201]);
      await change(group, { joinMode: 'closed', settings: { whoCanInvite: 'members' } });
      expect(await answers(bob)).to.deep.equal(['not_allowed', 'not_allowed', 403, 403]);
      expect(await answers(carl)).to.deep.equal([200, 201]);
    });
  });

  describe('is as good as its maker', () => {
    const cases: [what: string, happen: (group: TestGroup, maker: TestUser) => Promise<unknown>][] = [
      ['have left', ({ id }, maker) => maker.rest('POST', `/api/groups/${id}/leave`)],
      ['are removed', (group, maker) => kick(group, maker)],
      ['may bring people in no more', (group) => change(group, { settings: { whoCanInvite: 'admins' } })],
      [
        'have deleted their account',
        (_group, { password, ...maker }) =>
          maker.rest('DELETE', '/api/users/me', { proof: { currentPassword: password } }),
      ],
    ];
    for (const [what, happen] of cases)
      it(`and leads nowhere, like an invite, once they ${what}`, async () => {
        const group = await buildGroup(app.url);
        const [bob] = group.members;
        const [code, { code: invite }] = [await codeOf(group, bob), await inviteOf(group, bob)];
        const dave = await buildUser(app.url);
        expect(await resolveCode(dave, code)).to.deep.include({
          type: 'group',
          name: 'Group',
          memberCount: 3,
        });
        await happen(group, bob);
        for (const one of [code, invite]) await expectGone(app.url, dave, one);
        expect((await dave.rest('GET', `/api/groups/${group.id}`)).status).to.equal(404);
      });

    it('and works again when they may again', async () => {
      const group = await buildGroup(app.url);
      const [bob] = group.members;
      const code = await codeOf(group, bob);
      await change(group, { settings: { whoCanInvite: 'admins' } });
      await expectGone(app.url, await buildUser(app.url), code);
      await change(group, { settings: { whoCanInvite: 'members' } });
      expect(await enter(await buildUser(app.url), code)).to.deep.equal(entered);
    });

    it('and ends with the group', async () => {
      const group = await buildGroup(app.url);
      const [code, { code: invite }] = [await codeOf(group, group.owner), await inviteOf(group, group.owner)];
      await group.owner.rest('DELETE', `/api/groups/${group.id}`);
      const dave = await buildUser(app.url);
      for (const one of [code, invite]) await expectGone(app.url, dave, one);
      expect(await enter(group.members[0], code), 'who was in it').to.deep.equal(notFound);
    });

    it('and with its time', async () => {
      const group = await buildGroup(app.url);
      const code = await codeOf(group, group.owner);
      await onDatabase(app, (database) =>
        database
          .collection('qr_codes')
          .updateOne({ code }, { $set: { expiresAt: new Date(Date.now() - 1) } }),
      );
      await expectGone(app.url, await buildUser(app.url), code);
      expect(await codeOf(group, group.owner)).to.not.equal(code);
    });

    it('and is erased with them, for every group', async () => {
      const group = await buildGroup(app.url);
      const [bob, carl] = group.members;
      for (const user of [bob, carl]) await codeOf(group, user);
      for (const user of [bob, carl]) await inviteOf(group, user);
      await bob.rest('GET', '/api/users/me/qrcode');
      const proof = { currentPassword: bob.password };
      const { body } = await bob.rest('DELETE', '/api/users/me', { proof });
      expect((body.deleted as Record<string, number>).qr_codes).to.equal(2);
      const left = await onDatabase(app, (database) => database.collection('qr_codes').find().toArray());
      const keys = left
        .map(({ _id }) => String(_id))
        .filter((key) => key.includes(group.id) || key.includes(bob.id));
      expect(keys).to.deep.equal([`${carl.id}:${group.id}`]);
      const { items } = (await group.owner.rest('GET', `/api/groups/${group.id}/invites`)).body;
      expect((items as { createdBy: string }[]).map(({ createdBy }) => createdBy)).to.deep.equal([carl.id]);
    });
  });

  describe('shown to who is outside', () => {
    it('by resolving: whom it leads to, and nothing more', async () => {
      const group = await buildGroup(app.url, { name: 'Hikers' });
      const stranger = await buildUser(app.url);
      const shown = { type: 'group', name: 'Hikers', avatarUrl: null, memberCount: 3 };
      const invite = await inviteOf(group, group.owner);
      for (const code of [await codeOf(group, group.members[0]), invite.code, invite.url])
        expect(await resolveCode(stranger, code)).to.deep.equal(shown);
      const person = await buildUser(app.url, { nickname: 'Ann' });
      const { url } = (await person.rest('GET', '/api/users/me/qrcode')).body;
      const socket = await stranger.connect();
      expect(await socket.call('qrcode_resolve', { code: String(url) })).to.deep.equal({
        type: 'user',
        nickname: 'Ann',
        avatarUrl: null,
      });
      expect(await resolveCode(stranger, 'nonsense')).to.deep.equal(notFound);
      expect(
        (await rest(app.url, { method: 'POST', path: '/api/qrcodes/resolve', body: { code: url } })).body
          .code,
      ).to.equal('unauthenticated');
      socket.close();
    });

    it('by its page: name, avatar and how many, the same to previewers, in the language asked for', async () => {
      const group = await buildGroup(app.url, { name: '<i>Hikers</i>' });
      const form = new FormData();
      const create = { width: 60, height: 60, channels: 3, background: 'red' } as const;
      const picture = await sharp({ create }).png().toBuffer();
      form.append('avatar', new Blob([new Uint8Array(picture)]), 'group.png');
      const { body } = await group.owner.rest('POST', `/api/groups/${group.id}/avatar`, form);
      const code = await codeOf(group, group.owner);
      const { status, bytes } = await pageOf(app.url, code);
      const html = bytes.toString();
      expect(status).to.equal(200);
      for (const part of [
        '&lt;i&gt;Hikers&lt;/i&gt;',
        '<p>3 members</p>',
        `src="${body.avatarUrl}"`,
        `<meta property="og:image" content="${body.avatarUrl}">`,
        '<meta property="og:description" content="3 members">',
        `<meta property="og:url" content="https://chat.example.com/q/${code}">`,
      ])
        expect(html).to.contain(part);
      expect(html).to.not.contain('<i>').and.not.contain(group.id).and.not.contain(group.owner.id);
      expect((await pageOf(app.url, code, 'zh-CN')).bytes.toString()).to.contain('3 位成员');
    });
  });
});
