import type { TestUser } from './builders.ts';
import { buildGroup, kick, mute, say } from './groups.ts';
import { buildMyGroup, buildTheirGroup, given, nobody, type WireCase } from './wire-worlds.ts';

const toTheirs =
  (message: object) =>
  async (me: TestUser, url: string): Promise<Record<string, unknown>> => ({
    groupId: (await buildTheirGroup(me, url)).id,
    content: 'hello',
    ...message,
  });

/** A message of my group, by another member. */
async function theirMessage(me: TestUser, url: string): Promise<{ messageId: string }> {
  const { groupId, friend } = await buildMyGroup(me, url);
  return { messageId: (await say(groupId, friend, 'hello')).id };
}

/** Messages in groups. */
export const groupMessageCases: readonly WireCase[] = [
  { event: 'group_message', title: 'a text', input: toTheirs({}), code: null },
  {
    event: 'group_message',
    title: 'calling members and all',
    async input(me, url) {
      const { groupId, friend } = await buildMyGroup(me, url);
      return { groupId, content: 'hello', mentions: [friend.id, 'all'], clientMessageId: 'mine' };
    },
    code: null,
  },
  {
    event: 'group_message',
    title: 'to nobody’s group',
    input: given({ groupId: nobody, content: 'hello' }),
    code: 'not_found',
  },
  {
    event: 'group_message',
    title: 'to a group of strangers',
    input: async (_me, url) => ({ groupId: (await buildGroup(url)).id, content: 'hello' }),
    code: 'not_found',
  },
  {
    event: 'group_message',
    title: 'out of the group',
    async input(me, url) {
      const group = await buildTheirGroup(me, url);
      await kick(group, me);
      return { groupId: group.id, content: 'hello' };
    },
    code: 'not_found',
  },
  {
    event: 'group_message',
    title: 'muted',
    async input(me, url) {
      const group = await buildTheirGroup(me, url);
      await mute(group, me);
      return { groupId: group.id, content: 'hello' };
    },
    code: 'muted',
  },
  {
    event: 'group_message',
    title: 'calling all as a member',
    input: toTheirs({ mentions: ['all'] }),
    code: 'not_allowed',
  },
  {
    event: 'group_message',
    title: 'calling nobody',
    input: toTheirs({ mentions: [nobody] }),
    code: 'validation_failed',
  },
  { event: 'group_message', title: 'blank', input: toTheirs({ content: ' ' }), code: 'validation_failed' },
  {
    event: 'group_message',
    title: 'another under the same key',
    async input(me, url) {
      const { groupId } = await buildMyGroup(me, url);
      const message = { content: 'one', clientMessageId: 'same' };
      await me.rest('POST', `/api/messages/group/${groupId}`, message);
      return { groupId, ...message, content: 'another' };
    },
    code: 'idempotency_mismatch',
  },
  {
    event: 'message_history',
    title: 'of a group',
    async input(me, url) {
      const { groupId, friend } = await buildMyGroup(me, url);
      await say(groupId, friend, 'hello');
      return { groupId, after: 0, limit: 10 };
    },
    code: null,
  },
  {
    event: 'message_history',
    title: 'of a group of strangers',
    input: async (_me, url) => ({ groupId: (await buildGroup(url)).id }),
    code: 'not_found',
  },
  {
    event: 'message_recall',
    title: 'a member’s in my group',
    input: theirMessage,
    code: null,
  },
  {
    event: 'message_react',
    title: 'to a member’s in my group',
    input: async (me, url) => ({ ...(await theirMessage(me, url)), emoji: '👍', active: true }),
    code: null,
  },
  {
    event: 'message_edit',
    title: 'mine, muted since',
    async input(me, url) {
      const group = await buildTheirGroup(me, url);
      const { id: messageId } = await say(group.id, me, 'hello');
      await mute(group, me);
      return { messageId, content: 'changed' };
    },
    code: 'muted',
  },
  {
    event: 'message_react',
    title: 'in a group of strangers',
    async input(_me, url) {
      const { id, owner } = await buildGroup(url);
      return { messageId: (await say(id, owner, 'hello')).id, emoji: '👍', active: true };
    },
    code: 'not_found',
  },
  {
    event: 'message_recall',
    title: 'the owner’s, as a member',
    async input(me, url) {
      const { id, owner } = await buildTheirGroup(me, url);
      return { messageId: (await say(id, owner, 'hello')).id };
    },
    code: 'not_allowed',
  },
];
