import { buildUser, type TestUser } from './builders.ts';
import { createGroup } from './groups.ts';
import { buildFriend, given, nobody, type WireCase } from './wire-worlds.ts';

type Profile = Parameters<typeof createGroup>[2];
type Case = Omit<WireCase, 'event'>;

/** A group of mine with a friend in it. */
async function mine(me: TestUser, url: string, profile?: Profile) {
  const friend = await buildFriend(me, url);
  return { groupId: await createGroup(me, [friend], profile), friend };
}

/** A group of a friend, who has brought me in. */
async function theirs(me: TestUser, url: string, profile?: Profile) {
  const owner = await buildFriend(me, url);
  return { groupId: await createGroup(owner, [me], profile), owner };
}

/** A group of somebody whom I do not know. */
async function foreign(url: string, profile?: Profile) {
  const owner = await buildUser(url);
  return { groupId: await createGroup(owner, [], profile), owner };
}

/** A group of mine that somebody asks to join. */
async function asked(me: TestUser, url: string) {
  const groupId = await createGroup(me, [], { joinMode: 'approval' });
  const asker = await buildUser(url);
  await asker.rest('POST', `/api/groups/${groupId}/join`, { message: 'let me in' });
  return { groupId, userId: asker.id };
}

/** A group of mine from which somebody is barred. */
async function barring(me: TestUser, url: string) {
  const { groupId, friend } = await mine(me, url);
  await me.rest('DELETE', `/api/groups/${groupId}/members/${friend.id}?barred=true`);
  return { groupId, userId: friend.id };
}

/** The input that names a group alone. */
const inMine =
  (profile?: Profile): Case['input'] =>
  async (me, url) => ({ groupId: (await mine(me, url, profile)).groupId });
const inTheirs =
  (more: object = {}): Case['input'] =>
  async (me, url) => ({ groupId: (await theirs(me, url)).groupId, ...more });
const inForeign =
  (profile?: Profile): Case['input'] =>
  async (_me, url) => ({ groupId: (await foreign(url, profile)).groupId });
/** The input that names a member of my group. */
const onFriend =
  (more: object = {}): Case['input'] =>
  async (me, url) => {
    const { groupId, friend } = await mine(me, url);
    return { groupId, userId: friend.id, ...more };
  };
/** The input that names the owner of a group in which I am a member. */
const onOwner =
  (more: object = {}): Case['input'] =>
  async (me, url) => {
    const { groupId, owner } = await theirs(me, url);
    return { groupId, userId: owner.id, ...more };
  };

const groups: Record<string, Case[]> = {
  group_create: [
    {
      title: 'with a friend',
      input: async (me, url) => ({ name: 'Walks', memberIds: [(await buildFriend(me, url)).id] }),
      code: null,
    },
    { title: 'with nobody real', input: given({ name: 'Walks', memberIds: [nobody] }), code: 'not_allowed' },
    { title: 'without a name', input: given({ memberIds: [] }), code: 'validation_failed' },
  ],
  group_list: [
    {
      title: 'a page of one',
      async input(me) {
        for (const name of ['One', 'Two']) await createGroup(me, [], { name });
        return { limit: 1 };
      },
      code: null,
    },
  ],
  group_get: [
    { title: 'mine', input: inMine(), code: null },
    { title: 'an open one', input: inForeign({ joinMode: 'open' }), code: null },
    { title: 'of strangers', input: inForeign(), code: 'not_found' },
  ],
  group_update: [
    {
      title: 'its name and a setting',
      input: async (me, url) => ({
        groupId: (await mine(me, url)).groupId,
        name: 'New',
        settings: { whoCanEdit: 'members' },
      }),
      code: null,
    },
    { title: 'nothing', input: inMine(), code: 'validation_failed' },
    { title: 'by a member', input: inTheirs({ name: 'Mine' }), code: 'not_allowed' },
  ],
  group_dissolve: [
    { title: 'mine', input: inMine(), code: null },
    { title: 'another’s', input: inTheirs(), code: 'not_allowed' },
  ],
  group_mute: [
    { title: 'mine', input: inMine(), code: null },
    { title: 'another’s', input: inTheirs(), code: 'not_allowed' },
  ],
  group_unmute: [{ title: 'which is not mute', input: inMine(), code: null }],
  join_group_room: [
    { title: 'of a group of mine', input: inTheirs(), code: null },
    { title: 'of strangers', input: inForeign({ joinMode: 'open' }), code: 'not_found' },
  ],
};

const members: Record<string, Case[]> = {
  group_member_list: [
    { title: 'of a group of mine', input: inTheirs(), code: null },
    { title: 'of an open group', input: inForeign({ joinMode: 'open' }), code: 'not_found' },
  ],
  group_invite: [
    {
      title: 'a friend',
      input: async (me, url) => ({
        groupId: (await mine(me, url)).groupId,
        userIds: [(await buildFriend(me, url)).id],
      }),
      code: null,
    },
    {
      title: 'a friend, where it needs approval',
      input: async (me, url) => ({
        groupId: (await theirs(me, url, { joinMode: 'approval' })).groupId,
        userIds: [(await buildFriend(me, url)).id],
      }),
      code: null,
    },
    {
      title: 'a stranger',
      input: async (me, url) => ({
        groupId: (await mine(me, url)).groupId,
        userIds: [(await buildUser(url)).id],
      }),
      code: 'not_allowed',
    },
  ],
  group_kick: [
    { title: 'a member, for good', input: onFriend({ barred: true }), code: null },
    { title: 'the owner', input: onOwner(), code: 'not_allowed' },
    { title: 'nobody', input: onFriend({ userId: nobody }), code: 'not_found' },
  ],
  group_barred_list: [
    {
      title: 'with somebody in it',
      input: async (me, url) => ({ groupId: (await barring(me, url)).groupId }),
      code: null,
    },
    { title: 'by a member', input: inTheirs(), code: 'not_allowed' },
  ],
  group_unbar: [
    { title: 'who is barred', input: barring, code: null },
    { title: 'who is not', input: onFriend(), code: 'not_found' },
  ],
  group_join: [
    { title: 'an open one', input: inForeign({ joinMode: 'open' }), code: null },
    { title: 'where it needs approval', input: inForeign({ joinMode: 'approval' }), code: null },
    { title: 'by invitation only', input: inForeign(), code: 'not_found' },
  ],
  group_join_withdraw: [
    {
      title: 'my request',
      async input(me, url) {
        const { groupId } = await foreign(url, { joinMode: 'approval' });
        await me.rest('POST', `/api/groups/${groupId}/join`);
        return { groupId };
      },
      code: null,
    },
    { title: 'no request', input: inForeign({ joinMode: 'approval' }), code: 'not_found' },
  ],
  group_leave: [
    { title: 'another’s', input: inTheirs(), code: null },
    { title: 'mine', input: inMine(), code: 'owner_cannot_leave' },
  ],
  group_request_list: [
    {
      title: 'with somebody in it',
      input: async (me, url) => ({ groupId: (await asked(me, url)).groupId }),
      code: null,
    },
    { title: 'by a member', input: inTheirs(), code: 'not_allowed' },
  ],
  group_request_accept: [
    { title: 'who asks', input: asked, code: null },
    { title: 'nobody', input: onFriend({ userId: nobody }), code: 'not_found' },
  ],
  group_request_reject: [
    { title: 'who asks', input: asked, code: null },
    { title: 'who does not', input: onFriend(), code: 'not_found' },
  ],
  group_member_mute: [
    { title: 'for ten minutes', input: onFriend({ minutes: 10 }), code: null },
    { title: 'for no time', input: onFriend({ minutes: 0 }), code: 'validation_failed' },
    { title: 'the owner', input: onOwner({ minutes: 10 }), code: 'not_allowed' },
  ],
  group_member_unmute: [{ title: 'who is not muted', input: onFriend(), code: null }],
  group_role_set: [
    { title: 'an admin', input: onFriend({ role: 'admin' }), code: null },
    { title: 'an owner', input: onFriend({ role: 'owner' }), code: 'validation_failed' },
    { title: 'by a member', input: onOwner({ role: 'member' }), code: 'not_allowed' },
  ],
  group_transfer: [
    { title: 'to a member', input: onFriend(), code: null },
    { title: 'of another’s', input: onOwner(), code: 'not_allowed' },
  ],
  group_nickname_set: [
    { title: 'a new one', input: inTheirs({ nickname: 'Bobby' }), code: null },
    { title: 'too long', input: inTheirs({ nickname: 'x'.repeat(33) }), code: 'validation_failed' },
  ],
};

/** A group of mine that was told something, and where I have read it. */
const told: Case['input'] = async (me, url) => {
  const { groupId } = await mine(me, url);
  await me.rest('PUT', `/api/groups/${groupId}/announcement`, { content: 'news' });
  await me.rest('POST', `/api/groups/${groupId}/announcement/read`);
  return { groupId };
};
const open = inForeign({ joinMode: 'open' });

const announcements: Record<string, Case[]> = {
  group_announcement_get: [
    { title: 'with one', input: told, code: null },
    { title: 'with none', input: inTheirs(), code: null },
    { title: 'of an open group', input: open, code: 'not_found' },
  ],
  group_announcement_set: [
    {
      title: 'by the owner',
      input: async (...args) => ({ ...(await told(...args)), content: 'more' }),
      code: null,
    },
    {
      title: 'to nothing',
      input: async (...args) => ({ ...(await told(...args)), content: '' }),
      code: null,
    },
    { title: 'by a member', input: inTheirs({ content: 'mine' }), code: 'not_allowed' },
    { title: 'too long', input: inTheirs({ content: 'x'.repeat(4001) }), code: 'validation_failed' },
  ],
  group_announcement_read: [
    { title: 'again', input: told, code: null },
    { title: 'of an open group', input: open, code: 'not_found' },
  ],
  group_announcement_reader_list: [
    { title: 'with me in it', input: told, code: null },
    { title: 'by a member', input: inTheirs(), code: 'not_allowed' },
  ],
  group_announcement_list: [
    { title: 'with one', input: told, code: null },
    { title: 'of an open group', input: open, code: 'not_found' },
  ],
};

/** Groups, who is in them, and what they are told. */
export const groupCases: readonly WireCase[] = Object.entries({
  ...groups,
  ...members,
  ...announcements,
}).flatMap(([event, cases]) => cases.map((each) => ({ event: event as WireCase['event'], ...each })));
