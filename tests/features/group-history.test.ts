import { expect } from 'chai';
import type { SyncItem } from '../../src/features/conversations/conversations.contract.ts';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { buildUser, type TestUser } from '../support/builders.ts';
import { buildGroup, historyOf, invite, kick, mute, promote, say } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { logOf } from '../support/talk.ts';

const nobody = 'ffffffffffffffffffffffff';

const eventOf = ({ content }: Message) => (content as { event?: string }).event ?? content;

describe('messages: history of groups', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  it('shows messages as they are now among what happened to the group, mutes and roles apart', async () => {
    const group = await buildGroup(app.url);
    const [ann, bob] = group.members;
    const first = await say(group.id, ann, 'first');
    await mute(group, bob);
    await promote(group, ann);
    await say(group.id, group.owner, 'second');
    await ann.rest('PATCH', `/api/messages/${first.id}`, { content: 'first, changed' });
    await kick(group, bob);
    const history = await historyOf(group.id, ann);
    expect(history.map(eventOf)).to.deep.equal([
      'group_created',
      'first, changed',
      'second',
      'group_member_removed',
    ]);
    expect(history.map(({ seq }) => seq)).to.deep.equal([1, 2, 5, 7]);
    const all = await logOf(ann);
    expect(all.map(eventOf)).to.deep.equal([
      'group_created',
      'first, changed',
      'group_member_muted',
      'group_role_changed',
      'second',
      'message_edited',
      'group_member_removed',
    ]);
    for (const entry of all) {
      expect(entry).to.include({ type: 'group', groupId: group.id, conversationId: group.id });
      expect(entry).not.to.have.property('receiverId');
      if (entry.contentType !== 'system') continue;
      const { data } = entry.content as { data: object };
      expect(data).to.include({ conversationId: group.id, seq: entry.seq });
    }
    expect(all.at(-1)?.content).to.deep.equal({
      event: 'group_member_removed',
      data: {
        groupId: group.id,
        conversationId: group.id,
        seq: 7,
        userId: bob.id,
        byId: group.owner.id,
      },
    });
  });

  it('gives pages in both directions', async () => {
    const { id: groupId, owner } = await buildGroup(app.url);
    for (const content of ['a', 'b', 'c', 'd']) await say(groupId, owner, content);
    const page = async (query: string) => {
      const { body } = await owner.rest('GET', `/api/messages/group/${groupId}?${query}`);
      return { contents: (body.items as Message[]).map(eventOf), nextCursor: body.nextCursor };
    };
    expect(await page('limit=2')).to.deep.equal({ contents: ['c', 'd'], nextCursor: 4 });
    expect(await page('limit=2&before=4')).to.deep.equal({ contents: ['a', 'b'], nextCursor: 2 });
    expect(await page('limit=2&after=1')).to.deep.equal({ contents: ['a', 'b'], nextCursor: 3 });
    expect(await page('after=3')).to.deep.equal({ contents: ['c', 'd'], nextCursor: null });
  });

  it('begins with the joining of who comes later, and anew with every joining', async () => {
    const group = await buildGroup(app.url);
    const [ann] = group.members;
    await say(group.id, ann, 'before');
    await kick(group, ann);
    await say(group.id, group.owner, 'without her');
    await invite(group, ann);
    await say(group.id, group.owner, 'again');
    expect((await historyOf(group.id, ann)).map(eventOf)).to.deep.equal(['group_member_joined', 'again']);
  });

  it('begins at the beginning where newcomers see it', async () => {
    const group = await buildGroup(app.url, { settings: { newcomersSeeHistory: true } });
    const [ann] = group.members;
    await say(group.id, group.owner, 'before');
    await kick(group, ann);
    await invite(group, ann);
    expect((await historyOf(group.id, ann)).map(eventOf)).to.deep.equal([
      'group_created',
      'before',
      'group_member_removed',
      'group_member_joined',
    ]);
  });

  it('is not given by a page of sync that goes on below what one may see', async () => {
    const group = await buildGroup(app.url);
    const [ann, bob] = group.members;
    for (const content of ['one', 'two', 'three']) await say(group.id, group.owner, content);
    const page = { conversations: { [group.id]: 1 }, limit: 1 };
    const syncOf = async (reader: TestUser, cursor?: unknown) => {
      const { body } = await reader.rest('POST', '/api/sync', { ...page, cursor });
      const [item] = body.items as SyncItem[];
      return { told: item?.entries.map(eventOf), reset: item?.reset, cursor: body.nextCursor };
    };
    const { told, cursor } = await syncOf(ann);
    expect(told).to.deep.equal(['one']);
    await kick(group, ann);
    await invite(group, ann);
    // a page that leads nowhere any more begins anew: her own of before, and one that somebody else was given
    const newest = { told: ['group_member_joined'], reset: 'cursor_expired', cursor: null };
    expect(await syncOf(ann, cursor)).to.deep.equal(newest);
    expect(await syncOf(ann, (await syncOf(bob)).cursor)).to.deep.equal(newest);
    expect(await syncOf(bob, cursor)).to.deep.include({ told: ['two'], reset: undefined });
    await bob.rest('DELETE', `/api/conversations/${group.id}/messages`);
    expect(await syncOf(bob, cursor)).to.deep.equal({ told: [], reset: 'cursor_expired', cursor: null });
  });

  it('is not found by strangers, who was removed, and after the end, like that of no group at all', async () => {
    const group = await buildGroup(app.url);
    const [ann, bob] = group.members;
    const eve = await buildUser(app.url);
    await kick(group, ann);
    const ask = (user: TestUser, groupId = group.id) => user.rest('GET', `/api/messages/group/${groupId}`);
    const refusals = [await ask(eve), await ask(ann), await ask(eve, nobody)];
    await group.owner.rest('DELETE', `/api/groups/${group.id}`);
    refusals.push(await ask(bob), await ask(group.owner));
    for (const { status, body } of refusals) {
      expect([status, body.code]).to.deep.equal([404, 'not_found']);
      expect({ ...body, requestId: '' }).to.deep.equal({ ...refusals[0]?.body, requestId: '' });
    }
  });

  it('is asked for with either a friend or a group', async () => {
    const { id: groupId, owner, members } = await buildGroup(app.url);
    const socket = await owner.connect();
    for (const input of [{}, { groupId, friendId: members[0].id }, { groupId: null }, { groupId: 5 }])
      await socket.refused('message_history', input, 'validation_failed');
    await socket.refused('message_history', { friendId: groupId }, 'not_found');
    await socket.refused('message_history', { groupId: members[0].id }, 'not_found');
    socket.close();
  });

  it('does not let what happened to the group be taken for a message', async () => {
    const { id: groupId, owner } = await buildGroup(app.url);
    const [created] = await historyOf(groupId, owner);
    const messageId = String(created?.id);
    const socket = await owner.connect();
    const calls: [string, object][] = [
      ['group_message', { groupId, content: 'x', replyTo: messageId }],
      ['group_message', { groupId, forwardOf: messageId }],
      ['message_react', { messageId, emoji: '👍', active: true }],
      ['message_recall', { messageId }],
      ['message_edit', { messageId, content: 'x' }],
      ['message_delete', { messageId }],
    ];
    for (const [event, input] of calls) await socket.refused(event, input, 'not_found');
    expect(await historyOf(groupId, owner)).to.deep.equal([created]);
    socket.close();
  });
});
