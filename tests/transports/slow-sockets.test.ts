import { expect } from 'chai';
import { befriend, buildUser, type TestUser } from '../support/builders.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { createWitness, type Witness } from '../support/witness.ts';
import { WsClient } from '../support/ws-client.ts';

describe('a client that never reads', () => {
  let app: TestApp;
  let witness: Witness;
  before(async () => {
    app = await startApp();
    witness = await createWitness(app.url);
  });
  after(async () => {
    witness.close();
    await app.close();
  });

  /** The witness's receiver is the slow one's friend and asks how it is shown. */
  async function isOnline(viewer: TestUser, friend: TestUser): Promise<boolean> {
    const { body } = await viewer.rest('GET', '/api/friends?limit=100');
    const items = body.items as { user: { id: string }; presence: { status: string } }[];
    return items.find(({ user }) => user.id === friend.id)?.presence.status === 'online';
  }

  /** Somebody with 20 long messages of a friend, who asks for them again and again without reading an answer. */
  async function buildSlow(sender: TestUser): Promise<TestUser> {
    const slow = await buildUser(app.url);
    await befriend(sender, slow);
    for (let sent = 0; sent < 20; sent++)
      await sender.rest('POST', `/api/messages/private/${slow.id}`, { content: '字'.repeat(4000) });
    return slow;
  }

  async function isClosedAfter5s(sender: TestUser, slow: TestUser): Promise<void> {
    const startedAt = Date.now();
    while (await isOnline(sender, slow)) await witness.isServed();
    expect(Date.now() - startedAt).to.be.within(4000, 10_000);
  }

  it('is closed after 5 s of more than 1 MiB waiting, and everybody else is served meanwhile', async () => {
    const { sender } = witness;
    const slow = await buildSlow(sender);
    const raw = await RawSocket.joined(app.url, slow.token);
    raw.socket.pause();
    const question = JSON.stringify(['message_history', { friendId: sender.id }]);
    for (let asked = 0; asked < 100; asked++) raw.send(`42${asked}${question}`);
    await isClosedAfter5s(sender, slow);
    raw.cut();
  });

  it('on /ws: is closed likewise, and not listened to until then, so that answers do not pile up', async () => {
    const { sender } = witness;
    const slow = await buildSlow(sender);
    const client = await WsClient.withHeader(app.url, slow.token);
    await client.call('sync', {});
    client.socket.pause();
    for (let id = 0; id < 300; id++) client.send({ type: 'message_history', friendId: sender.id, id });
    client.send({ type: 'profile_update', bio: 'heard' });
    await isClosedAfter5s(sender, slow);
    expect((await slow.rest('GET', '/api/users/me')).body.bio).to.equal(null);
    client.close();
  });
});
