import type { TestUser } from './builders.ts';
import { buildGroup, kick, mute, say } from './groups.ts';
import { buildMyGroup, buildTheirGroup, given, nobody, type WireCase } from './wire-worlds.ts';

const strangers = async (_me: TestUser, url: string) => ({ groupId: (await buildGroup(url)).id });

/** A message in a group of somebody else’s, by me or by them. */
async function written(me: TestUser, url: string, isMine: boolean): Promise<{ messageId: string }> {
  const { id, owner } = await buildTheirGroup(me, url);
  return { messageId: (await say(id, isMine ? me : owner, 'hello')).id };
}

/** How far members of groups have come, who has read what, and who types. */
export const groupMarkCases: readonly WireCase[] = [
  {
    event: 'conversation_read',
    title: 'all of a group',
    async input(me, url) {
      const { groupId, friend } = await buildMyGroup(me, url);
      await say(groupId, friend, 'hello');
      return { groupId };
    },
    code: null,
  },
  { event: 'conversation_read', title: 'a group of strangers', input: strangers, code: 'not_found' },
  {
    event: 'message_status_update',
    title: 'read in a group',
    input: async (me, url) => ({ ...(await written(me, url, false)), status: 'read' }),
    code: null,
  },
  {
    event: 'message_status_update',
    title: 'of mine in a group',
    input: async (me, url) => ({ ...(await written(me, url, true)), status: 'delivered' }),
    code: 'not_allowed',
  },
  {
    event: 'message_status_update',
    title: 'in a group of strangers',
    async input(_me, url) {
      const { id, owner } = await buildGroup(url);
      return { messageId: (await say(id, owner, 'hello')).id, status: 'read' };
    },
    code: 'not_found',
  },
  {
    event: 'message_readers',
    title: 'of mine in a group',
    async input(me, url) {
      const { groupId, friend } = await buildMyGroup(me, url);
      const { id: messageId } = await say(groupId, me, 'hello');
      await friend.rest('POST', `/api/messages/group/${groupId}/read`);
      return { messageId };
    },
    code: null,
  },
  {
    event: 'message_readers',
    title: 'of another’s in a group',
    input: (me, url) => written(me, url, false),
    code: 'not_allowed',
  },
  {
    event: 'unread_count',
    title: 'of a group where I am mentioned',
    async input(me, url) {
      const { groupId, friend } = await buildMyGroup(me, url);
      const mentions = [me.id];
      await friend.rest('POST', `/api/messages/group/${groupId}`, { content: 'hello', mentions });
      return {};
    },
    code: null,
  },
  {
    event: 'typing_status',
    title: 'in a group',
    input: async (me, url) => ({ groupId: (await buildTheirGroup(me, url)).id, isTyping: true }),
    code: null,
  },
  {
    event: 'typing_status',
    title: 'in a group that has put me out',
    async input(me, url) {
      const group = await buildTheirGroup(me, url);
      await kick(group, me);
      return { groupId: group.id, isTyping: true };
    },
    code: 'not_found',
  },
  {
    event: 'typing_status',
    title: 'muted in a group',
    async input(me, url) {
      const group = await buildTheirGroup(me, url);
      await mute(group, me);
      return { groupId: group.id, isTyping: true };
    },
    code: 'muted',
  },
  {
    event: 'typing_status',
    title: 'in a group of nobody',
    input: given({ groupId: nobody, isTyping: false }),
    code: 'not_found',
  },
];
