import { expect } from 'chai';
import { contracts } from '../../src/contracts.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import type { Operation } from '../../src/core/operation.ts';
import { befriend, buildUser, type TestUser } from '../support/builders.ts';
import type { TestSocket } from '../support/clients.ts';
import { buildGroup, type TestGroup } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { Storage } from '../support/storage.ts';

const someId = 'f'.repeat(24);
const manyIds = (count: number) => Array.from({ length: count }, (_, n) => n.toString(16).padStart(24, '0'));
const opaque = (position: unknown) => Buffer.from(JSON.stringify(position)).toString('base64url');

const noId = [
  null,
  7,
  '',
  'abcdefghijkl',
  'z'.repeat(24),
  `${someId}f`,
  { $ne: null },
  [someId],
  someId.split(''),
];
const noIds = [
  ...[null, 7, someId, {}, { $in: [someId] }, { 0: someId, length: 1 }],
  ...[[null], [7], [[someId]], ['abcdefghijkl'], [{ $ne: null }], manyIds(101), manyIds(2000)],
];
const noText = [7, true, {}, [], ['text'], { $set: 'x' }];

/** For every field that an operation on groups takes, what it does not take. */
const wrong: Record<string, readonly unknown[]> = {
  groupId: [undefined, ...noId],
  userId: [undefined, ...noId],
  announcementId: noId,
  inviteId: [undefined, ...noId],
  userIds: [undefined, [], ...noIds],
  memberIds: noIds,
  name: [null, '', '  ', 'x'.repeat(65), 'a\u202eb', ...noText],
  description: ['x'.repeat(501), 'a\u200bb', ...noText],
  joinMode: [null, 'OPEN', '', 7, ['open'], { $ne: 'open' }],
  settings: [
    ...[null, 7, 'members', []],
    ...[{ whoCanEdit: 'everyone' }, { whoCanInvite: { $ne: 1 } }, { newcomersSeeHistory: 'true' }],
  ],
  role: [undefined, null, 'owner', 'ADMIN', 1, ['admin'], { $ne: 'member' }],
  minutes: [undefined, null, 0, -1, 43_201, 1e308, Number.NaN, '10', {}, [10]],
  nickname: [undefined, null, 'x'.repeat(33), 'a\u202eb', ...noText],
  message: ['x'.repeat(501), 'a\u202eb', ...noText],
  barred: [null, 'yes', 1, {}, [true]],
  content: [undefined, null, ' \n', '\u200b', 'x'.repeat(4001), '\ud800', ...noText],
  format: [null, 'gif', 'PNG', ...noText],
  maxUses: [0, -1, 1.5, 100_001, 2 ** 53, '1', {}, [1]],
  expiresIn: [null, 0, -1, 1.5, 365 * 86_400 + 1, '60', {}, [60]],
  code: [undefined, null, 'x'.repeat(501), ...noText],
  limit: [null, 0, -1, 101, 1.5, 2 ** 53, '1', {}, [1]],
  cursor: [null, 7, '', 'no cursor', 'x'.repeat(501), opaque({ $gt: '' }), opaque([[]]), opaque(null)],
};

const features = [contracts.groups, contracts.groupMembers, contracts.announcements, contracts.groupCodes];
const onGroups: Operation[] = features
  .flatMap((contract) => Object.values<Operation>(contract))
  .filter(({ event }) => event !== undefined);

describe('hostile input about groups', () => {
  let app: TestApp;
  let storage: Storage;
  let group: TestGroup;
  let friend: TestUser;
  let socket: TestSocket;
  before(async () => {
    app = await startApp();
    storage = await Storage.of(app);
    group = await buildGroup(app.url);
    friend = await buildUser(app.url);
    await befriend(group.owner, friend);
    socket = await group.owner.connect();
  });
  after(async () => {
    socket.close();
    await storage.close();
    await app.close();
  });

  /** Everything that a call about groups could change. */
  async function everything(): Promise<string> {
    const names = ['groups', 'memberships', 'messages', 'announcements', 'announcement_reads'];
    const found = names.map((name) => storage.connection.collection(name).find().sort({ _id: 1 }).toArray());
    return JSON.stringify(await Promise.all(found));
  }

  /** What would do, but for the field that is wrong. */
  const right = () => ({
    groupId: group.id,
    userId: group.members[0].id,
    userIds: [friend.id],
    inviteId: someId,
    name: 'Walks',
    role: 'admin',
    minutes: 10,
    nickname: 'Bobby',
    content: 'news',
  });

  for (const { event = '', input } of onGroups) {
    it(`${event} refuses what no field of it takes, by name, and changes nothing`, async () => {
      const before = await everything();
      const fields = Object.keys(input.shape);
      const given = Object.entries(right()).filter(([name]) => fields.includes(name));
      for (const name of fields) {
        for (const value of wrong[name] ?? expect.fail(`nothing is known to be wrong for ${name}`)) {
          const problem = await socket.refused(
            event,
            { ...Object.fromEntries(given), [name]: value },
            'validation_failed',
          );
          const paths = problem.errors?.map(({ path }) => path) ?? [];
          if (value !== '\ud800')
            expect(paths, `${name}: ${JSON.stringify(value)}`).to.satisfy(
              (all: string[]) => all.length > 0 && all.every((path) => path.split('.')[0] === name),
            );
        }
      }
      for (const whole of [null, 7, 'text', [], [right()]])
        await socket.refused(event, whole, 'validation_failed');
      expect(await everything()).to.equal(before);
    });
  }

  /** Ids of the right form that belong to something else, or to oneself. */
  const misplaced: [
    string,
    (world: { own: string; groupId: string; friendId: string }) => object,
    ErrorCode,
  ][] = [
    ['group_create', ({ groupId }) => ({ name: 'x', memberIds: [groupId] }), 'not_allowed'],
    ['group_get', ({ own }) => ({ groupId: own }), 'not_found'],
    ['group_update', ({ friendId }) => ({ groupId: friendId, name: 'x' }), 'not_found'],
    ['group_invite', ({ groupId, friendId }) => ({ groupId, userIds: [friendId, groupId] }), 'not_allowed'],
    ['group_invite', ({ groupId, friendId }) => ({ groupId, userIds: [friendId, someId] }), 'not_allowed'],
    ['group_kick', ({ groupId, own }) => ({ groupId, userId: own }), 'not_allowed'],
    ['group_kick', ({ groupId, own }) => ({ groupId, userId: own, barred: true }), 'not_allowed'],
    ['group_kick', ({ groupId }) => ({ groupId, userId: groupId }), 'not_found'],
    ['group_kick', ({ groupId, friendId }) => ({ groupId, userId: friendId, barred: true }), 'not_found'],
    ['group_unbar', ({ groupId, own }) => ({ groupId, userId: own }), 'not_found'],
    ['group_member_mute', ({ groupId, own }) => ({ groupId, userId: own, minutes: 1 }), 'not_allowed'],
    [
      'group_member_mute',
      ({ groupId, friendId }) => ({ groupId, userId: friendId, minutes: 1 }),
      'not_found',
    ],
    ['group_member_unmute', ({ groupId, own }) => ({ groupId, userId: own }), 'not_allowed'],
    ['group_role_set', ({ groupId, own }) => ({ groupId, userId: own, role: 'member' }), 'not_allowed'],
    [
      'group_role_set',
      ({ groupId, friendId }) => ({ groupId, userId: friendId, role: 'admin' }),
      'not_found',
    ],
    ['group_transfer', ({ groupId, friendId }) => ({ groupId, userId: friendId }), 'not_found'],
    ['group_transfer', ({ groupId }) => ({ groupId, userId: groupId }), 'not_found'],
    ['group_request_accept', ({ groupId, friendId }) => ({ groupId, userId: friendId }), 'not_found'],
    ['group_request_reject', ({ groupId, own }) => ({ groupId, userId: own }), 'not_found'],
    ['group_join_withdraw', ({ groupId }) => ({ groupId }), 'not_found'],
    ['group_announcement_read', ({ groupId }) => ({ groupId, announcementId: groupId }), 'not_found'],
    ['group_announcement_set', ({ own }) => ({ groupId: own, content: 'x' }), 'not_found'],
    ['join_group_room', ({ own }) => ({ groupId: own }), 'not_found'],
  ];
  for (const [event, input, code] of misplaced) {
    const shown = JSON.stringify(input({ own: 'mine', groupId: 'the group', friendId: 'a friend’s' }));
    it(`${event} with ${shown} is ${code} and changes nothing`, async () => {
      const before = await everything();
      const world = { own: group.owner.id, groupId: group.id, friendId: friend.id };
      await socket.refused(event, input(world), code);
      expect(await everything()).to.equal(before);
    });
  }

  it('people named twice, in both cases of letters, and I myself, count once', async () => {
    const ids = [friend.id, friend.id.toUpperCase(), group.owner.id, friend.id];
    const created = await socket.call('group_create', { name: 'Walks', memberIds: ids });
    expect(created.memberCount).to.equal(2);
    const answer = await socket.call('group_invite', { groupId: group.id.toUpperCase(), userIds: ids });
    const { items } = answer as { items: { user: { id: string } }[] };
    expect(items.map(({ user }) => user.id)).to.deep.equal([friend.id, group.owner.id]);
    expect((await socket.call('group_get', { groupId: group.id })).memberCount).to.equal(4);
  });

  it('what does nothing says nothing: transfer to oneself, joining where one is, lifting no mute', async () => {
    const before = await everything();
    const { id: groupId, owner, members } = group;
    await socket.call('group_transfer', { groupId, userId: owner.id });
    await socket.call('group_join', { groupId });
    await socket.call('group_member_unmute', { groupId, userId: members[0].id });
    await socket.call('group_unmute', { groupId });
    await socket.call('group_announcement_set', { groupId, content: '' });
    await socket.call('group_announcement_read', { groupId });
    expect(await everything()).to.equal(before);
  });

  it('fields that no operation knows are refused where the group would change', async () => {
    const { id: groupId, owner } = group;
    for (const [event, input] of [
      ['group_update', { name: 'x', ownerId: owner.id }],
      ['group_kick', { userId: owner.id, force: true }],
      ['group_leave', { userId: owner.id }],
      ['group_announcement_set', { content: 'x', authorId: someId }],
      ['group_announcement_read', { userId: someId }],
    ] as const)
      await socket.refused(event, { groupId, ...input }, 'validation_failed');
  });
});
