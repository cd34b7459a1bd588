import { expect } from 'chai';
import { buildUser, type TestUser } from '../support/builders.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { createWitness, type Witness } from '../support/witness.ts';

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

  it('is closed after 5 s of more than 1 MiB waiting, and everybody else is served meanwhile', async () => {
    const slow = await buildUser(app.url);
    const { sender } = witness;
    await sender.rest('POST', '/api/friends/add', { userId: slow.id });
    await slow.rest('POST', `/api/friends/${sender.id}/accept`);
    const text = '字'.repeat(4000);
    for (let sent = 0; sent < 20; sent++)
      await sender.rest('POST', `/api/messages/private/${slow.id}`, { content: text });

    const raw = await RawSocket.joined(app.url, slow.token);
    raw.socket.pause();
    const question = JSON.stringify(['message_history', { friendId: sender.id }]);
    for (let asked = 0; asked < 100; asked++) raw.send(`42${asked}${question}`);
    const startedAt = Date.now();
    while (await isOnline(sender, slow)) await witness.isServed();
    expect(Date.now() - startedAt).to.be.within(4000, 10_000);
    raw.cut();
  });
});
