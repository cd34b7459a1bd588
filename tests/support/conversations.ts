import type { Message } from '../../src/features/messages/messages.contract.ts';
import { befriend, buildFriends, buildUser, type TestUser } from './builders.ts';
import type { TestSocket } from './clients.ts';
import { startApp, type TestApp } from './start-app.ts';
import { Storage } from './storage.ts';

export async function send(socket: TestSocket, receiverId: string, content = 'hello'): Promise<Message> {
  return socket.call('private_message', { receiverId, content });
}

export const listOf = async (socket: TestSocket) => (await socket.call('conversation_list', {})).items;
export const idsOf = async (socket: TestSocket) => (await listOf(socket)).map(({ id }) => id);

/** The first conversation of a list. */
export async function only(socket: TestSocket) {
  const [conversation] = await listOf(socket);
  if (!conversation) throw new Error('no conversation');
  return conversation;
}

/** Somebody who has sent this person a message. */
export async function buildWriter(
  app: TestApp,
  reader: TestUser,
): Promise<{ user: TestUser; message: Message }> {
  const user = await buildUser(app.url);
  await befriend(user, reader);
  const { body } = await user.rest('POST', `/api/messages/private/${reader.id}`, { content: 'hi' });
  return { user, message: body as unknown as Message };
}

/** For each test of a suite two friends with a socket each, of whom Ann writes and Bob hears, on one server. */
export function describePair() {
  const pair = {} as {
    app: TestApp;
    storage: Storage;
    ann: TestUser;
    bob: TestUser;
    mouth: TestSocket;
    ear: TestSocket;
  };
  before(async () => {
    pair.app = await startApp();
    pair.storage = await Storage.of(pair.app);
  });
  beforeEach(async () => {
    [pair.ann, pair.bob] = await buildFriends(pair.app.url);
    [pair.mouth, pair.ear] = await Promise.all([pair.ann.connect(), pair.bob.connect()]);
  });
  afterEach(() => {
    pair.mouth.close();
    pair.ear.close();
  });
  after(async () => {
    await pair.storage.close();
    await pair.app.close();
  });
  return pair;
}
