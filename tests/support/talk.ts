import type { Message } from '../../src/features/messages/messages.contract.ts';
import { buildFriends, type TestUser } from './builders.ts';
import type { TestSocket } from './clients.ts';

/** Two friends, a socket of each, and a message from the first to the second. */
export interface Talk {
  ann: TestUser;
  bob: TestUser;
  mouth: TestSocket;
  ear: TestSocket;
  message: Message;
}

export async function buildTalk(url: string, content = 'hello'): Promise<Talk> {
  const [ann, bob] = await buildFriends(url);
  const [mouth, ear] = await Promise.all([ann.connect(), bob.connect()]);
  const message = await mouth.call('private_message', { receiverId: bob.id, content });
  await ear.next('new_private_message');
  return { ann, bob, mouth, ear, message };
}

/** Everything that a device holds which was away from the beginning, as sync tells it now. */
export async function logOf(user: TestUser): Promise<Message[]> {
  const { body } = await user.rest('POST', '/api/sync', {});
  return (body.items as { entries: Message[] }[]).flatMap(({ entries }) => entries);
}

export function unfriend(one: TestUser, other: TestUser) {
  return one.rest('DELETE', `/api/friends/${other.id}`);
}

export function closeAll(...sockets: TestSocket[]): void {
  for (const socket of sockets) socket.close();
}
