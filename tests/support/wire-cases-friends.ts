import { buildUser } from './builders.ts';
import { buildAsker, buildFriend, given, nobody, type WireCase } from './wire-worlds.ts';

/** Friends and the blacklist. */
export const friendCases: readonly WireCase[] = [
  {
    event: 'friend_reject',
    title: 'who asked',
    input: async (me, url) => ({ friendId: (await buildAsker(me, url)).id }),
    code: null,
  },
  { event: 'friend_reject', title: 'nobody', input: given({ friendId: nobody }), code: 'not_found' },
  {
    event: 'friend_withdraw',
    title: 'my request',
    async input(me, url) {
      const { id: userId } = await buildUser(url);
      await me.rest('POST', '/api/friends/add', { userId });
      return { userId };
    },
    code: null,
  },
  {
    event: 'friend_remove',
    title: 'a friend',
    input: async (me, url) => ({ friendId: (await buildFriend(me, url)).id }),
    code: null,
  },
  {
    event: 'friend_remove',
    title: 'a stranger',
    input: async (_me, url) => ({ friendId: (await buildUser(url)).id }),
    code: 'not_found',
  },
  {
    event: 'friend_remark',
    title: 'a friend',
    input: async (me, url) => ({ friendId: (await buildFriend(me, url)).id, remark: 'Bobby' }),
    code: null,
  },
  { event: 'friend_search', title: 'by e-mail', input: async (me) => ({ q: me.email }), code: null },
  {
    event: 'blacklist_add',
    title: 'a stranger',
    input: async (_me, url) => ({ userId: (await buildUser(url)).id }),
    code: null,
  },
  {
    event: 'blacklist_add',
    title: 'oneself',
    input: async ({ id }) => ({ userId: id }),
    code: 'not_allowed',
  },
  {
    event: 'blacklist_list',
    title: 'one of them',
    async input(me, url) {
      await me.rest('POST', '/api/friends/blacklist', { userId: (await buildUser(url)).id });
      return {};
    },
    code: null,
  },
  {
    event: 'blacklist_remove',
    title: 'who is blocked',
    async input(me, url) {
      const { id: userId } = await buildUser(url);
      await me.rest('POST', '/api/friends/blacklist', { userId });
      return { userId };
    },
    code: null,
  },
];
