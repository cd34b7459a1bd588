import type { Group } from '../../src/features/groups/groups.contract.ts';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { befriend, buildUser, type TestUser } from './builders.ts';

/** A group, and who is in it. */
export interface TestGroup {
  id: string;
  owner: TestUser;
  /** The others, in the order of their building. */
  members: [TestUser, TestUser, ...TestUser[]];
}

type Profile = Partial<Pick<Group, 'name' | 'joinMode'>> & { settings?: Partial<Group['settings']> };

/** Two people or more in a group of somebody whose friends they are. */
export async function buildGroup(
  url: string,
  { memberCount = 2, ...profile }: Profile & { memberCount?: number } = {},
): Promise<TestGroup> {
  const owner = await buildUser(url);
  const first = await buildFriendOf(owner, url);
  const members: TestGroup['members'] = [first, await buildFriendOf(owner, url)];
  while (members.length < memberCount) members.push(await buildFriendOf(owner, url));
  return { id: await createGroup(owner, members, profile), owner, members };
}

/** Brings friends together in a group; answers its id. */
export async function createGroup(
  owner: TestUser,
  friends: readonly TestUser[],
  profile: Profile = {},
): Promise<string> {
  const memberIds = friends.map(({ id }) => id);
  const { status, body } = await owner.rest('POST', '/api/groups', { name: 'Group', memberIds, ...profile });
  if (status !== 201) throw new Error(`group_create answered ${status}: ${JSON.stringify(body)}`);
  return String(body.id);
}

/** Brings a friend of the owner in. */
export async function invite({ id, owner }: TestGroup, friend: TestUser): Promise<void> {
  await must(owner.rest('POST', `/api/groups/${id}/members`, { userIds: [friend.id] }));
}

/** Makes a member an admin. */
export async function promote({ id, owner }: TestGroup, member: TestUser): Promise<void> {
  await must(owner.rest('PUT', `/api/groups/${id}/members/${member.id}/role`, { role: 'admin' }));
}

/** Lets a member write no more for so long. */
export async function mute({ id, owner }: TestGroup, member: TestUser, minutes = 10): Promise<void> {
  await must(owner.rest('PUT', `/api/groups/${id}/members/${member.id}/mute`, { minutes }));
}

/** Takes a member out. */
export async function kick({ id, owner }: TestGroup, member: TestUser): Promise<void> {
  await must(owner.rest('DELETE', `/api/groups/${id}/members/${member.id}`));
}

/** Sends to a group over REST, and answers what came of it. */
export function sendTo(groupId: string, sender: TestUser, message: object) {
  return sender.rest('POST', `/api/messages/group/${groupId}`, message);
}

/** Says something in a group; answers the message. */
export async function say(groupId: string, sender: TestUser, content: string): Promise<Message> {
  const { status, body } = await sendTo(groupId, sender, { content });
  if (status !== 201) throw new Error(`group_message answered ${status}: ${JSON.stringify(body)}`);
  return body as unknown as Message;
}

/** The newest page of a group's history, as somebody sees it. */
export async function historyOf(groupId: string, reader: TestUser): Promise<Message[]> {
  const { status, body } = await reader.rest('GET', `/api/messages/group/${groupId}`);
  if (status !== 200) throw new Error(`message_history answered ${status}: ${JSON.stringify(body)}`);
  return body.items as Message[];
}

async function buildFriendOf(owner: TestUser, url: string): Promise<TestUser> {
  const friend = await buildUser(url);
  await befriend(owner, friend);
  return friend;
}

async function must(call: ReturnType<TestUser['rest']>): Promise<void> {
  const { status, body } = await call;
  if (status >= 300) throw new Error(`answered ${status}: ${JSON.stringify(body)}`);
}
