import { z } from 'zod';
import type { Problem } from './core/errors.ts';
import type { Operation } from './core/operation.ts';
import { accountContract } from './features/account/account.contract.ts';
import { authContract } from './features/auth/auth.contract.ts';
import { avatarsContract } from './features/avatars/avatars.contract.ts';
import {
  conversationsContract,
  conversationsEvents,
} from './features/conversations/conversations.contract.ts';
import { filesContract } from './features/files/files.contract.ts';
import { friendsContract, friendsEvents } from './features/friends/friends.contract.ts';
import { announcementsContract } from './features/groups/announcements.contract.ts';
import { groupCodesContract } from './features/groups/group-codes.contract.ts';
import { groupMembersContract } from './features/groups/group-members.contract.ts';
import { groupsContract, groupsEvents } from './features/groups/groups.contract.ts';
import {
  messageChangesContract,
  messageChangesEvents,
} from './features/messages/message-changes.contract.ts';
import {
  messagesContract,
  messagesEvents,
  messagesFrameTypes,
} from './features/messages/messages.contract.ts';
import { presenceEvents } from './features/presence/presence.contract.ts';
import { qrCodesContract } from './features/qr-codes/qr-codes.contract.ts';
import { receiptsContract, receiptsEvents } from './features/receipts/receipts.contract.ts';
import { searchContract } from './features/search/search.contract.ts';
import { sessionsContract, sessionsEvents } from './features/sessions/sessions.contract.ts';
import { typingContract, typingEvents } from './features/typing/typing.contract.ts';
import { usersContract, usersEvents } from './features/users/users.contract.ts';

/** Everything that clients can call, by feature. */
export const contracts = {
  auth: authContract,
  sessions: sessionsContract,
  account: accountContract,
  users: usersContract,
  avatars: avatarsContract,
  qrCodes: qrCodesContract,
  friends: friendsContract,
  messages: messagesContract,
  messageChanges: messageChangesContract,
  conversations: conversationsContract,
  typing: typingContract,
  receipts: receiptsContract,
  files: filesContract,
  search: searchContract,
  groups: groupsContract,
  groupMembers: groupMembersContract,
  announcements: announcementsContract,
  groupCodes: groupCodesContract,
};

/** Everything that clients can hear. */
export const pushEvents = {
  ...sessionsEvents,
  ...usersEvents,
  ...friendsEvents,
  ...presenceEvents,
  ...messagesEvents,
  ...messageChangesEvents,
  ...typingEvents,
  ...conversationsEvents,
  ...receiptsEvents,
  ...groupsEvents,
  server_restart: z.object({ reconnectInMs: z.int().min(0) }),
};

/** Event → type of the frame that carries it on `/ws`, where the two differ. */
export const frameTypes: { readonly [Event in keyof typeof pushEvents]?: string } = { ...messagesFrameTypes };

type OperationsOf<C> = { [K in keyof C]: C[K] }[keyof C];
type AnyOperation = {
  [F in keyof typeof contracts]: OperationsOf<(typeof contracts)[F]>;
}[keyof typeof contracts];

/** The names of all events that clients may emit. */
export type EventName = Extract<AnyOperation, { event: string }>['event'];
type OperationOf<Name extends EventName> = Extract<AnyOperation, { event: Name }>;

/** What an event answers when all is well. */
export type EventOutput<Name extends EventName> =
  OperationOf<Name> extends { output: infer Output extends z.ZodType } ? z.output<Output> : null;
export type EventInput<Name extends EventName> = z.input<OperationOf<Name>['input']>;
export type EventAck<Name extends EventName> =
  | { ok: true; data: EventOutput<Name> }
  | { ok: false; error: Problem };

/** Event maps for a typed socket.io-client, inferred from the contracts. */
export type ClientToServerEvents = {
  [Name in EventName]: (input: EventInput<Name>, acknowledge: (answer: EventAck<Name>) => void) => void;
};
export type ServerToClientEvents = {
  [Name in keyof typeof pushEvents]: (data: z.output<(typeof pushEvents)[Name]>) => void;
};

/** The rows of the table, without the functions that do them. */
export const operations: readonly Operation[] = Object.values(contracts).flatMap((contract) =>
  Object.values<Operation>(contract),
);
