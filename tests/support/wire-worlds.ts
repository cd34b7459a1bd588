import type { EventName } from '../../src/contracts.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import { befriend, buildUser, type TestUser } from './builders.ts';
import { createGroup, type TestGroup } from './groups.ts';

/** A call that has to come out alike on every wire. */
export interface WireCase {
  event: EventName;
  /** What sets it apart from other cases of the event. */
  title: string;
  /** Prepares the world for somebody new, and answers what they call the operation with. */
  input(me: TestUser, url: string): Promise<Record<string, unknown>>;
  /** `null`: it succeeds. */
  code: ErrorCode | null;
}

export const nobody = 'f'.repeat(24);
export const given = (input: Record<string, unknown>) => () => Promise.resolve(input);

/** A friend of mine. */
export async function buildFriend(me: TestUser, url: string): Promise<TestUser> {
  const friend = await buildUser(url, { nickname: 'Friend' });
  await befriend(me, friend);
  return friend;
}

/** Somebody who has asked to be my friend. */
export async function buildAsker(me: TestUser, url: string): Promise<TestUser> {
  const asker = await buildUser(url, { nickname: 'Asker' });
  await asker.rest('POST', '/api/friends/add', { userId: me.id, message: 'hello' });
  return asker;
}

/** A friend of mine who has written to me. */
export async function buildWriter(me: TestUser, url: string): Promise<TestUser> {
  const writer = await buildFriend(me, url);
  await writer.rest('POST', `/api/messages/private/${me.id}`, { content: 'hello' });
  return writer;
}

/** A group of mine, with a friend of mine in it. */
export async function buildMyGroup(
  me: TestUser,
  url: string,
): Promise<{ groupId: string; friend: TestUser }> {
  const friend = await buildFriend(me, url);
  return { groupId: await createGroup(me, [friend]), friend };
}

/** A group of a friend of mine, with me in it. */
export async function buildTheirGroup(me: TestUser, url: string): Promise<TestGroup> {
  const owner = await buildFriend(me, url);
  const other = await buildFriend(owner, url);
  return { id: await createGroup(owner, [me, other]), owner, members: [me, other] };
}

/** A message that a friend of mine has sent me. */
export async function receiveMessage(
  me: TestUser,
  url: string,
): Promise<{ id: string; conversationId: string }> {
  const writer = await buildFriend(me, url);
  const { body } = await writer.rest('POST', `/api/messages/private/${me.id}`, { content: 'hello' });
  return body as { id: string; conversationId: string };
}

/** A message that I have sent to a friend of mine. */
export async function sendMessage(me: TestUser, url: string): Promise<{ id: string; receiverId: string }> {
  const friend = await buildFriend(me, url);
  const { body } = await me.rest('POST', `/api/messages/private/${friend.id}`, { content: 'hello' });
  return body as { id: string; receiverId: string };
}
