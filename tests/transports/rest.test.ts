import { expect } from 'chai';
import { operations } from '../../src/contracts.ts';
import { buildUser, type TestUser } from '../support/builders.ts';
import { rest } from '../support/clients.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const routes = operations.flatMap((operation) => operation.routes.map((route) => ({ operation, route })));

describe('REST: every operation', () => {
  let app: TestApp;
  let ann: TestUser;
  before(async () => {
    app = await startApp();
    ann = await buildUser(app.url);
  });
  after(() => app.close());

  for (const { operation, route } of routes) {
    const path = route.path.replaceAll(/:\w+/g, 'f'.repeat(24));
    if (operation.access !== 'user') {
      it(`${route.method} ${route.path} needs no token`, async () => {
        const body = route.method === 'GET' ? undefined : {};
        const answer = await rest(app.url, { method: route.method, path, body });
        expect(answer.status).to.equal(body ? 400 : 404);
      });
    } else {
      it(`${route.method} ${route.path} without a token is unauthenticated, before anything is looked at`, async () => {
        const body = route.method === 'GET' ? undefined : { anything: { $ne: null } };
        const answer = await rest(app.url, { method: route.method, path, body });
        expect(answer.body).to.include({ status: 401, code: 'unauthenticated' });
        expect(answer.headers.get('www-authenticate')).to.equal('Bearer');
      });
    }
  }

  it('has one route per method and path', () => {
    const names = routes.map(({ route }) => `${route.method} ${route.path.replaceAll(/:\w+/g, ':')}`);
    expect(new Set(names).size).to.equal(names.length);
  });

  it('has an event name of its own, and no input that would clash with a frame’s members', () => {
    const events = operations.flatMap(({ event }) => event ?? []);
    expect(new Set(events).size).to.equal(events.length);
    for (const { input, summary } of operations)
      expect(input.shape, summary).to.not.have.any.keys('type', 'id');
  });

  it('reads static paths before parameters', async () => {
    expect((await ann.rest('GET', '/api/users/me')).body.id).to.equal(ann.id);
    expect((await ann.rest('GET', '/api/user/profile')).body.id).to.equal(ann.id);
    expect((await ann.rest('GET', '/api/friends/requests')).body.items).to.deep.equal([]);
  });
});

describe('REST: failures', () => {
  let app: TestApp;
  let ann: TestUser;
  before(async () => {
    app = await startApp();
    ann = await buildUser(app.url);
  });
  after(() => app.close());

  it('are problem details that name their type, their code and the request', async () => {
    const { headers, body } = await rest(app.url, { method: 'GET', path: '/nothing' });
    expect(headers.get('content-type')).to.match(/^application\/problem\+json/);
    const { requestId, ...problem } = body;
    expect(problem).to.deep.equal({
      type: 'urn:parley:error:not_found',
      title: 'Not found',
      status: 404,
      code: 'not_found',
    });
    expect(requestId).to.match(/^[0-9a-f-]{36}$/);
  });

  it('have a request id of their own each, whatever id the client sends', async () => {
    const headers = { 'x-request-id': 'mine' };
    const calls = Array.from({ length: 5 }, () =>
      rest(app.url, { method: 'GET', path: '/nothing', headers }),
    );
    const ids = new Set((await Promise.all(calls)).map(({ body }) => body.requestId));
    expect(ids.size).to.equal(5);
    expect(ids).to.not.include('mine');
  });

  it('name every wrong field, nested ones by their path', async () => {
    const wrong = { nickname: 5, privacy: { lastSeen: 'no' }, birthday: 'never' };
    const { body } = await ann.rest('PATCH', '/api/users/me', wrong);
    const errors = body.errors as { path: string; message: string }[];
    expect(errors.map(({ path }) => path)).to.have.members(['nickname', 'privacy.lastSeen', 'birthday']);
  });

  it('do not say what a client sent, nor where the server failed', async () => {
    const { body } = await ann.rest('PATCH', '/api/users/me', '{"nickname": oops-secret}');
    expect(JSON.stringify(body)).to.not.include('oops').and.not.include('node_modules');
  });
});

describe('REST: bodies and headers', () => {
  let app: TestApp;
  let ann: TestUser;
  before(async () => {
    app = await startApp({ corsOrigins: ['https://chat.example'] });
    ann = await buildUser(app.url);
  });
  after(() => app.close());

  it('takes other JSON types, with a character set', async () => {
    for (const type of ['application/merge-patch+json', 'application/json; charset=utf-8']) {
      const answer = await rest(app.url, {
        method: 'PATCH',
        path: '/api/users/me',
        token: ann.token,
        body: '{"nickname":"Ann"}',
        headers: { 'content-type': type },
      });
      expect(answer.status, type).to.equal(200);
    }
  });

  it('needs no body where nothing has to be said', async () => {
    expect((await ann.rest('PATCH', '/api/users/me')).status).to.equal(200);
  });

  it('takes a body that repeats what the path says, and believes the path', async () => {
    const { body } = await ann.rest('POST', `/api/messages/private/${ann.id}`, {
      receiverId: 'f'.repeat(24),
      content: 'x',
    });
    expect(body.code).to.equal('not_allowed');
  });

  it('sends the headers that keep a browser safe, and none that tells what runs here', async () => {
    const { headers } = await ann.rest('GET', '/api/users/me');
    expect(headers.get('x-content-type-options')).to.equal('nosniff');
    expect(headers.get('content-security-policy')).to.match(/default-src 'self'/);
    expect(headers.get('x-powered-by')).to.equal(null);
  });

  it('lets the origins in that the settings name, without credentials', async () => {
    const from = async (origin: string) =>
      (await rest(app.url, { method: 'GET', path: '/healthz', headers: { origin } })).headers;
    const known = await from('https://chat.example');
    expect(known.get('access-control-allow-origin')).to.equal('https://chat.example');
    expect(known.get('access-control-allow-credentials')).to.equal(null);
    expect((await from('https://evil.example')).get('access-control-allow-origin')).to.equal(null);
  });

  it('answers a browser’s preflight', async () => {
    const response = await fetch(`${app.url}/api/users/me`, {
      method: 'OPTIONS',
      headers: { origin: 'https://chat.example', 'access-control-request-method': 'PATCH' },
    });
    expect(response.status).to.equal(204);
    expect(response.headers.get('access-control-allow-methods')).to.include('PATCH');
  });
});
