import { mock } from 'node:test';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { buildUser } from '../support/builders.ts';
import { startApp } from '../support/start-app.ts';
import { WsClient } from '../support/ws-client.ts';

describe('heartbeats of /ws', () => {
  afterEach(() => mock.timers.reset());

  it('end a connection that does not answer within 25 s, and no other', async () => {
    mock.timers.enable({ apis: ['setInterval'] });
    const app = await startApp();
    const ann = await buildUser(app.url);
    const headers = { authorization: `Bearer ${ann.token}` };
    const dead = await new WsClient(app.url, { headers, autoPong: false }).opened();
    const alive = await WsClient.withHeader(app.url, ann.token);
    const heard = Promise.all(
      [dead, alive].map(({ socket }) => new Promise((resolve) => socket.once('ping', resolve))),
    );
    mock.timers.tick(25_000);
    await heard;
    // what it sent after its pong has come, so its pong has
    await alive.call('profile_get', {});
    mock.timers.tick(25_000);
    expect(await dead.closed()).to.equal(1006);
    await alive.call('profile_get', {});
    expect(alive.socket.readyState).to.equal(WebSocket.OPEN);
    alive.close();
    await app.close();
  });
});
