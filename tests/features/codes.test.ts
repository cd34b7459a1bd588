import { expect } from 'chai';
import mongoose, { type Connection } from 'mongoose';
import { buildUser, type TestUser, uniqueEmail, uniquePhone } from '../support/builders.ts';
import { rest } from '../support/clients.ts';
import { type Outbox, openOutbox } from '../support/outbox.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

let outbox: Outbox;
let app: TestApp;
let database: Connection;

async function open(overrides: Parameters<typeof startApp>[0] = {}): Promise<void> {
  outbox = await openOutbox();
  app = await startApp({ ...outbox.settings, ...overrides });
  database = await mongoose.createConnection(app.mongodbUri).asPromise();
}

async function close(): Promise<void> {
  await database.close();
  await app.close();
  await outbox.close();
}

type Target = { email?: string; phone?: string };

const post = (path: string, body: object, token?: string) =>
  rest(app.url, { method: 'POST', path: `/api/auth/${path}`, body, token });
const sendCode = (target: Target, purpose?: string, token?: string) =>
  post('send-verification-code', { ...target, ...(purpose && { purpose }) }, token);
const verify = (target: Target, code: string, more = {}) => post('verify-code', { ...target, code, ...more });

/** Lets another code be sent at once. */
const forgetLimits = () => database.collection('limits').deleteMany({});

async function receiveCode(target: Target, purpose?: string, token?: string): Promise<string> {
  const { status, body } = await sendCode(target, purpose, token);
  expect(status, JSON.stringify(body)).to.equal(202);
  return outbox.code(target.email ?? target.phone ?? '');
}

/** Another code of six digits than this one. */
const wrong = (code: string, by = 1) => String((Number(code) + by) % 1_000_000).padStart(6, '0');

describe('auth: codes', () => {
  before(() => open());
  after(close);

  for (const [kind, fresh] of [
    ['phone', () => ({ phone: uniquePhone() })],
    ['e-mail', () => ({ email: uniqueEmail() })],
  ] as const) {
    it(`by ${kind}: registers on first use and logs in afterwards`, async () => {
      const target: Target = fresh();
      const sent = await sendCode(target);
      expect(sent.body).to.deep.equal({ expiresIn: 300, resendIn: 60 });
      const code = await outbox.code(target.email ?? target.phone ?? '');
      const first = await verify(target, code);
      expect([first.status, first.body.created]).to.deep.equal([200, true]);
      expect(first.headers.get('cache-control')).to.equal('no-store');
      const user = first.body.user as { id: string; nickname: string; emailVerified: boolean };
      expect(user).to.include(target);
      expect(user.emailVerified).to.equal(kind === 'e-mail');
      expect(user.nickname).to.match(/^User\d{8}$/);

      await forgetLimits();
      const again = await verify(target, await receiveCode(target), { nickname: 'ignored' });
      expect(again.body.created).to.equal(false);
      expect(again.body.user).to.include({ id: user.id, nickname: user.nickname });
    });
  }

  it('takes a nickname and the name of the device for a new account', async () => {
    const target = { phone: uniquePhone() };
    const code = await receiveCode(target);
    const { body } = await verify(target, code, { nickname: '张伟', deviceName: '手机' });
    expect((body.user as { nickname: string }).nickname).to.equal('张伟');
    const token = String(body.token);
    const sessions = await rest(app.url, { method: 'GET', path: '/api/auth/sessions', token });
    expect((sessions.body.items as object[])[0]).to.include({ deviceName: '手机' });
  });

  it('knows a number however it is written, and by one account', async () => {
    const phone = uniquePhone();
    const code = await receiveCode({ phone });
    const local = phone.slice(3);
    const { body } = await verify(
      { phone: ` ${local.slice(0, 3)}-${local.slice(3, 7)} ${local.slice(7)}` },
      code,
    );
    expect(body.user).to.include({ phone });
  });

  it('says in the mail’s language what the code is for, and never answers it', async () => {
    const email = uniqueEmail();
    const { body } = await rest(app.url, {
      method: 'POST',
      path: '/api/auth/send-verification-code',
      body: { email },
      headers: { 'accept-language': 'zh-CN' },
    });
    const mail = await outbox.next(email);
    expect(mail.subject).to.match(/验证码/);
    expect(JSON.stringify(body)).to.not.contain(/\d{6}/.exec(mail.text)?.[0]);
    const phone = uniquePhone();
    await sendCode({ phone });
    expect(await outbox.next(phone)).to.include({ purpose: 'login', locale: 'en' });
  });

  it('a code that does not fit is code_invalid, alike for whatever reason', async () => {
    const target = { email: uniqueEmail() };
    const code = await receiveCode(target);
    const elsewhere = { email: uniqueEmail() };
    await receiveCode(elsewhere);
    const expired = { email: uniqueEmail() };
    const expiredCode = await receiveCode(expired);
    await database
      .collection('codes')
      .updateMany({ expiresAt: { $gt: new Date() } }, { $set: { expiresAt: new Date(Date.now() - 1) } });
    const answers = [
      await verify(expired, expiredCode),
      await verify(target, code),
      await verify(elsewhere, wrong(code)),
      await verify({ email: uniqueEmail() }, code),
    ];
    for (const { body } of answers) {
      const { requestId: _, ...rest } = body;
      const { requestId: __, ...first } = answers[0]?.body ?? {};
      expect(rest).to.deep.equal(first).and.include({ status: 400, code: 'code_invalid' });
    }
  });

  it('is bound to its target and its purpose', async () => {
    const user = await buildUser(app.url);
    const target = { email: user.email };
    const code = await receiveCode(target, 'verify_email', user.token);
    expect((await verify(target, code)).body.code).to.equal('code_invalid');
    expect((await post('reset-password', { ...target, code, password: 'another one' })).body.code).to.equal(
      'code_invalid',
    );
    const other = await buildUser(app.url);
    expect((await other.rest('POST', '/api/auth/verify-email', { code })).body.code).to.equal('code_invalid');
    expect((await user.rest('POST', '/api/auth/verify-email', { code })).body.emailVerified).to.equal(true);
  });

  it('a new one replaces the old', async () => {
    const target = { email: uniqueEmail() };
    const old = await receiveCode(target);
    await forgetLimits();
    const code = await receiveCode(target);
    if (old !== code) expect((await verify(target, old)).body.code).to.equal('code_invalid');
    expect((await verify(target, code)).status).to.equal(200);
  });

  it('five tries are weighed, of however many at once', async () => {
    const target = { email: uniqueEmail() };
    const code = await receiveCode(target);
    for (let attempt = 1; attempt <= 4; attempt++) await verify(target, wrong(code, attempt));
    expect((await verify(target, code)).status, 'the fifth try').to.equal(200);

    const guessed = { email: uniqueEmail() };
    const secret = await receiveCode(guessed);
    const guesses = Array.from({ length: 100 }, (_, by) => verify(guessed, wrong(secret, by + 1)));
    expect(new Set((await Promise.all(guesses)).map(({ body }) => body.code))).to.deep.equal(
      new Set(['code_invalid']),
    );
    expect((await verify(guessed, secret)).body.code, 'after the guesses').to.equal('code_invalid');
  });

  it('of twenty right answers at once one gets the session', async () => {
    const target = { phone: uniquePhone() };
    const code = await receiveCode(target);
    const answers = await Promise.all(Array.from({ length: 20 }, () => verify(target, code)));
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1);
    expect(answers.filter(({ body }) => body.code === 'code_invalid')).to.have.length(19);
  });

  it('keeps neither codes nor contacts in the database', async () => {
    const phone = uniquePhone();
    const code = await receiveCode({ phone });
    const kept = await Promise.all(
      ['codes', 'limits'].map((name) => database.collection(name).find().toArray()),
    );
    const text = JSON.stringify(kept);
    expect(kept.flat().length).to.be.greaterThan(3);
    expect(text).to.not.contain(phone.slice(1)).and.not.contain(`"${code}"`);
  });

  for (const [what, target] of [
    ['neither e-mail nor phone', {}],
    ['both', { email: 'a@example.com', phone: '13912345678' }],
    ['a number that cannot be', { phone: '12345' }],
    ['a number with an operator for it', { phone: { $ne: null } }],
    ['an extension', { phone: '+8613912345678 ext. 12' }],
  ] as const) {
    it(`refuses ${what}`, async () => {
      expect((await sendCode(target as Target)).body.code).to.equal('validation_failed');
    });
  }

  it('refuses a purpose that there is not', async () => {
    expect((await sendCode({ email: uniqueEmail() }, 'conquer')).body.code).to.equal('validation_failed');
  });
});

describe('auth: proving an address by a login code', () => {
  before(() => open());
  after(close);

  it('drops a password that somebody set before, and ends their sessions', async () => {
    const email = uniqueEmail();
    const stranger = await buildUser(app.url, { email });
    const socket = await stranger.connect();
    const owner = await verify({ email }, await receiveCode({ email }));
    expect(owner.body.user).to.include({ id: stranger.id, emailVerified: true });
    expect((await socket.next('session_revoked')).reason).to.equal('address_proved');
    await socket.closed();
    expect((await post('login', { email, password: stranger.password })).body.code).to.equal(
      'invalid_credentials',
    );
    expect((await stranger.rest('GET', '/api/users/me')).status).to.equal(401);
  });

  it('drops nothing once the address was proved', async () => {
    const email = uniqueEmail();
    const user = await buildUser(app.url, { email });
    const code = await receiveCode({ email }, 'verify_email', user.token);
    await user.rest('POST', '/api/auth/verify-email', { code });
    await forgetLimits();
    await verify({ email }, await receiveCode({ email }));
    expect((await post('login', { email, password: user.password })).status).to.equal(200);
    expect((await user.rest('GET', '/api/users/me')).status).to.equal(200);
  });
});

describe('auth: limits of codes', () => {
  const limited = {
    ttlSeconds: 300,
    resendSeconds: 60,
    dailyPerTarget: 2,
    dailyPerAddress: 4,
    dailyTotal: 7,
  };
  const jwtSecret = 'the secret that a restart keeps';
  before(() => open({ codes: limited, jwtSecret }));
  afterEach(async () => {
    outbox.mend();
    await forgetLimits();
  });
  after(close);

  /** Ends the window in which no other code is sent, and nothing else. */
  const resendOver = async () => {
    const found = await database.collection('limits').find().toArray();
    const keys = found.map(({ key }) => String(key)).filter((key) => key.startsWith('code_resend'));
    await database.collection('limits').deleteMany({ key: { $in: keys } });
  };

  it('one per target in 60 s, whatever its purpose, and however many are asked for at once', async () => {
    const user = await buildUser(app.url);
    const target = { email: user.email };
    const answers = await Promise.all(Array.from({ length: 6 }, () => sendCode(target)));
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([202, 429, 429, 429, 429, 429]);
    const { body, headers } = await sendCode(target, 'verify_email', user.token);
    expect(body).to.include({ code: 'rate_limited' });
    expect(body.retryAfterMs).to.be.within(50_000, 60_000);
    expect(Number(headers.get('retry-after'))).to.be.within(50, 60);
  });

  it('a number of them per target and day', async () => {
    const target = { email: uniqueEmail() };
    for (const status of [202, 202, 429]) {
      const answer = await sendCode(target);
      expect(answer.status).to.equal(status);
      await resendOver();
    }
    expect((await sendCode({ email: uniqueEmail() })).status).to.equal(202);
  });

  it('a budget for all, above which nobody is sent one', async () => {
    const statuses: number[] = [];
    for (let sent = 0; sent < 9; sent++) statuses.push((await sendCode({ email: uniqueEmail() })).status);
    expect(statuses).to.deep.equal([202, 202, 202, 202, 202, 202, 202, 503, 503]);
    expect((await sendCode({ phone: uniquePhone() })).body).to.include({ code: 'delivery_unavailable' });
    const forgot = await post('forgot-password', { email: uniqueEmail() });
    expect(forgot.status).to.equal(202);
  });

  it('a delivery that failed counts for nothing, and leaves the code before it good', async () => {
    const target = { phone: uniquePhone() };
    const code = await receiveCode(target);
    await resendOver();
    outbox.fail();
    for (let attempt = 0; attempt < 5; attempt++) {
      const { status, body } = await sendCode(target);
      expect([status, body.code]).to.deep.equal([503, 'delivery_unavailable']);
    }
    outbox.mend();
    expect((await verify(target, code)).status).to.equal(200);
    expect((await sendCode(target)).status).to.equal(202);
  });

  it('hold across a restart', async () => {
    const target = { email: uniqueEmail() };
    await sendCode(target);
    const { mongodbUri } = app;
    const restarted = await startApp({ ...outbox.settings, mongodbUri, codes: limited, jwtSecret });
    const call = { method: 'POST', path: '/api/auth/send-verification-code', body: target };
    expect((await rest(restarted.url, call)).status).to.equal(429);
    await restarted.close();
  });
});

describe('auth: limits of codes by address', () => {
  before(() => open({ hasRateLimits: true }));
  after(close);

  it('30 a day from one network', async () => {
    const statuses: number[] = [];
    for (let sent = 0; sent < 31; sent++) statuses.push((await sendCode({ email: uniqueEmail() })).status);
    expect(statuses.slice(0, 30)).to.deep.equal(Array(30).fill(202));
    expect(statuses[30]).to.equal(429);
  });
});

describe('auth: no way to send codes', () => {
  before(() => open({ sms: null, mail: null, phones: { defaultCountry: 'CN', countries: ['CN'] } }));
  after(close);

  it('is delivery_unavailable, and the server works otherwise', async () => {
    for (const target of [{ email: uniqueEmail() }, { phone: uniquePhone() }])
      expect((await sendCode(target)).body).to.include({ status: 503, code: 'delivery_unavailable' });
    const user: TestUser = await buildUser(app.url);
    expect((await user.rest('GET', '/api/users/me')).status).to.equal(200);
  });

  it('numbers of countries that are not served are refused before that', async () => {
    expect((await sendCode({ phone: '+14155552671' })).body.code).to.equal('validation_failed');
  });
});
