import { expect } from 'chai';
import { buildUsers, type TestUser } from '../support/builders.ts';
import { rest } from '../support/clients.ts';
import { enter, entered, forgetTries, inviteOf, notFound, recordOf, revoke } from '../support/group-codes.ts';
import { buildGroup } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

describe('invite links of groups: several at once', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp({ publicUrl: 'https://chat.example.com' });
  });
  // all of them try from one address
  beforeEach(() => forgetTries(app));
  after(() => app.close());

  describe('at the same time as others', () => {
    const jwtSecret = 'the same for both processes of this test';

    it('the last places admit as many as there are, whichever process is asked', async () => {
      const here = await startApp({ jwtSecret });
      const there = await startApp({ jwtSecret, mongodbUri: here.mongodbUri });
      const group = await buildGroup(here.url);
      const users = await buildUsers(here.url, 8);
      const invite = await inviteOf(group, group.owner, { maxUses: 3 });
      const answers = await Promise.all(
        users.map(async ({ token }, index) => {
          const { status } = await rest(index % 2 === 0 ? here.url : there.url, {
            method: 'POST',
            path: '/api/groups/join-by-qrcode',
            body: { code: invite.code },
            token,
          });
          return status;
        }),
      );
      expect(answers.toSorted()).to.deep.equal([200, 200, 200, 404, 404, 404, 404, 404]);
      const { body } = await group.owner.rest('GET', `/api/groups/${group.id}`);
      expect(body.memberCount).to.equal(6);
      await there.close();
      await here.close();
    });

    it('many losers of the last place are no guessers', async () => {
      const group = await buildGroup(app.url);
      const users = await buildUsers(app.url, 15);
      const invite = await inviteOf(group, group.owner, { maxUses: 1 });
      const answers = await Promise.all(users.map((user) => enter(user, invite.code)));
      expect(answers.filter(([status]) => status === 200)).to.have.length(1);
      expect(answers.filter(([status]) => status === 404)).to.have.length(14);
    });

    it('one that is revoked meanwhile lets in before or not at all', async () => {
      for (let round = 0; round < 5; round++) {
        const group = await buildGroup(app.url);
        const [dave, eve] = (await buildUsers(app.url, 2)) as [TestUser, TestUser];
        const { id, code } = await inviteOf(group, group.owner);
        const [answer, revoked] = await Promise.all([enter(dave, code), revoke(group.owner, group, id)]);
        expect(revoked.status).to.equal(204);
        expect(answer).to.deep.be.oneOf([entered, notFound]);
        const { body } = await group.owner.rest('GET', `/api/groups/${group.id}`);
        expect(body.memberCount).to.equal(answer[0] === 200 ? 4 : 3);
        expect((await recordOf(app, group))?.invites).to.deep.equal([]);
        await forgetTries(app);
        expect(await enter(eve, code)).to.deep.equal(notFound);
      }
    });
  });
});
