import { expect } from 'chai';
import { announce, historyOf, pathOf, read, readersOf, shownTo } from '../support/announcements.ts';
import { buildGroup, kick } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

describe('announcements of groups: who has read them', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  describe('group_announcement_read', () => {
    it('counts each reader once, and shows everybody when they have read it', async () => {
      const group = await buildGroup(app.url);
      const { owner, members } = group;
      expect((await read(members[0], group)).status, 'nothing to read').to.equal(204);
      await announce(group, 'news');
      for (const _ of [1, 2]) expect((await read(members[0], group)).status).to.equal(204);
      const mine = await shownTo(members[0], group);
      expect(mine.readCount).to.equal(1);
      expect(mine.readAt).to.be.a('string');
      await read(members[0], group);
      expect(await shownTo(members[0], group), 'the first time stays').to.deep.equal(mine);
      expect(await shownTo(members[1], group)).to.deep.equal({ ...mine, readAt: null });
      await read(members[1], group);
      expect((await shownTo(owner, group)).readCount).to.equal(2);
      expect(await readersOf(group)).to.deep.equal([members[1].id, members[0].id]);
    });

    it('counts the same reader once however many calls come at once', async () => {
      const group = await buildGroup(app.url);
      await announce(group, 'news');
      const answers = await Promise.all(Array.from({ length: 8 }, () => read(group.members[0], group)));
      expect(answers.map(({ status }) => status)).to.deep.equal(Array(8).fill(204));
      expect((await shownTo(group.owner, group)).readCount).to.equal(1);
    });

    it('of a named one does not count for one that has come since', async () => {
      const group = await buildGroup(app.url);
      const { members } = group;
      const { id: announcementId } = await announce(group, 'seen');
      await announce(group, 'not seen');
      await read(members[0], group, { announcementId });
      const [latest, earlier] = await historyOf(members[0], group);
      expect([latest?.readCount, earlier?.readCount]).to.deep.equal([0, 1]);
      expect(await readersOf(group)).to.deep.equal([]);
      expect(await readersOf(group, `?announcementId=${announcementId}`)).to.deep.equal([members[0].id]);
    });

    it('of another group’s is not found', async () => {
      const [group, other] = [await buildGroup(app.url), await buildGroup(app.url)];
      const { id: announcementId } = await announce(other, 'theirs');
      await announce(group, 'ours');
      for (const named of [announcementId, group.id]) {
        const answer = await read(group.members[0], group, { announcementId: named });
        expect(answer.body.code).to.equal('not_found');
      }
      expect((await shownTo(other.owner, other)).readCount).to.equal(0);
      const { body } = await group.owner.rest(
        'GET',
        `${pathOf(group)}/readers?announcementId=${announcementId}`,
      );
      expect(body.code).to.equal('not_found');
    });

    it('ends with the membership: who leaves or is removed is no reader, and begins anew', async () => {
      const group = await buildGroup(app.url, { memberCount: 3 });
      const { id, owner, members } = group;
      await announce(group, 'news');
      for (const member of members) await read(member, group);
      await members[0].rest('POST', `/api/groups/${id}/leave`);
      await kick(group, members[1]);
      expect((await shownTo(owner, group)).readCount).to.equal(1);
      expect(await readersOf(group)).to.deep.equal([members[2]?.id]);
      for (const gone of [members[0], members[1]]) {
        expect((await read(gone, group)).body.code).to.equal('not_found');
        expect((await gone.rest('GET', pathOf(group))).body.code).to.equal('not_found');
        expect((await gone.rest('GET', `${pathOf(group)}s`)).body.code).to.equal('not_found');
      }
      await owner.rest('POST', `/api/groups/${id}/members`, { userIds: [members[0].id] });
      expect(await shownTo(members[0], group), 'from before they joined').to.deep.include({
        content: 'news',
        readAt: null,
      });
    });
  });
});
