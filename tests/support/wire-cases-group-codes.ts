import { buildUser, type TestUser } from './builders.ts';
import { codeOf, inviteOf } from './group-codes.ts';
import { buildGroup, createGroup } from './groups.ts';
import { buildFriend, given, nobody, type WireCase } from './wire-worlds.ts';

/** A group of mine. */
async function ownGroup(me: TestUser, url: string): Promise<{ groupId: string }> {
  return { groupId: await createGroup(me, [await buildFriend(me, url)]) };
}

/** The code of somebody else for a group that I am not in. */
async function foreignCode(url: string, joinMode: 'invite' | 'approval' = 'invite') {
  const group = await buildGroup(url, { joinMode });
  return { code: await codeOf(group, group.members[0]) };
}

/** Codes and invites of groups, and what they lead to. */
export const groupCodeCases: readonly WireCase[] = [
  { event: 'group_qrcode_get', title: 'mine', input: ownGroup, code: null },
  { event: 'group_qrcode_get', title: 'outside', input: given({ groupId: nobody }), code: 'not_found' },
  { event: 'group_qrcode_renew', title: 'mine', input: ownGroup, code: null },
  { event: 'group_qrcode_renew', title: 'outside', input: given({ groupId: nobody }), code: 'not_found' },
  {
    event: 'group_invite_create',
    title: 'with limits',
    input: async (me, url) => ({ ...(await ownGroup(me, url)), maxUses: 3, expiresIn: 60 }),
    code: null,
  },
  {
    event: 'group_invite_create',
    title: 'for nobody',
    input: async (me, url) => ({ ...(await ownGroup(me, url)), maxUses: 0 }),
    code: 'validation_failed',
  },
  {
    event: 'group_invite_list',
    title: 'one',
    async input(me, url) {
      const { groupId } = await ownGroup(me, url);
      await inviteOf({ id: groupId }, me);
      return { groupId, limit: 10 };
    },
    code: null,
  },
  {
    event: 'group_invite_revoke',
    title: 'mine',
    async input(me, url) {
      const { groupId } = await ownGroup(me, url);
      return { groupId, inviteId: (await inviteOf({ id: groupId }, me)).id };
    },
    code: null,
  },
  {
    event: 'group_invite_revoke',
    title: 'none',
    input: async (me, url) => ({ ...(await ownGroup(me, url)), inviteId: nobody }),
    code: 'not_found',
  },
  { event: 'group_join_by_qrcode', title: 'in', input: (_me, url) => foreignCode(url), code: null },
  {
    event: 'group_join_by_qrcode',
    title: 'asking',
    input: (_me, url) => foreignCode(url, 'approval'),
    code: null,
  },
  { event: 'group_join_by_qrcode', title: 'with none', input: given({ code: 'none' }), code: 'not_found' },
  { event: 'qrcode_resolve', title: 'of a group', input: (_me, url) => foreignCode(url), code: null },
  {
    event: 'qrcode_resolve',
    title: 'of a person',
    async input(_me, url) {
      const { body } = await (await buildUser(url)).rest('GET', '/api/users/me/qrcode');
      return { code: body.url };
    },
    code: null,
  },
  { event: 'qrcode_resolve', title: 'of nobody', input: given({ code: 'none' }), code: 'not_found' },
];
