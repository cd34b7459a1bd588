import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import mongoose, { type Connection } from 'mongoose';
import { buildUser, logInAgain, type TestUser } from '../support/builders.ts';
import { rest } from '../support/clients.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

describe('auth: refresh', () => {
  let app: TestApp;
  let database: Connection;
  before(async () => {
    app = await startApp();
    database = await mongoose.createConnection(app.mongodbUri).asPromise();
  });
  after(async () => {
    await database.close();
    await app.close();
  });

  const refresh = (refreshToken: unknown) =>
    rest(app.url, { method: 'POST', path: '/api/auth/refresh-token', body: { refreshToken } });

  const isGood = async (token: unknown) =>
    (await rest(app.url, { method: 'GET', path: '/api/users/me', token: String(token) })).status === 200;

  /** Makes the last rotation of everybody's tokens so much older. */
  async function age(user: TestUser, byMs: number): Promise<void> {
    const sessions = database.collection('sessions');
    const userId = new mongoose.Types.ObjectId(user.id);
    for (const { _id, replaced } of await sessions.find({ userId }).toArray()) {
      const earlier = (replaced as { hash: string; at: Date }[]).map(({ hash, at }) => ({
        hash,
        at: new Date(at.getTime() - byMs),
      }));
      await sessions.updateOne({ _id }, { $set: { replaced: earlier } });
    }
  }

  it('gives new tokens of the same session, not to be cached', async () => {
    const ann = await buildUser(app.url);
    const { status, headers, body } = await refresh(ann.refreshToken);
    expect(status).to.equal(200);
    expect(headers.get('cache-control')).to.equal('no-store');
    expect(body.refreshToken).to.not.equal(ann.refreshToken);
    expect((body.user as { id: string }).id).to.equal(ann.id);
    const path = '/api/auth/sessions';
    const sessions = await rest(app.url, { method: 'GET', path, token: String(body.token) });
    expect(sessions.body.items).to.have.length(1);
    expect(await isGood(ann.token), 'the old access token lives as long as its session').to.equal(true);
  });

  it('goes on from successor to successor', async () => {
    let { refreshToken }: { refreshToken: unknown } = await buildUser(app.url);
    for (let turn = 0; turn < 5; turn++) {
      const { status, body } = await refresh(refreshToken);
      expect(status).to.equal(200);
      ({ refreshToken } = body);
    }
  });

  it('gives the same successor to a repeat within 10 s', async () => {
    const ann = await buildUser(app.url);
    const first = await refresh(ann.refreshToken);
    await age(ann, 8000);
    const second = await refresh(ann.refreshToken);
    expect(second.status).to.equal(200);
    expect(second.body.refreshToken).to.equal(first.body.refreshToken);
  });

  it('gives the same successor to a repeat within 10 s even where that has been replaced too', async () => {
    const ann = await buildUser(app.url);
    const first = await refresh(ann.refreshToken);
    const latest = await refresh(first.body.refreshToken);
    const late = await refresh(ann.refreshToken);
    expect([late.status, late.body.refreshToken]).to.deep.equal([200, first.body.refreshToken]);
    expect((await refresh(latest.body.refreshToken)).status).to.equal(200);
  });

  it('gives the same successor to all who ask at once', async () => {
    const { refreshToken } = await buildUser(app.url);
    const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(refreshToken)));
    expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([200]));
    expect(new Set(answers.map(({ body }) => body.refreshToken)).size).to.equal(1);
    expect((await refresh(answers[0]?.body.refreshToken)).status).to.equal(200);
  });

  it('takes a replaced token for a replay after 10 s: the family ends, its sockets hear why', async () => {
    const ann = await buildUser(app.url);
    const elsewhere = await logInAgain(app.url, ann);
    const socket = await ann.connect();
    const { body } = await refresh(ann.refreshToken);
    await age(ann, 10_001);

    const replay = await refresh(ann.refreshToken);
    expect(replay.body).to.include({ status: 401, code: 'unauthenticated' });
    expect(await socket.next('session_revoked')).to.include({ reason: 'replay' });
    await socket.closed();
    expect(await isGood(ann.token)).to.equal(false);
    expect(await isGood(body.token)).to.equal(false);
    expect((await refresh(body.refreshToken)).status, 'the successor').to.equal(401);
    expect(await isGood(elsewhere.token), 'another device').to.equal(true);
  });

  it('takes a token for a replay once its successor’s successor is known', async () => {
    const ann = await buildUser(app.url);
    const second = await refresh(ann.refreshToken);
    await refresh(second.body.refreshToken);
    await age(ann, 10_001);
    expect((await refresh(ann.refreshToken)).status).to.equal(401);
    expect(await isGood(ann.token)).to.equal(false);
  });

  it('refuses forged tokens of the right form, and they end nothing', async () => {
    const ann = await buildUser(app.url);
    const genuine = Buffer.from(ann.refreshToken, 'base64url');
    const sessionId = genuine.subarray(0, 12);
    const forged = [
      Buffer.concat([sessionId, randomBytes(32)]),
      Buffer.concat([sessionId, genuine.subarray(12, 28), randomBytes(16)]),
      Buffer.concat([sessionId, randomBytes(16), genuine.subarray(28)]),
      Buffer.concat([randomBytes(12), genuine.subarray(12)]),
      genuine.subarray(0, 43),
    ];
    for (const bytes of forged) {
      const { body } = await refresh(bytes.toString('base64url'));
      expect(body).to.include({ status: 401, code: 'unauthenticated' });
    }
    expect(await isGood(ann.token)).to.equal(true);
    expect((await refresh(ann.refreshToken)).status).to.equal(200);
  });

  it('refuses what is no token, and an access token', async () => {
    const { token } = await buildUser(app.url);
    for (const text of ['', 'x', token.slice(0, 200), '😀'])
      expect((await refresh(text)).body.code, text).to.equal('unauthenticated');
    for (const wrong of [undefined, null, 5, { $ne: null }, 'x'.repeat(201)])
      expect((await refresh(wrong)).body.code).to.equal('validation_failed');
  });

  it('ends with the session: after logging out the token is refused', async () => {
    const ann = await buildUser(app.url);
    await ann.rest('POST', '/api/auth/logout');
    expect((await refresh(ann.refreshToken)).body.code).to.equal('unauthenticated');
  });

  it('keeps no token in the database that somebody who reads it could use', async () => {
    const ann = await buildUser(app.url);
    const { body } = await refresh(ann.refreshToken);
    const userId = new mongoose.Types.ObjectId(ann.id);
    const kept = JSON.stringify(await database.collection('sessions').find({ userId }).toArray());
    for (const token of [ann.token, ann.refreshToken, body.token, body.refreshToken])
      expect(kept).to.not.include(String(token));
  });
});
