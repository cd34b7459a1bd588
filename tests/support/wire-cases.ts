import { buildUser, logInAgain } from './builders.ts';
import { conversationCases } from './wire-cases-conversations.ts';
import { friendCases } from './wire-cases-friends.ts';
import { groupCodeCases } from './wire-cases-group-codes.ts';
import { groupMarkCases } from './wire-cases-group-marks.ts';
import { groupMessageCases } from './wire-cases-group-messages.ts';
import { groupCases } from './wire-cases-groups.ts';
import { buildAsker, buildFriend, buildWriter, given, nobody, type WireCase } from './wire-worlds.ts';

const successes: Omit<WireCase, 'code'>[] = [
  { event: 'profile_get', title: 'me', input: given({}) },
  {
    event: 'profile_update',
    title: 'some of it',
    input: given({ bio: 'new', privacy: { lastSeen: false } }),
  },
  {
    event: 'user_get',
    title: 'a friend',
    input: async (me, url) => ({ userId: (await buildFriend(me, url)).id }),
  },
  {
    event: 'user_list',
    title: 'several',
    input: async (me, url) => ({ ids: `${me.id},${(await buildUser(url)).id}` }),
  },
  { event: 'user_search', title: 'by e-mail', input: async (me) => ({ q: me.email }) },
  { event: 'profile_qrcode_get', title: 'mine', input: given({}) },
  { event: 'profile_qrcode_renew', title: 'mine', input: given({}) },
  { event: 'session_list', title: 'all', input: given({}) },
  {
    event: 'session_revoke',
    title: 'another one',
    async input(me, url) {
      const { body } = await (await logInAgain(url, me)).rest('GET', '/api/auth/sessions');
      const sessions = body.items as { id: string; current: boolean }[];
      return { sessionId: sessions.find(({ current }) => current)?.id };
    },
  },
  { event: 'logout', title: 'here', input: given({}) },
  { event: 'logout_all', title: 'everywhere', input: given({}) },
  {
    event: 'friend_list',
    title: 'a page of one',
    async input(me, url) {
      await buildFriend(me, url);
      await buildFriend(me, url);
      return { limit: 1 };
    },
  },
  {
    event: 'friend_add',
    title: 'by id',
    input: async (_me, url) => ({ userId: (await buildUser(url)).id, message: 'hello' }),
  },
  {
    event: 'friend_request_list',
    title: 'incoming',
    async input(me, url) {
      await buildAsker(me, url);
      return { direction: 'incoming' };
    },
  },
  {
    event: 'friend_accept',
    title: 'who has asked',
    input: async (me, url) => ({ friendId: (await buildAsker(me, url)).id }),
  },
  {
    event: 'private_message',
    title: 'a text',
    input: async (me, url) => ({ receiverId: (await buildFriend(me, url)).id, content: 'hello' }),
  },
  {
    event: 'private_message',
    title: 'anything',
    input: async (me, url) => ({
      receiverId: (await buildFriend(me, url)).id,
      contentType: 'custom',
      content: { a: [1, null, true], b: { c: 0.5 } },
      clientMessageId: 'mine',
    }),
  },
  {
    event: 'message_history',
    title: 'with limits',
    input: async (me, url) => ({ friendId: (await buildWriter(me, url)).id, after: 0, limit: 10 }),
  },
  {
    event: 'sync',
    title: 'from the beginning',
    async input(me, url) {
      await buildWriter(me, url);
      return {};
    },
  },
];

const refusals: WireCase[] = [
  { event: 'user_get', title: 'nobody', input: given({ userId: nobody }), code: 'not_found' },
  { event: 'user_get', title: 'no id', input: given({ userId: 'abcdefghijkl' }), code: 'validation_failed' },
  { event: 'session_revoke', title: 'nobody’s', input: given({ sessionId: nobody }), code: 'not_found' },
  {
    event: 'friend_accept',
    title: 'who has not asked',
    input: given({ friendId: nobody }),
    code: 'not_found',
  },
  { event: 'friend_add', title: 'oneself', input: async ({ id }) => ({ userId: id }), code: 'not_allowed' },
  { event: 'friend_add', title: 'nobody', input: given({ userId: nobody }), code: 'not_found' },
  {
    event: 'friend_add',
    title: 'a friend',
    input: async (me, url) => ({ userId: (await buildFriend(me, url)).id }),
    code: 'already_friends',
  },
  {
    event: 'private_message',
    title: 'to a stranger',
    input: async (_me, url) => ({ receiverId: (await buildUser(url)).id, content: 'hello' }),
    code: 'not_allowed',
  },
  {
    event: 'private_message',
    title: 'to nobody',
    input: given({ receiverId: nobody, content: 'hello' }),
    code: 'not_allowed',
  },
  {
    event: 'private_message',
    title: 'another under the same key',
    async input(me, url) {
      const { id } = await buildFriend(me, url);
      await me.rest('POST', `/api/messages/private/${id}`, { content: 'one', clientMessageId: 'same' });
      return { receiverId: id, content: 'another', clientMessageId: 'same' };
    },
    code: 'idempotency_mismatch',
  },
  {
    event: 'message_history',
    title: 'with a stranger',
    input: async (_me, url) => ({ friendId: (await buildUser(url)).id }),
    code: 'not_found',
  },
  { event: 'sync', title: 'with a bad cursor', input: given({ cursor: 'bad' }), code: 'validation_failed' },
  { event: 'password_change', title: 'unproved', input: given(wrongProof()), code: 'proof_invalid' },
];

function wrongProof() {
  return { newPassword: 'correct horse battery staple', proof: { currentPassword: 'wrong' } };
}

/** What every wire has to do alike; each feature adds its own. */
export const wireCases: readonly WireCase[] = [
  ...successes.map((success) => ({ ...success, code: null })),
  ...refusals,
  ...friendCases,
  ...conversationCases,
  ...groupMarkCases,
  ...groupMessageCases,
  ...groupCases,
  ...groupCodeCases,
];
