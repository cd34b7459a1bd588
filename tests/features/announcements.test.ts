import { expect } from 'chai';
import { Types } from 'mongoose';
import type { ShownAnnouncement } from '../../src/features/groups/announcements.contract.ts';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { announce, historyOf, pathOf, read, shownTo } from '../support/announcements.ts';
import { buildUser } from '../support/builders.ts';
import { buildGroup, promote } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { Storage } from '../support/storage.ts';
import { closeAll } from '../support/talk.ts';

const none = { id: null, content: '', authorId: null, createdAt: null, readCount: 0, readAt: null };

describe('announcements of groups', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  describe('group_announcement_set', () => {
    it('is shown to every member, heard by all in the group and by nobody else, and stands in the log', async () => {
      const group = await buildGroup(app.url);
      const { id, owner, members } = group;
      const stranger = await buildUser(app.url);
      const [mouth, ear, outside] = await Promise.all([
        owner.connect(),
        members[0].connect(),
        stranger.connect(),
      ]);
      expect(await shownTo(members[0], group)).to.deep.equal(none);
      const content = 'Walk on Sunday <b>at 9</b>\n带上水';
      const shown = await mouth.call('group_announcement_set', { groupId: id, content });
      expect(shown).to.deep.include({ content, authorId: owner.id, readCount: 0, readAt: null });
      const told = {
        groupId: id,
        conversationId: id,
        seq: 2,
        announcement: content,
        announcementId: shown.id,
        byId: owner.id,
      };
      for (const socket of [mouth, ear])
        expect(await socket.next('group_announcement_updated')).to.deep.equal(told);
      for (const person of [owner, ...members]) expect(await shownTo(person, group)).to.deep.equal(shown);
      const away = await members[1].rest('POST', '/api/sync', { conversations: { [id]: 1 } });
      const [item] = away.body.items as { entries: Message[] }[];
      expect(item?.entries.map((entry) => entry.content)).to.deep.equal([
        { event: 'group_announcement_updated', data: told },
      ]);
      await stranger.rest('PATCH', '/api/users/me', { bio: 'a later event' });
      await outside.next('profile_updated');
      expect(outside.untaken('group_announcement_updated')).to.deep.equal([]);
      closeAll(mouth, ear, outside);
    });

    it('is for admins; strangers find nothing at all', async () => {
      const group = await buildGroup(app.url, { joinMode: 'open' });
      const { id, members } = group;
      const stranger = await (await buildUser(app.url)).connect();
      await promote(group, members[0]);
      expect((await announce(group, 'by an admin', members[0])).authorId).to.equal(members[0].id);
      const ear = await members[1].connect();
      await ear.refused('group_announcement_set', { groupId: id, content: 'mine' }, 'not_allowed');
      await ear.refused('group_announcement_set', { groupId: id, content: '' }, 'not_allowed');
      await ear.refused('group_announcement_reader_list', { groupId: id }, 'not_allowed');
      for (const groupId of [id, 'f'.repeat(24)]) {
        await stranger.refused('group_announcement_get', { groupId }, 'not_found');
        await stranger.refused('group_announcement_set', { groupId, content: 'x' }, 'not_found');
        await stranger.refused('group_announcement_read', { groupId }, 'not_found');
        await stranger.refused('group_announcement_reader_list', { groupId }, 'not_found');
        await stranger.refused('group_announcement_list', { groupId }, 'not_found');
      }
      expect((await shownTo(members[1], group)).content).to.equal('by an admin');
      closeAll(stranger, ear);
    });

    it('takes up to 4,000 units, and refuses more, a blank one and anything that is no text', async () => {
      const group = await buildGroup(app.url);
      const longest = '公'.repeat(4000);
      expect((await announce(group, longest)).content).to.equal(longest);
      for (const content of [`${longest}x`, '  \n', '\u200b', 7, null, undefined, ['x'], { $set: 'x' }]) {
        const { body } = await group.owner.rest('PUT', pathOf(group), { content });
        expect(body.code, JSON.stringify(content)).to.equal('validation_failed');
      }
      expect(await historyOf(group.owner, group)).to.have.length(1);
    });

    it('is taken away by an empty one, which history keeps as one more', async () => {
      const group = await buildGroup(app.url);
      const { owner, members } = group;
      expect(await announce(group, ''), 'nothing in place of nothing').to.deep.equal(none);
      const ear = await members[0].connect();
      const first = await announce(group, 'first');
      const second = await announce(group, 'second');
      const empty = await announce(group, '');
      expect(empty).to.deep.include({ content: '', authorId: owner.id });
      expect(await announce(group, ''), 'again').to.deep.equal(empty);
      expect(await shownTo(members[0], group)).to.deep.equal(empty);
      expect(await historyOf(members[0], group)).to.deep.equal([empty, second, first]);
      const heard = [1, 2, 3].map(() => ear.next('group_announcement_updated'));
      expect((await Promise.all(heard)).map(({ announcement }) => announcement)).to.deep.equal([
        'first',
        'second',
        '',
      ]);
      ear.close();
    });

    it('repeated makes no second one, unless something else came between or much time has passed', async () => {
      const group = await buildGroup(app.url);
      const first = await announce(group, 'the same');
      await read(group.members[0], group);
      expect(await announce(group, 'the same')).to.deep.equal({ ...first, readCount: 1 });
      await announce(group, 'another');
      const again = await announce(group, 'the same');
      expect(again.id).to.not.equal(first.id);
      const storage = await Storage.of(app);
      const anHourAgo = new Date(Date.now() - 3_600_000);
      await storage.connection
        .collection('groups')
        .updateOne({ 'announcement.id': again.id }, { $set: { 'announcement.createdAt': anHourAgo } });
      await storage.close();
      const later = await announce(group, 'the same');
      expect(later.id).to.not.equal(again.id);
      expect(later.readCount).to.equal(0);
      expect(await historyOf(group.owner, group)).to.have.length(4);
    });

    it('by several admins at once: all are kept, in the order of the log, and the last one stands', async () => {
      const group = await buildGroup(app.url);
      const { owner, members } = group;
      for (const member of members) await promote(group, member);
      const ear = await owner.connect();
      const all = await Promise.all([owner, ...members].map((by, n) => announce(group, `text ${n}`, by)));
      const heard = await Promise.all(all.map(() => ear.next('group_announcement_updated')));
      const history = await historyOf(owner, group);
      expect(history.map(({ id }) => id)).to.deep.equal(
        heard.map(({ announcementId }) => announcementId).toReversed(),
      );
      expect(await shownTo(owner, group)).to.deep.equal(history[0]);
      ear.close();
    });
  });

  describe('lists', () => {
    it('of readers come in pages, which stay with their announcement', async () => {
      const group = await buildGroup(app.url, { memberCount: 3 });
      const { owner, members } = group;
      const path = `${pathOf(group)}/readers`;
      expect((await owner.rest('GET', path)).body).to.deep.equal({ items: [], nextCursor: null });
      await announce(group, 'news');
      for (const member of members) await read(member, group);
      const first = (await owner.rest('GET', `${path}?limit=2`)).body;
      await announce(group, 'newer');
      const second = (await owner.rest('GET', `${path}?limit=2&cursor=${first.nextCursor}`)).body;
      const ids = [first, second].flatMap(({ items }) => (items as { id: string }[]).map(({ id }) => id));
      expect(ids).to.deep.equal(members.map(({ id }) => id).toReversed());
      expect(second.nextCursor).to.equal(null);
      const forged = Buffer.from(JSON.stringify(['f'.repeat(24), 'f'.repeat(24)])).toString('base64url');
      expect((await owner.rest('GET', `${path}?cursor=${forged}`)).body.code).to.equal('not_found');
      for (const cursor of ['x', Buffer.from('{"$gt":""}').toString('base64url')])
        expect((await owner.rest('GET', `${path}?cursor=${cursor}`)).body.code).to.equal('validation_failed');
    });

    it('of announcements come in pages, the latest first', async () => {
      const group = await buildGroup(app.url);
      for (const content of ['one', 'two', 'three']) await announce(group, content);
      const path = `${pathOf(group)}s?limit=2`;
      const first = (await group.members[0].rest('GET', path)).body;
      const second = (await group.members[0].rest('GET', `${path}&cursor=${first.nextCursor}`)).body;
      const items = [first, second].flatMap(({ items }) => items as ShownAnnouncement[]);
      expect(items.map(({ content }) => content)).to.deep.equal(['three', 'two', 'one']);
      expect(second.nextCursor).to.equal(null);
    });
  });

  it('that a crash left behind, made but not told, are told with the next change', async () => {
    const group = await buildGroup(app.url);
    const { id, owner, members } = group;
    const storage = await Storage.of(app);
    const groups = storage.connection.collection('groups');
    const _id = new Types.ObjectId(id);
    const version = Number((await groups.findOne({ _id }))?.version);
    const [announcementId, entryId] = [1, 2].map(() => new Types.ObjectId().toHexString());
    const announcement = { id: announcementId, content: 'left', authorId: owner.id, createdAt: new Date() };
    const data = { announcement: 'left', announcementId, byId: owner.id };
    const outbox = {
      entryId,
      actorId: owner.id,
      at: new Date(),
      version: version + 1,
      change: { event: 'group_announcement_updated', data },
      aftermath: {},
    };
    await groups.updateOne({ _id }, { $set: { announcement, version: version + 1, outbox } });
    await storage.close();
    const ear = await members[0].connect();
    await owner.rest('PATCH', `/api/groups/${id}`, { name: 'Next' });
    expect(await ear.next('group_announcement_updated')).to.deep.include({ seq: 2, ...data });
    expect((await ear.next('group_updated')).seq).to.equal(3);
    expect((await historyOf(members[0], group)).map(({ content }) => content)).to.deep.equal(['left']);
    ear.close();
  });

  it('end with the group', async () => {
    const group = await buildGroup(app.url);
    await announce(group, 'news');
    await group.owner.rest('DELETE', `/api/groups/${group.id}`);
    for (const path of [pathOf(group), `${pathOf(group)}s`, `${pathOf(group)}/readers`])
      expect((await group.owner.rest('GET', path)).body.code).to.equal('not_found');
    expect((await group.owner.rest('PUT', pathOf(group), { content: 'x' })).body.code).to.equal('not_found');
  });
});
