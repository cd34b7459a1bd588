import { expect } from 'chai';
import { AppError } from '../../src/core/errors.ts';
import type { Role } from '../../src/features/groups/groups.contract.ts';
import { outranks } from '../../src/features/messages/messages.rules.ts';
import type { Send } from '../../src/features/messages/pending.ts';
import { createSendAuthority } from '../../src/features/messages/send-authority.ts';

interface World {
  friendPairs?: string[];
  /** Group → member → what they are. */
  members?: Record<string, Record<string, { role: Role; mutedUntil?: Date }>>;
  rules?: Record<string, { mutedAll?: boolean; whoCanMentionAll?: 'members' | 'admins' }>;
}

/** The authority of a world, and what it has read there. */
function authorityIn({ friendPairs = [], members = {}, rules = {} }: World) {
  const reads: string[] = [];
  const authority = createSendAuthority({
    async findFriendPairs(pairIds) {
      reads.push('pairs');
      return new Set(pairIds.filter((pairId) => friendPairs.includes(pairId)));
    },
    async findMembers(asked) {
      reads.push('members');
      return new Map(
        asked.map(({ groupId, userIds }) => [
          groupId,
          new Map(
            userIds.flatMap((userId) => {
              const member = members[groupId]?.[userId];
              return member ? [[userId, { mutedUntil: null, ...member }] as const] : [];
            }),
          ),
        ]),
      );
    },
    async findSendRules(groupIds) {
      reads.push('rules');
      return new Map(
        groupIds.flatMap((groupId) => {
          const found = rules[groupId];
          const settings = { whoCanMentionAll: found?.whoCanMentionAll ?? ('admins' as const) };
          return found ? [[groupId, { mutedAll: found.mutedAll ?? false, settings }] as const] : [];
        }),
      );
    },
  });
  return { ...authority, reads };
}

function buildSend(overrides: Partial<Send>): Send {
  return {
    id: 'id',
    conversationId: 'group',
    type: 'group',
    senderId: 'ann',
    clientMessageId: null,
    requestHash: '',
    contentType: 'text',
    content: 'hello',
    rev: 1,
    ...overrides,
  };
}

const staff = {
  olga: { role: 'owner' },
  adam: { role: 'admin' },
  ann: { role: 'member' },
  bob: { role: 'member' },
} as const;

/** What becomes of one message: `sent`, or why not. */
async function outcomeOf(world: World, overrides: Partial<Send>) {
  const send = buildSend(overrides);
  const refusal = (await authorityIn(world).findRefused([send])).get(send);
  return refusal?.code ?? 'sent';
}

describe('authority to send', () => {
  const world: World = { members: { group: staff }, rules: { group: {} } };
  const later = new Date(Date.now() + 86_400_000);
  const before = new Date(Date.now() - 1);

  it('asks one read of each kind for all that waits, and only those that are needed', async () => {
    const toGroup = [1, 2, 3].map((id) => buildSend({ id: String(id), mentions: ['bob', 'all'] }));
    const toFriend = [4, 5].map((id) => buildSend({ id: String(id), type: 'private', receiverId: 'bob' }));
    const change = buildSend({ change: {} as Send['change'] & object });
    const groupChange = buildSend({ groupChange: { event: 'group_dissolved', data: {} } });
    for (const [sends, expected] of [
      [[], []],
      [[change, groupChange], []],
      [toFriend, ['pairs']],
      [toGroup, ['members', 'rules']],
      [
        [...toGroup, ...toFriend, change],
        ['members', 'pairs', 'rules'],
      ],
    ] as const) {
      const { findRefused, reads } = authorityIn(world);
      await findRefused(sends);
      expect(reads.sort()).to.deep.equal(expected);
    }
  });

  it('never refuses a change, which is made already', async () => {
    const change = { change: {} as Send['change'] & object };
    const groupChange = { groupChange: { event: 'group_dissolved', data: {} } } as const;
    expect(await outcomeOf({}, change)).to.equal('sent');
    expect(await outcomeOf({}, groupChange)).to.equal('sent');
  });

  it('lets friends write to each other, and members of a group that has not ended', async () => {
    const toFriend = { type: 'private', conversationId: 'pair', receiverId: 'bob' } as const;
    expect(await outcomeOf({ friendPairs: ['pair'] }, toFriend)).to.equal('sent');
    expect(await outcomeOf({}, toFriend)).to.equal('not_allowed');
    expect(await outcomeOf(world, {})).to.equal('sent');
    expect(await outcomeOf(world, { senderId: 'eve' })).to.equal('not_found');
    expect(await outcomeOf({ ...world, rules: {} }, {})).to.equal('not_found');
    expect(await outcomeOf(world, { conversationId: 'another' })).to.equal('not_found');
  });

  it('does not take a friendship for membership, nor the other way round', async () => {
    const everything: World = { ...world, friendPairs: ['pair'], members: { pair: staff, group: staff } };
    expect(await outcomeOf(everything, { conversationId: 'pair' })).to.equal('not_found');
    const toFriend = { type: 'private', conversationId: 'group', receiverId: 'bob' } as const;
    expect(await outcomeOf(everything, toFriend)).to.equal('not_allowed');
  });

  it('keeps who is muted from writing until then and no longer, whatever they are', async () => {
    for (const role of ['member', 'admin'] as const) {
      const muted = (mutedUntil: Date): World => ({
        ...world,
        members: { group: { ann: { role, mutedUntil } } },
      });
      const send = buildSend({});
      const refusal = (await authorityIn(muted(later)).findRefused([send])).get(send);
      expect([refusal?.code, refusal?.options.extra]).to.deep.equal([
        'muted',
        { until: later.toISOString() },
      ]);
      expect(await outcomeOf(muted(before), {})).to.equal('sent');
    }
  });

  it('lets only admins and the owner write where all are muted, and says no time', async () => {
    const mutedAll: World = { ...world, rules: { group: { mutedAll: true } } };
    const send = buildSend({});
    const refusal = (await authorityIn(mutedAll).findRefused([send])).get(send);
    expect([refusal?.code, refusal?.options.extra]).to.deep.equal(['muted', { until: null }]);
    expect(await outcomeOf(mutedAll, { senderId: 'adam' })).to.equal('sent');
    expect(await outcomeOf(mutedAll, { senderId: 'olga' })).to.equal('sent');
  });

  it('lets members be called, and everybody by who may', async () => {
    expect(await outcomeOf(world, { mentions: ['bob', 'adam', 'ann'] })).to.equal('sent');
    expect(await outcomeOf(world, { mentions: ['bob', 'eve'] })).to.equal('validation_failed');
    expect(await outcomeOf(world, { mentions: ['all'] })).to.equal('not_allowed');
    expect(await outcomeOf(world, { senderId: 'adam', mentions: ['all'] })).to.equal('sent');
    expect(await outcomeOf(world, { senderId: 'olga', mentions: ['all', 'bob'] })).to.equal('sent');
    const open: World = { ...world, rules: { group: { whoCanMentionAll: 'members' } } };
    expect(await outcomeOf(open, { mentions: ['all'] })).to.equal('sent');
  });

  it('tells an outsider nothing but that there is no such group', async () => {
    const mutedAll: World = { ...world, rules: { group: { mutedAll: true } } };
    expect(await outcomeOf(mutedAll, { senderId: 'eve', mentions: ['mallory', 'all'] })).to.equal(
      'not_found',
    );
  });

  it('judges a single act alike', async () => {
    const { requireMayWrite } = authorityIn({ ...world, friendPairs: ['pair'] });
    await requireMayWrite('ann', { conversationId: 'pair', type: 'private' });
    await requireMayWrite('ann', { conversationId: 'group', type: 'group' });
    const refusal = await requireMayWrite('eve', { conversationId: 'group', type: 'group' }).catch(
      (error: unknown) => error,
    );
    expect(refusal).to.be.instanceOf(AppError).that.includes({ code: 'not_found' });
  });

  it('ranks the owner above everybody, and admins above members and who has left', () => {
    const roles = ['owner', 'admin', 'member', undefined] as const;
    const above = (actor: Role | undefined) => roles.filter((author) => outranks({ actor, author }));
    expect(above('owner')).to.deep.equal(roles);
    expect(above('admin')).to.deep.equal(['member', undefined]);
    expect(above('member')).to.deep.equal([]);
    expect(above(undefined)).to.deep.equal([]);
  });
});
