import { z } from 'zod';
import { authContract, authEvents } from './features/auth/auth.contract.ts';
import { conversationsContract } from './features/conversations/conversations.contract.ts';
import { friendsContract, friendsEvents } from './features/friends/friends.contract.ts';
import { messagesContract, messagesEvents } from './features/messages/messages.contract.ts';
import { usersContract, usersEvents } from './features/users/users.contract.ts';

/** Everything that clients can call, by feature. */
export const contracts = {
  auth: authContract,
  users: usersContract,
  friends: friendsContract,
  messages: messagesContract,
  conversations: conversationsContract,
};

/** Everything that clients can hear. */
export const pushEvents = {
  ...authEvents,
  ...usersEvents,
  ...friendsEvents,
  ...messagesEvents,
  server_restart: z.object({ reconnectInMs: z.int().min(0) }),
};
