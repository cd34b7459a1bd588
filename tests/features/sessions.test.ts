import { expect } from 'chai';
import mongoose from 'mongoose';
import { buildUser, logInAgain, type TestUser } from '../support/builders.ts';
import { rest, TestSocket } from '../support/clients.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

/** What a client is told whose connection is refused. */
function refusalOf(socket: TestSocket): Promise<{ message: string; data?: unknown }> {
  return socket.connected().then(
    () => Promise.reject(new Error('the handshake was not refused')),
    (error: { message: string; data?: unknown }) => error,
  );
}

describe('auth: sessions', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  const sessionIdOf = async (user: TestUser) => {
    const { body } = await user.rest('GET', '/api/auth/sessions');
    return (body.items as { id: string; current: boolean }[]).find(({ current }) => current)?.id ?? '';
  };

  /** A session that is over is refused on REST and at the handshake. */
  async function isOver({ rest, token }: TestUser): Promise<void> {
    expect((await rest('GET', '/api/users/me')).body.code).to.equal('unauthenticated');
    expect(await refusalOf(new TestSocket(app.url, token))).to.include({ message: 'unauthenticated' });
  }

  describe('logout', () => {
    for (const wire of ['REST', 'socket'] as const) {
      it(`over ${wire}: is confirmed, tells this session’s sockets why and closes them`, async () => {
        const ann = await buildUser(app.url);
        const elsewhere = await logInAgain(app.url, ann);
        const id = await sessionIdOf(ann);
        const [one, two, other] = await Promise.all([ann.connect(), ann.connect(), elsewhere.connect()]);
        if (wire === 'socket') await one.call('logout', {});
        else expect((await ann.rest('POST', '/api/auth/logout')).status).to.equal(204);
        for (const socket of [one, two]) {
          expect(await socket.next('session_revoked')).to.deep.equal({ sessionId: id, reason: 'logout' });
          await socket.closed();
        }
        await isOver(ann);
        await other.call('profile_get', {});
        expect(other.untaken('session_revoked')).to.deep.equal([]);
        other.close();
      });
    }

    it('makes a socket that is still open deaf at once', async () => {
      const ann = await buildUser(app.url);
      const socket = await ann.connect();
      const answers = Promise.all([
        socket.emit('logout', {}),
        new Promise((resolve) => socket.socket.once('session_revoked', resolve)).then(() =>
          socket.emit('profile_get', {}),
        ),
      ]);
      const [loggedOut, asked] = await answers;
      expect(loggedOut.ok).to.equal(true);
      expect(asked).to.have.nested.property('error.code', 'unauthenticated');
      await socket.closed();
    });

    it('refuses input that it does not take, and nothing ends', async () => {
      const ann = await buildUser(app.url);
      expect((await ann.rest('POST', '/api/auth/logout', { everywhere: true })).status).to.equal(400);
      expect((await ann.rest('GET', '/api/users/me')).status).to.equal(200);
    });

    it('is unauthenticated when repeated', async () => {
      const ann = await buildUser(app.url);
      await ann.rest('POST', '/api/auth/logout');
      expect((await ann.rest('POST', '/api/auth/logout')).body.code).to.equal('unauthenticated');
    });
  });

  describe('logout_all', () => {
    for (const wire of ['REST', 'socket'] as const) {
      it(`over ${wire}: ends every device of mine and nobody else’s`, async () => {
        const [ann, stranger] = await Promise.all([buildUser(app.url), buildUser(app.url)]);
        const elsewhere = await logInAgain(app.url, ann);
        const own = await Promise.all([ann.connect(), elsewhere.connect()]);
        const foreign = await stranger.connect();
        if (wire === 'socket') await own[0].call('logout_all', {});
        else expect((await ann.rest('POST', '/api/auth/logout-all')).status).to.equal(204);
        for (const socket of own) {
          expect(await socket.next('session_revoked')).to.include({ reason: 'logout_all' });
          await socket.closed();
        }
        for (const device of [ann, elsewhere]) await isOver(device);
        await foreign.call('profile_get', {});
        expect(foreign.untaken('session_revoked')).to.deep.equal([]);
        foreign.close();
      });
    }
  });

  describe('session_list', () => {
    it('shows my devices, the latest first, in pages, alike on both wires', async () => {
      const ann = await buildUser(app.url);
      const latest = await logInAgain(app.url, await logInAgain(app.url, ann));
      const socket = await latest.connect();
      const all = await socket.call('session_list', {});
      expect(all.items.map(({ current }) => current)).to.deep.equal([true, false, false]);
      const first = await latest.rest('GET', '/api/auth/sessions?limit=2');
      expect(first.body.items).to.deep.equal(all.items.slice(0, 2));
      const rest = await latest.rest('GET', `/api/auth/sessions?limit=2&cursor=${first.body.nextCursor}`);
      expect(rest.body).to.deep.equal({ items: all.items.slice(2), nextCursor: null });
      socket.close();
    });

    it('leaves out devices that logged out', async () => {
      const ann = await buildUser(app.url);
      await (await logInAgain(app.url, ann)).rest('POST', '/api/auth/logout');
      expect((await ann.rest('GET', '/api/auth/sessions')).body.items).to.have.length(1);
    });
  });

  describe('session_revoke', () => {
    for (const wire of ['REST', 'socket'] as const) {
      it(`over ${wire}: ends one of my devices, which hears that it was revoked`, async () => {
        const ann = await buildUser(app.url);
        const lost = await logInAgain(app.url, ann);
        const sessionId = await sessionIdOf(lost);
        const [mine, lostSocket] = await Promise.all([ann.connect(), lost.connect()]);
        if (wire === 'socket') await mine.call('session_revoke', { sessionId });
        else expect((await ann.rest('DELETE', `/api/auth/sessions/${sessionId}`)).status).to.equal(204);
        expect(await lostSocket.next('session_revoked')).to.deep.equal({ sessionId, reason: 'revoked' });
        await lostSocket.closed();
        await isOver(lost);
        await mine.call('profile_get', {});
        await mine.refused('session_revoke', { sessionId }, 'not_found');
        mine.close();
      });
    }

    it('answers not_found to another person’s session, which goes on in every way', async () => {
      const [ann, stranger] = await Promise.all([buildUser(app.url), buildUser(app.url)]);
      const sessionId = await sessionIdOf(ann);
      const socket = await ann.connect();
      const refused = await stranger.rest('DELETE', `/api/auth/sessions/${sessionId}`);
      const never = await stranger.rest('DELETE', `/api/auth/sessions/${'f'.repeat(24)}`);
      const { requestId: _, ...body } = refused.body;
      expect(body).to.include({ status: 404, code: 'not_found' });
      expect({ ...never.body, requestId: undefined }).to.deep.equal({ ...body, requestId: undefined });
      await socket.call('profile_get', {});
      const again = await ann.connect();
      for (const open of [socket, again]) open.close();
    });
  });

  describe('caps', () => {
    it('ends the oldest of 101 sessions', async () => {
      const ann = await buildUser(app.url);
      const oldest = await ann.connect();
      await seedSessions(app, ann, 99);
      await oldest.call('profile_get', {});
      const latest = await logInAgain(app.url, ann);
      expect(await oldest.next('session_revoked')).to.include({ reason: 'revoked' });
      await oldest.closed();
      expect((await latest.rest('GET', '/api/auth/sessions?limit=100')).body.items).to.have.length(100);
    });

    it('refuses a person’s 51st socket by name, and lets it in when another has closed', async () => {
      const ann = await buildUser(app.url);
      const sockets = await Promise.all(Array.from({ length: 50 }, () => ann.connect()));
      const refusal = await refusalOf(new TestSocket(app.url, ann.token));
      expect(refusal).to.include({ message: 'limit_reached' });
      expect(refusal.data).to.include({ code: 'limit_reached', status: 409 });
      sockets[0]?.close();
      await opensInTheEnd(ann);
      for (const socket of sockets) socket.close();
    });

    it('does not count connections that went away during their handshake', async () => {
      const ann = await buildUser(app.url);
      for (let round = 0; round < 60; round++) {
        const raw = await RawSocket.opened(app.url);
        raw.join(ann.token);
        raw.cut();
        await raw.closed();
      }
      await opensInTheEnd(ann);
    });
  });

  /** The server learns of a close when the network tells it, so a first try may come too early. */
  async function opensInTheEnd(user: TestUser): Promise<void> {
    for (;;) {
      const socket = new TestSocket(app.url, user.token);
      const isOpen = await socket.connected().then(
        () => true,
        () => false,
      );
      socket.close();
      if (isOpen) return;
    }
  }
});

/** Adds sessions to a person’s, as log-ins of an instant ago would. */
async function seedSessions(app: TestApp, user: TestUser, count: number): Promise<void> {
  const connection = await mongoose.createConnection(app.mongodbUri).asPromise();
  const sessions = connection.collection('sessions');
  const own = await sessions.findOne({ userId: new mongoose.Types.ObjectId(user.id) });
  const copies = Array.from({ length: count }, () => ({ ...own, _id: new mongoose.Types.ObjectId() }));
  await sessions.insertMany(copies);
  await connection.close();
}

describe('auth: the handshake', () => {
  let app: TestApp;
  let ann: TestUser;
  before(async () => {
    app = await startApp();
    ann = await buildUser(app.url);
  });
  after(() => app.close());

  for (const [where, options] of [
    ['auth.token', (token: string) => ({ auth: { token } })],
    ['the Authorization header', (token: string) => ({ extraHeaders: { authorization: `Bearer ${token}` } })],
    ['the query', (token: string) => ({ query: { token } })],
    ['auth, before a bad one in the query', (token: string) => ({ auth: { token }, query: { token: 'x' } })],
    ['auth over long-polling', (token: string) => ({ auth: { token }, transports: ['polling'] })],
  ] as const) {
    it(`takes a token in ${where}`, async () => {
      const socket = await new TestSocket(app.url, undefined, {
        ...options(ann.token),
      } as object).connected();
      expect((await socket.call('profile_get', {})).id).to.equal(ann.id);
      socket.close();
    });
  }

  for (const [what, auth] of [
    ['no token', {}],
    ['an empty token', { token: '' }],
    ['a token that is an object', { token: { $ne: null } }],
    ['a bad token', { token: 'garbage' }],
  ] as const) {
    it(`refuses ${what}: the message is the code, the data the problem in the client’s language`, async () => {
      const extraHeaders = { 'accept-language': 'zh-CN' };
      const { message, data } = await refusalOf(new TestSocket(app.url, undefined, { auth, extraHeaders }));
      expect(message).to.equal('unauthenticated');
      expect(data).to.include({ code: 'unauthenticated', status: 401, title: '请先登录' });
      expect(data).to.have.all.keys('type', 'title', 'status', 'code', 'requestId');
    });
  }

  it('does not take a refresh token for an access token', async () => {
    const refusal = await refusalOf(new TestSocket(app.url, ann.refreshToken));
    expect(refusal.message).to.equal('unauthenticated');
    expect(
      (await rest(app.url, { method: 'GET', path: '/api/users/me', token: ann.refreshToken })).status,
    ).to.equal(401);
  });
});

describe('auth: sessions that end elsewhere', () => {
  it('close their sockets here within 15 s: revoked by another process, or run out', async () => {
    const jwtSecret = 'a secret that both processes know';
    const here = await startApp({ jwtSecret });
    const elsewhere = await startApp({ jwtSecret, mongodbUri: here.mongodbUri });
    const [ann, bob, cem] = await Promise.all([
      buildUser(here.url),
      buildUser(here.url),
      buildUser(here.url),
    ]);
    const [anns, bobs, cems] = await Promise.all([ann.connect(), bob.connect(), cem.connect()]);
    const since = Date.now();
    await rest(elsewhere.url, { method: 'POST', path: '/api/auth/logout-all', token: ann.token });
    const database = await mongoose.createConnection(here.mongodbUri).asPromise();
    const ran = { $set: { expiresAt: new Date(Date.now() - 1000) } };
    await database.collection('sessions').updateMany({ userId: new mongoose.Types.ObjectId(bob.id) }, ran);
    await database.close();
    expect((await anns.next('session_revoked')).reason).to.equal('logout_all');
    expect((await bobs.next('session_revoked')).reason).to.equal('revoked');
    await Promise.all([anns.closed(), bobs.closed()]);
    expect(Date.now() - since).to.be.below(15_000);
    await cems.call('profile_get', {});
    cems.close();
    await elsewhere.close();
    await here.close();
  });
});
