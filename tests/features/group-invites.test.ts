import { createHash } from 'node:crypto';
import { expect } from 'chai';
import mongoose from 'mongoose';
import type { ListedInvite } from '../../src/features/groups/group-codes.contract.ts';
import { buildUser, buildUsers, type TestUser } from '../support/builders.ts';
import { rest } from '../support/clients.ts';
import { onDatabase } from '../support/friendship.ts';
import {
  asked,
  enter,
  entered,
  forgetTries,
  inviteOf,
  notAllowed,
  notFound,
  recordOf,
  revoke,
} from '../support/group-codes.ts';
import { buildGroup, promote, type TestGroup } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const dayMs = 86_400_000;

describe('invite links of groups', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp({ publicUrl: 'https://chat.example.com' });
  });
  // all of them try from one address
  beforeEach(() => forgetTries(app));
  after(() => app.close());

  const create = (user: TestUser, { id }: TestGroup, input: object = {}) =>
    user.rest('POST', `/api/groups/${id}/invites`, input);
  const list = async (user: TestUser, { id }: TestGroup, query = '') =>
    (await user.rest('GET', `/api/groups/${id}/invites${query}`)).body.items as ListedInvite[];
  const expire = ({ id }: TestGroup, inviteId: string) =>
    onDatabase(app, async (database) => {
      const groups = database.collection<{ invites: { id: string }[] }>('groups');
      const _id = new mongoose.Types.ObjectId(id);
      const { invites = [] } = (await groups.findOne({ _id })) ?? {};
      const past = new Date(Date.now() - 1);
      const changed = invites.map((one) => (one.id === inviteId ? { ...one, expiresAt: past } : one));
      await groups.updateOne({ _id }, { $set: { invites: changed } });
    });

  describe('making one', () => {
    it('tells its code once, keeps a hash alone, and is good for 7 days and any number of uses', async () => {
      const group = await buildGroup(app.url);
      const [bob] = group.members;
      const { status, body, headers } = await create(bob, group);
      expect(status).to.equal(201);
      expect(headers.get('cache-control')).to.equal('no-store');
      const code = String(body.code);
      expect(Buffer.from(code, 'base64url').length).to.be.at.least(8);
      expect(body).to.deep.include({
        url: `https://chat.example.com/q/${code}`,
        maxUses: null,
        uses: 0,
        createdBy: bob.id,
      });
      expect(Date.parse(String(body.expiresAt)) - Date.now()).to.be.within(6.9 * dayMs, 7 * dayMs);
      const kept = JSON.stringify(await recordOf(app, group));
      expect(kept).to.not.contain(code);
      expect(kept).to.contain(createHash('sha256').update(code).digest('base64url'));
    });

    it('takes a number of uses and a life, within reason', async () => {
      const group = await buildGroup(app.url);
      const { body } = await create(group.owner, group, { maxUses: 5, expiresIn: 3600 });
      expect(body.maxUses).to.equal(5);
      expect(Date.parse(String(body.expiresAt)) - Date.now()).to.be.within(3_590_000, 3_600_000);
      for (const input of [
        { maxUses: 0 },
        { maxUses: -1 },
        { maxUses: 1.5 },
        { maxUses: '5' },
        { maxUses: 100_001 },
        { expiresIn: 0 },
        { expiresIn: 0.5 },
        { expiresIn: 366 * 86_400 },
        { expiresIn: '7d' },
        { expiresIn: null },
        { createdBy: group.owner.id },
      ]) {
        const refused = await create(group.owner, group, input);
        expect(refused.body.code, JSON.stringify(input)).to.equal('validation_failed');
      }
      expect(await list(group.owner, group)).to.have.length(1);
    });

    it('is for who may bring people in', async () => {
      const group = await buildGroup(app.url, { settings: { whoCanInvite: 'admins' } });
      const stranger = await buildUser(app.url);
      expect((await create(group.members[0], group)).body.code).to.equal('not_allowed');
      expect((await create(stranger, group)).body.code).to.equal('not_found');
      expect((await create(group.owner, group)).status).to.equal(201);
      const path = `/api/groups/${group.id}/invites`;
      expect((await rest(app.url, { method: 'POST', path, body: {} })).body.code).to.equal('unauthenticated');
    });

    it('stops at 50 that are live; what has expired or is used up makes room', async () => {
      const group = await buildGroup(app.url);
      const { owner } = group;
      const [dave] = await buildUsers(app.url, 1);
      const used = await inviteOf(group, owner, { maxUses: 1 });
      const expired = await inviteOf(group, owner);
      for (let count = 2; count < 50; count++) await inviteOf(group, owner);
      expect((await create(owner, group)).body.code).to.equal('limit_reached');
      expect(await list(owner, group, '?limit=100')).to.have.length(50);
      expect(await enter(dave as TestUser, used.code)).to.deep.equal(entered);
      expect((await create(owner, group)).status).to.equal(201);
      expect((await create(owner, group)).body.code).to.equal('limit_reached');
      await expire(group, expired.id);
      expect((await create(owner, group)).status).to.equal(201);
      expect((await create(owner, group)).body.code).to.equal('limit_reached');
      expect((await recordOf(app, group))?.invites).to.have.length(50);
    });

    it('leaves no entry in the log, and nobody hears of it', async () => {
      const group = await buildGroup(app.url);
      const ear = await group.members[0].connect();
      const { id } = await inviteOf(group, group.owner);
      await revoke(group.owner, group, id);
      const { body } = await group.owner.rest('PATCH', `/api/groups/${group.id}`, { name: 'Marker' });
      expect((await ear.next('group_updated')).seq).to.equal(2);
      expect(ear.heard.map(({ event }) => event)).to.deep.equal([]);
      expect(body.name).to.equal('Marker');
      ear.close();
    });
  });

  describe('listing them', () => {
    it('shows admins all and members their own, the latest first and without codes, in pages', async () => {
      const group = await buildGroup(app.url);
      const [bob, carl] = group.members;
      const [first, second, third] = [
        await inviteOf(group, bob),
        await inviteOf(group, carl, { maxUses: 2 }),
        await inviteOf(group, group.owner),
      ];
      await promote(group, carl);
      const idsOf = async (user: TestUser) => (await list(user, group)).map(({ id }) => id);
      expect(await idsOf(group.owner)).to.deep.equal([third.id, second.id, first.id]);
      expect(await idsOf(carl)).to.deep.equal([third.id, second.id, first.id]);
      expect(await idsOf(bob)).to.deep.equal([first.id]);
      const [shown] = await list(bob, group);
      expect(Object.keys(shown ?? {})).to.have.members(['id', 'expiresAt', 'maxUses', 'uses', 'createdBy']);
      const page = await group.owner.rest('GET', `/api/groups/${group.id}/invites?limit=2`);
      const rest = await list(group.owner, group, `?limit=2&cursor=${page.body.nextCursor}`);
      expect(rest.map(({ id }) => id)).to.deep.equal([first.id]);
      const bad = await group.owner.rest('GET', `/api/groups/${group.id}/invites?cursor=x`);
      expect(bad.body.code).to.equal('validation_failed');
      const stranger = await buildUser(app.url);
      const hidden = await stranger.rest('GET', `/api/groups/${group.id}/invites`);
      expect(hidden.body.code).to.equal('not_found');
    });

    it('counts their uses, and leaves out what is used up or has expired', async () => {
      const group = await buildGroup(app.url);
      const { owner } = group;
      const [dave, eve] = (await buildUsers(app.url, 2)) as [TestUser, TestUser];
      const twice = await inviteOf(group, owner, { maxUses: 2 });
      const old = await inviteOf(group, owner);
      await enter(dave, twice.code);
      expect((await list(owner, group)).find(({ id }) => id === twice.id)?.uses).to.equal(1);
      await enter(eve, twice.url);
      await expire(group, old.id);
      expect(await list(owner, group)).to.deep.equal([]);
    });
  });

  describe('revoking one', () => {
    it('ends it at once; admins end any, others their own', async () => {
      const group = await buildGroup(app.url);
      const [bob, carl] = group.members;
      const [bobs, owners] = [await inviteOf(group, bob), await inviteOf(group, group.owner)];
      const stranger = await buildUser(app.url);
      expect((await revoke(carl, group, bobs.id)).body.code).to.equal('not_allowed');
      expect((await revoke(bob, group, owners.id)).body.code).to.equal('not_allowed');
      expect((await revoke(stranger, group, bobs.id)).body.code).to.equal('not_found');
      expect((await revoke(bob, group, 'f'.repeat(24))).body.code).to.equal('not_found');
      expect((await revoke(bob, group, bobs.id)).status).to.equal(204);
      expect((await revoke(bob, group, bobs.id)).body.code).to.equal('not_found');
      expect(await enter(stranger, bobs.code)).to.deep.equal(notFound);
      const again = await inviteOf(group, bob);
      await promote(group, carl);
      expect((await revoke(carl, group, again.id)).status).to.equal(204);
      expect((await list(group.owner, group)).map(({ id }) => id)).to.deep.equal([owners.id]);
      expect(await enter(stranger, owners.code)).to.deep.equal(entered);
    });
  });

  describe('using one', () => {
    it('that is used up, has expired or was revoked is all the same', async () => {
      const group = await buildGroup(app.url);
      const [dave, eve] = (await buildUsers(app.url, 2)) as [TestUser, TestUser];
      const [used, expired, revoked] = [
        await inviteOf(group, group.owner, { maxUses: 1 }),
        await inviteOf(group, group.owner),
        await inviteOf(group, group.owner),
      ];
      expect(await enter(dave, used.code)).to.deep.equal(entered);
      await expire(group, expired.id);
      await revoke(group.owner, group, revoked.id);
      const doors = async (code: string) => {
        const tried = await eve.rest('POST', '/api/groups/join-by-qrcode', { code });
        const shown = await eve.rest('POST', '/api/qrcodes/resolve', { code });
        const page = await rest(app.url, { method: 'GET', path: `/q/${code}` });
        return [tried, shown]
          .map(({ body }) => ({ ...body, requestId: '' }))
          .concat(page.bytes.toString() as never);
      };
      const unknown = await doors('AAAAAAAAAAAAAAAA');
      for (const { code } of [used, expired, revoked]) expect(await doors(code)).to.deep.equal(unknown);
    });

    it('again by who came in with the last place answers the same, and counts nothing', async () => {
      const group = await buildGroup(app.url);
      const [dave] = (await buildUsers(app.url, 1)) as [TestUser];
      const [once, many] = [
        await inviteOf(group, group.owner, { maxUses: 1 }),
        await inviteOf(group, group.owner),
      ];
      for (let time = 0; time < 2; time++) expect(await enter(dave, once.code)).to.deep.equal(entered);
      expect(await enter(dave, many.code)).to.deep.equal(entered);
      expect((await list(group.owner, group)).map(({ uses }) => uses)).to.deep.equal([0]);
    });

    it('counts a request to join as a use, once', async () => {
      const group = await buildGroup(app.url, { joinMode: 'approval' });
      const [bob] = group.members;
      const [dave, eve] = (await buildUsers(app.url, 2)) as [TestUser, TestUser];
      const { code } = await inviteOf(group, bob, { maxUses: 1 });
      for (let time = 0; time < 2; time++) expect(await enter(dave, code)).to.deep.equal(asked);
      expect(await enter(eve, code)).to.deep.equal(notFound);
      const accepted = await group.owner.rest('POST', `/api/groups/${group.id}/requests/${dave.id}/accept`);
      expect(accepted.status).to.equal(200);
    });

    it('is refused to who is barred, and counts nothing', async () => {
      const group = await buildGroup(app.url);
      const [bob, carl] = group.members;
      await group.owner.rest('DELETE', `/api/groups/${group.id}/members/${bob.id}?barred=true`);
      const { code } = await inviteOf(group, carl, { maxUses: 1 });
      expect(await enter(bob, code)).to.deep.equal(notAllowed);
      expect((await list(carl, group)).map(({ uses }) => uses)).to.deep.equal([0]);
    });
  });
});
