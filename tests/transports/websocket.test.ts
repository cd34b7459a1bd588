import { request as httpRequest, type IncomingMessage } from 'node:http';
import { expect } from 'chai';
import { buildUser, logInAgain, type TestUser } from '../support/builders.ts';
import { TestSocket } from '../support/clients.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { WsClient } from '../support/ws-client.ts';

interface Refusal {
  response: IncomingMessage;
  problem: Record<string, unknown>;
}

/** Asks for an upgrade that has to be refused, by plain HTTP. */
function refusedUpgrade(url: string, path: string, headers: Record<string, string> = {}): Promise<Refusal> {
  return new Promise((resolve, reject) => {
    const upgrade = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    const request = httpRequest(url + path, { headers: { ...upgrade, ...headers } });
    request.on('error', reject);
    request.on('upgrade', (_response, socket) => {
      socket.destroy();
      reject(new Error('the upgrade was not refused'));
    });
    request.on('response', async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve({ response, problem: JSON.parse(Buffer.concat(chunks).toString()) });
    });
    request.end();
  });
}

describe('/ws: who comes in', () => {
  let app: TestApp;
  let ann: TestUser;
  before(async () => {
    app = await startApp();
    ann = await buildUser(app.url);
  });
  after(() => app.close());

  const comesIn = async (client: WsClient) => {
    expect((await client.call('profile_get', {})).id).to.equal(ann.id);
    client.close();
  };

  for (const [how, header] of [
    ['as Bearer', (token: string) => `Bearer ${token}`],
    ['as bearer, in small letters', (token: string) => `bearer ${token}`],
    ['by itself', (token: string) => token],
  ] as const) {
    it(`who shows a token in the Authorization header ${how}`, async () => {
      const headers = { authorization: header(ann.token) };
      await comesIn(await new WsClient(app.url, { headers }).opened());
    });
  }

  for (const path of ['/ws', '/ws/', '/ws?v=1']) {
    it(`on ${path}, who shows a token in the first frame; it is told who it is`, async () => {
      const client = await new WsClient(app.url, {}, path).opened();
      client.send({ type: 'auth', id: 'first', token: ann.token });
      expect(await client.take(() => true)).to.deep.equal({
        type: 'ack',
        id: 'first',
        ok: true,
        data: { userId: ann.id },
      });
      await comesIn(client);
    });
  }

  it('who sends on without waiting for the answer to its first frame: the rest waits, in its order', async () => {
    const client = await new WsClient(app.url).opened();
    client.send({ type: 'auth', token: ann.token });
    client.send({ type: 'profile_get', id: 1 });
    expect(await client.take(() => true)).to.deep.equal({ type: 'ack', ok: true, data: { userId: ann.id } });
    expect(await client.take(() => true)).to.include({ type: 'ack', id: 1, ok: true });
    client.close();
  });

  it('who says again who it is, with a renewed token; a bad one changes nothing', async () => {
    const client = await WsClient.withFrame(app.url, ann.token);
    expect((await client.ask({ type: 'auth', token: ann.token })).data).to.deep.equal({ userId: ann.id });
    const other = await logInAgain(app.url, ann);
    for (const token of ['bad', other.token])
      expect((await client.ask({ type: 'auth', token })).error?.code).to.equal('unauthenticated');
    await comesIn(client);
  });

  it('not who shows a bad token in the header: 401 with the problem, in its language', async () => {
    for (const authorization of ['Bearer bad', 'bad', 'Bearer', 'Bearer two words']) {
      const headers = { authorization, 'accept-language': 'zh' };
      const { response, problem } = await refusedUpgrade(app.url, '/ws', headers);
      expect(response.statusCode).to.equal(401);
      expect(response.headers['content-type']).to.match(/^application\/problem\+json/);
      expect(response.headers['www-authenticate']).to.equal('Bearer');
      expect(problem).to.include({ code: 'unauthenticated', status: 401, title: '请先登录' });
    }
  });

  it('but whose header is for a proxy in front may still say it in a frame', async () => {
    const headers = { authorization: 'Basic dXNlcjpwYXNz' };
    await comesIn(await WsClient.withFrame(app.url, ann.token, { headers }));
  });

  for (const [what, frame] of [
    ['a bad token', { type: 'auth', id: 7, token: 'bad' }],
    ['a token that is no string', { type: 'auth', id: 7, token: { $ne: null } }],
    ['no token', { type: 'auth', id: 7 }],
    ['anything else', { type: 'profile_get', id: 7 }],
  ] as const) {
    it(`not who shows ${what} in the first frame: told so, then closed with 4401`, async () => {
      const client = await new WsClient(app.url).opened();
      client.send(frame);
      const answer = await client.take(() => true);
      expect(answer).to.include({ type: 'ack', id: 7, ok: false });
      expect(answer.error).to.include({ code: 'unauthenticated', status: 401 });
      expect(await client.closed()).to.equal(4401);
    });
  }

  it('not whose first frame is none', async () => {
    const client = await new WsClient(app.url).opened();
    client.send('[');
    expect(await client.take(() => true)).to.include({ type: 'ack', ok: false });
    expect(await client.closed()).to.equal(4401);
  });

  it('not who says nothing for 10 s', async () => {
    const client = await new WsClient(app.url).opened();
    const startedAt = Date.now();
    expect((await client.take(() => true)).error?.code).to.equal('unauthenticated');
    expect(await client.closed()).to.equal(4401);
    expect(Date.now() - startedAt).to.be.within(9500, 12_000);
  });

  it('not whose session is over', async () => {
    const gone = await buildUser(app.url);
    await gone.rest('POST', '/api/auth/logout');
    const headers = { authorization: `Bearer ${gone.token}` };
    expect((await refusedUpgrade(app.url, '/ws', headers)).problem.code).to.equal('unauthenticated');
  });

  it('not on any other path: 404 at once', async () => {
    for (const path of ['/', '/wss', '/ws/x', '/socket.io', '//ws', '/%2e']) {
      const { response, problem } = await refusedUpgrade(app.url, path);
      expect([response.statusCode, problem.code], path).to.deep.equal([404, 'not_found']);
    }
  });

  it('the 51st socket of one person is refused, whatever kind the others are', async () => {
    const many = await buildUser(app.url);
    const sockets = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        index % 2 ? many.connect() : WsClient.withHeader(app.url, many.token),
      ),
    );
    const headers = { authorization: `Bearer ${many.token}` };
    expect((await refusedUpgrade(app.url, '/ws', headers)).problem.code).to.equal('limit_reached');
    const client = await new WsClient(app.url).opened();
    client.send({ type: 'auth', token: many.token });
    expect((await client.take(() => true)).error?.code).to.equal('limit_reached');
    expect(await client.closed()).to.equal(4401);
    const refusal = await many.connect().catch((error: Error) => error.message);
    expect(refusal).to.equal('limit_reached');
    for (const socket of sockets) socket.close();
  });
});

describe('/ws: whose pages may connect', () => {
  let app: TestApp;
  let ann: TestUser;
  before(async () => {
    app = await startApp({ corsOrigins: ['https://app.example.com'], publicUrl: 'https://chat.example.com' });
    ann = await buildUser(app.url);
  });
  after(() => app.close());

  it('those of CORS_ORIGINS, our own, and what is no browser', async () => {
    const origins = ['https://app.example.com', 'https://chat.example.com', app.url];
    for (const origin of [...origins, undefined]) {
      const client = await WsClient.withFrame(app.url, ann.token, origin === undefined ? {} : { origin });
      client.close();
    }
  });

  it('no others, on any kind of socket', async () => {
    for (const origin of ['https://evil.example', 'null', 'http://app.example.com']) {
      const { problem } = await refusedUpgrade(app.url, '/ws', { origin });
      expect(problem, origin).to.include({ code: 'not_allowed', status: 403 });
    }
    const socket = new TestSocket(app.url, ann.token, { extraHeaders: { origin: 'https://evil.example' } });
    const refusal = await socket.connected().catch((error: Error) => error.message);
    expect(refusal).to.equal('not_allowed');
  });
});
