import { expect } from 'chai';
import jwt, { type Algorithm } from 'jsonwebtoken';
import { buildUser, type TestUser } from '../support/builders.ts';
import { rest, TestSocket } from '../support/clients.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const secret = 'a secret that only this test and its server know';

interface Forgery {
  /** Claims in place of the genuine ones; `undefined` leaves one out. */
  claims?: Record<string, unknown>;
  typ?: string;
  algorithm?: Algorithm;
  key?: string;
}

/** A token like a genuine one, but for what is named. */
function forge(genuine: string, { claims, typ = 'at+jwt', algorithm = 'HS256', key = secret }: Forgery) {
  const all = { ...(jwt.decode(genuine) as Record<string, unknown>), ...claims };
  const given = Object.entries(all).filter(([, value]) => value !== undefined);
  return jwt.sign(Object.fromEntries(given), key, { algorithm, header: { alg: algorithm, typ } });
}

/** The same token with another header and no signature at all. */
function unsigned(genuine: string): string {
  const header = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url');
  return `${header}.${genuine.split('.')[1]}.`;
}

const forgeries: [string, Forgery][] = [
  ['another algorithm (HS512)', { algorithm: 'HS512' }],
  ['another secret', { key: 'another secret' }],
  ['another type', { typ: 'JWT' }],
  ['another audience', { claims: { aud: 'others' } }],
  ['another issuer', { claims: { iss: 'others' } }],
  ['no audience', { claims: { aud: undefined } }],
  ['its time over', { claims: { exp: 1_000_000_000 } }],
  ['no time at which it ends', { claims: { exp: undefined } }],
  ['no session', { claims: { sid: undefined } }],
  ['a session that is no id', { claims: { sid: 'x' } }],
  ['a session that never was', { claims: { sid: 'f'.repeat(24) } }],
  ['another person’s name', { claims: { sub: 'f'.repeat(24) } }],
  ['nobody’s name', { claims: { sub: undefined } }],
];

const faults: [string, (genuine: string) => string][] = [
  ...forgeries.map(([what, forgery]): [string, (genuine: string) => string] => [
    what,
    (genuine) => forge(genuine, forgery),
  ]),
  ['no signature (alg: none)', unsigned],
  ['a changed character', (genuine) => genuine.replace(/.(?=.{4}$)/, (one) => (one === 'A' ? 'B' : 'A'))],
  ['nothing of a token', () => 'garbage'],
];

describe('auth: the access token', () => {
  let app: TestApp;
  let ann: TestUser;
  before(async () => {
    app = await startApp({ jwtSecret: secret });
    ann = await buildUser(app.url);
  });
  after(() => app.close());

  const restWith = (token: string) => rest(app.url, { method: 'GET', path: '/api/users/me', token });

  async function handshakeWith(token: string): Promise<unknown> {
    const socket = new TestSocket(app.url, token);
    return socket.connected().then(
      () => socket.close(),
      (error: unknown) => error,
    );
  }

  it('names its session, with algorithm, type, audience, issuer and times', async () => {
    const { header, payload } = jwt.verify(ann.token, secret, { complete: true });
    expect(header).to.deep.equal({ alg: 'HS256', typ: 'at+jwt' });
    expect(payload).to.have.all.keys('sub', 'sid', 'aud', 'iss', 'iat', 'exp');
    expect(payload.sub).to.equal(ann.id);
  });

  it('is good again when signed alike, so that each fault below is the only one', async () => {
    expect((await restWith(forge(ann.token, {}))).status).to.equal(200);
  });

  for (const [what, faulty] of faults) {
    it(`is refused with ${what}, over REST and at the handshake`, async () => {
      const token = faulty(ann.token);
      const { status, headers, body } = await restWith(token);
      expect({ status, code: body.code }).to.deep.equal({ status: 401, code: 'unauthenticated' });
      expect(headers.get('www-authenticate')).to.equal('Bearer');
      expect(await handshakeWith(token)).to.include({ message: 'unauthenticated' });
    });
  }

  it('is missed by name on every operation that needs somebody', async () => {
    const paths = ['/api/users/me', '/api/friends', '/api/auth/sessions', `/api/users/${ann.id}`];
    for (const path of paths) {
      const { body } = await rest(app.url, { method: 'GET', path });
      expect(body, path).to.include({ status: 401, code: 'unauthenticated' });
    }
  });

  it('is taken in the Authorization header alone, with whatever case of Bearer', async () => {
    const get = (path: string, headers: Record<string, string>) =>
      rest(app.url, { method: 'GET', path, headers });
    expect((await get('/api/users/me', { authorization: `bearer ${ann.token}` })).status).to.equal(200);
    for (const authorization of [ann.token, `Basic ${ann.token}`, 'Bearer', `Bearer ${ann.token} x`])
      expect((await get('/api/users/me', { authorization })).status, authorization).to.equal(401);
    expect((await get(`/api/users/me?token=${ann.token}`, {})).status).to.equal(401);
  });
});
