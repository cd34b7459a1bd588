import { buildUser, type TestUser } from './builders.ts';
import {
  buildFriend,
  buildWriter,
  given,
  nobody,
  receiveMessage,
  sendMessage,
  type WireCase,
} from './wire-worlds.ts';

const received = async (me: TestUser, url: string) => ({ messageId: (await receiveMessage(me, url)).id });
const sent = async (me: TestUser, url: string) => ({ messageId: (await sendMessage(me, url)).id });
const conversing = async (me: TestUser, url: string) => ({
  conversationId: (await receiveMessage(me, url)).conversationId,
});

/** Conversations and what happens to messages. */
export const conversationCases: readonly WireCase[] = [
  { event: 'message_recall', title: 'mine', input: sent, code: null },
  { event: 'message_recall', title: 'another’s', input: received, code: 'not_allowed' },
  { event: 'message_recall', title: 'of nobody', input: given({ messageId: nobody }), code: 'not_found' },
  {
    event: 'message_edit',
    title: 'mine',
    input: async (me, url) => ({ ...(await sent(me, url)), content: 'changed' }),
    code: null,
  },
  {
    event: 'message_react',
    title: 'to a friend’s',
    input: async (me, url) => ({ ...(await received(me, url)), emoji: '👍', active: true }),
    code: null,
  },
  {
    event: 'message_react',
    title: 'with a letter',
    input: async (me, url) => ({ ...(await received(me, url)), emoji: 'a', active: true }),
    code: 'validation_failed',
  },
  { event: 'message_delete', title: 'a friend’s', input: received, code: null },
  { event: 'message_readers', title: 'of mine', input: sent, code: null },
  { event: 'message_readers', title: 'of another’s', input: received, code: 'not_allowed' },
  {
    event: 'message_status_update',
    title: 'read',
    input: async (me, url) => ({ ...(await received(me, url)), status: 'read' }),
    code: null,
  },
  {
    event: 'message_status_update',
    title: 'delivered',
    input: async (me, url) => ({ ...(await received(me, url)), status: 'delivered' }),
    code: null,
  },
  {
    event: 'message_status_update',
    title: 'of mine',
    input: async (me, url) => ({ ...(await sent(me, url)), status: 'read' }),
    code: 'not_allowed',
  },
  {
    event: 'conversation_read',
    title: 'all of it',
    input: async (me, url) => ({ friendId: (await buildWriter(me, url)).id }),
    code: null,
  },
  {
    event: 'conversation_read',
    title: 'with a stranger',
    input: async (_me, url) => ({ friendId: (await buildUser(url)).id }),
    code: 'not_found',
  },
  {
    event: 'conversation_list',
    title: 'one',
    async input(me, url) {
      await receiveMessage(me, url);
      return {};
    },
    code: null,
  },
  {
    event: 'unread_count',
    title: 'of one',
    async input(me, url) {
      await receiveMessage(me, url);
      return {};
    },
    code: null,
  },
  {
    event: 'conversation_update',
    title: 'pinned',
    input: async (me, url) => ({ ...(await conversing(me, url)), pinned: true }),
    code: null,
  },
  {
    event: 'conversation_update',
    title: 'nothing at all',
    input: conversing,
    code: 'validation_failed',
  },
  { event: 'conversation_hide', title: 'mine', input: conversing, code: null },
  { event: 'conversation_clear', title: 'mine', input: conversing, code: null },
  {
    event: 'conversation_clear',
    title: 'nobody’s',
    input: given({ conversationId: nobody }),
    code: 'not_found',
  },
  {
    event: 'typing_status',
    title: 'to a friend',
    input: async (me, url) => ({ to: (await buildFriend(me, url)).id, isTyping: true }),
    code: null,
  },
  {
    event: 'typing_status',
    title: 'to nobody',
    input: given({ to: nobody, isTyping: true }),
    code: 'not_allowed',
  },
];
