import bcrypt from 'bcrypt';
import { expect } from 'chai';
import mongoose, { type Connection } from 'mongoose';
import { buildUser, logInAgain, type TestUser, uniqueEmail, uniquePhone } from '../support/builders.ts';
import { type RestAnswer, rest } from '../support/clients.ts';
import { type Outbox, openOutbox } from '../support/outbox.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

let outbox: Outbox;
let app: TestApp;
let database: Connection;

async function open(): Promise<void> {
  outbox = await openOutbox();
  app = await startApp({ ...outbox.settings, bcryptCost: 5 });
  database = await mongoose.createConnection(app.mongodbUri).asPromise();
}

async function close(): Promise<void> {
  await database.close();
  await app.close();
  await outbox.close();
}

const post = (path: string, body: object) =>
  rest(app.url, { method: 'POST', path: `/api/auth/${path}`, body });
const logIn = (email: string, password: string) => post('login', { email, password });
const idOf = ({ id }: TestUser) => new mongoose.Types.ObjectId(id);

/** A problem without what differs from one to the next. */
function alike({ status, body }: RestAnswer) {
  const { requestId: _, ...rest } = body;
  return { status, rest };
}

describe('auth: passwords', () => {
  before(open);
  after(close);

  for (const password of ['password', 'PASSWORD', '12345678', 'iloveyou', 'qwertyuiop']) {
    it(`“${password}” is among the commonest and refused`, async () => {
      const { body } = await post('register', { email: uniqueEmail(), password, nickname: 'Ann' });
      expect(body).to.include({ code: 'validation_failed' });
      expect((body.errors as { path: string }[])[0]?.path).to.equal('password');
    });
  }

  it('are hashed anew at the next log-in when the cost has risen, and by nobody else', async () => {
    const ann = await buildUser(app.url);
    const cheap = await bcrypt.hash(ann.password, 4);
    await database.collection('users').updateOne({ _id: idOf(ann) }, { $set: { passwordHash: cheap } });
    const logIns = Array.from({ length: 4 }, () => logIn(ann.email, ann.password));
    expect((await Promise.all(logIns)).map(({ status }) => status)).to.deep.equal([200, 200, 200, 200]);
    const user = await database.collection('users').findOne({ _id: idOf(ann) });
    expect(bcrypt.getRounds(user?.passwordHash)).to.equal(5);
    expect((await logIn(ann.email, ann.password)).status).to.equal(200);
  });

  it('of somebody who has none fit nothing', async () => {
    const email = uniqueEmail();
    await post('send-verification-code', { email });
    await post('verify-code', { email, code: await outbox.code(email) });
    expect((await logIn(email, '')).body.code).to.equal('invalid_credentials');
    expect((await logIn(email, 'null null')).body.code).to.equal('invalid_credentials');
  });

  it('more of them at once than can wait are answered unavailable, and nothing is lost by it', async () => {
    const slow = await startApp({ bcryptCost: 11, mongodbUri: app.mongodbUri });
    const ann = await buildUser(app.url);
    const tryAs = (email: string) =>
      rest(slow.url, { method: 'POST', path: '/api/auth/login', body: { email, password: ann.password } });
    const answers = await Promise.all(Array.from({ length: 60 }, () => tryAs(uniqueEmail())));
    const codes = new Set(answers.map(({ body }) => body.code));
    expect(codes).to.deep.equal(new Set(['invalid_credentials', 'unavailable']));
    expect((await tryAs(ann.email)).status).to.equal(200);
    await slow.close();
  });
});

describe('auth: failed log-ins', () => {
  before(open);
  after(close);

  const fail = async (email: string, times: number) => {
    const tries = Array.from({ length: times }, () => logIn(email, 'wrong password'));
    return Promise.all(tries);
  };

  it('ten in 15 minutes close the account’s door for passwords, however many at once', async () => {
    const ann = await buildUser(app.url);
    const answers = await fail(ann.email, 25);
    expect(answers.filter(({ status }) => status === 401)).to.have.length(10);
    expect(answers.filter(({ status }) => status === 429)).to.have.length(15);
    const right = await logIn(ann.email, ann.password);
    expect(right.body).to.include({ code: 'rate_limited', status: 429 });
    expect(Number(right.headers.get('retry-after'))).to.be.within(1, 900);
  });

  it('are counted alike for a name that nobody has', async () => {
    const [known, unknown] = [(await buildUser(app.url)).email, uniqueEmail()];
    for (const email of [known, unknown]) await fail(email, 10);
    const [one, other] = [await logIn(known, 'x'), await logIn(unknown, 'x')];
    expect(one.status).to.equal(429);
    const { retryAfterMs: _, ...rest } = alike(one).rest;
    const { retryAfterMs: __, ...otherRest } = alike(other).rest;
    expect(otherRest).to.deep.equal(rest);
  });

  it('do not lock out an owner who is logged in, nor one who comes by a code', async () => {
    const ann = await buildUser(app.url);
    await fail(ann.email, 12);
    expect((await ann.rest('GET', '/api/users/me')).status).to.equal(200);
    const refreshed = await post('refresh-token', { refreshToken: ann.refreshToken });
    expect(refreshed.status).to.equal(200);
    await post('send-verification-code', { email: ann.email });
    const byCode = await post('verify-code', { email: ann.email, code: await outbox.code(ann.email) });
    expect(byCode.status).to.equal(200);
  });

  it('are forgiven by those that succeed: only failures count', async () => {
    const ann = await buildUser(app.url);
    for (let time = 0; time < 15; time++) await logInAgain(app.url, ann);
    await fail(ann.email, 9);
    expect((await logIn(ann.email, ann.password)).status).to.equal(200);
  });
});

describe('auth: forgot-password and reset-password', () => {
  before(open);
  after(close);

  const forgot = (target: object) => post('forgot-password', target);

  it('set a new password, end all sessions and count as proof of the address', async () => {
    const ann = await buildUser(app.url);
    const socket = await ann.connect();
    expect((await forgot({ email: ann.email })).status).to.equal(202);
    const code = await outbox.code(ann.email);
    const { status } = await post('reset-password', { email: ann.email, code, password: 'entirely new' });
    expect(status).to.equal(204);
    expect((await socket.next('session_revoked')).reason).to.equal('password_reset');
    await socket.closed();
    expect((await ann.rest('GET', '/api/users/me')).status).to.equal(401);
    expect((await logIn(ann.email, ann.password)).body.code).to.equal('invalid_credentials');
    const { body } = await logIn(ann.email, 'entirely new');
    expect(body.user).to.include({ emailVerified: true });
  });

  it('work by phone, and give a password to who had none', async () => {
    const phone = uniquePhone();
    await post('send-verification-code', { phone });
    await post('verify-code', { phone, code: await outbox.code(phone) });
    await database.collection('limits').deleteMany({});
    await post('send-verification-code', { phone, purpose: 'reset_password' });
    const code = await outbox.code(phone);
    await post('reset-password', { phone, code, password: 'my first one' });
    expect((await post('login', { phone, password: 'my first one' })).status).to.equal(200);
  });

  it('answer alike for who is unknown, and send nothing there', async () => {
    const ann = await buildUser(app.url);
    const nobody = uniqueEmail();
    expect(alike(await forgot({ email: nobody }))).to.deep.equal(alike(await forgot({ email: ann.email })));
    await outbox.code(ann.email);
    expect(outbox.sent.filter(({ to }) => to === nobody)).to.deep.equal([]);
    const purpose = 'reset_password';
    const [known, unknown] = [await buildUser(app.url), uniqueEmail()];
    const answers = [
      await post('send-verification-code', { email: known.email, purpose }),
      await post('send-verification-code', { email: unknown, purpose }),
    ] as const;
    expect(alike(answers[1])).to.deep.equal(alike(answers[0]));
    const resets = [known.email, unknown].map((email) =>
      post('reset-password', { email, code: '000000', password: 'entirely new' }),
    );
    const [one, other] = (await Promise.all(resets)).map(alike);
    expect(other).to.deep.equal(one);
  });

  it('forgot-password is 202 whatever happens: asked twice, or with nobody to carry it', async () => {
    const ann = await buildUser(app.url);
    outbox.fail();
    for (let time = 0; time < 3; time++) expect((await forgot({ email: ann.email })).status).to.equal(202);
    outbox.mend();
  });

  it('a reset that is refused uses no code up', async () => {
    const ann = await buildUser(app.url);
    await forgot({ email: ann.email });
    const code = await outbox.code(ann.email);
    const reset = (password: string) => post('reset-password', { email: ann.email, code, password });
    for (const password of ['short', 'password', '一'.repeat(25)])
      expect((await reset(password)).body.code).to.equal('validation_failed');
    expect((await reset('good enough now')).status).to.equal(204);
  });
});
