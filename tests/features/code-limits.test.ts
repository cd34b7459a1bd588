import { expect } from 'chai';
import { buildUser, uniqueEmail, uniquePhone } from '../support/builders.ts';
import { rest } from '../support/clients.ts';
import { CodeApp } from '../support/code-app.ts';
import { startApp } from '../support/start-app.ts';

let codes: CodeApp;
const open = async (overrides: Parameters<typeof CodeApp.open>[0] = {}) => {
  codes = await CodeApp.open(overrides);
};
const close = () => codes.close();

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
    codes.outbox.mend();
    await codes.forgetLimits();
  });
  after(close);

  /** Ends the window in which no other code is sent, and nothing else. */
  const resendOver = async () => {
    const found = await codes.database.collection('limits').find().toArray();
    const keys = found.map(({ key }) => String(key)).filter((key) => key.startsWith('code_resend'));
    await codes.database.collection('limits').deleteMany({ key: { $in: keys } });
  };

  it('one per target in 60 s, whatever its purpose, and however many are asked for at once', async () => {
    const user = await buildUser(codes.app.url);
    const target = { email: user.email };
    const answers = await Promise.all(Array.from({ length: 6 }, () => codes.sendCode(target)));
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([202, 429, 429, 429, 429, 429]);
    const { body, headers } = await codes.sendCode(target, 'verify_email', user.token);
    expect(body).to.include({ code: 'rate_limited' });
    expect(body.retryAfterMs).to.be.within(50_000, 60_000);
    expect(Number(headers.get('retry-after'))).to.be.within(50, 60);
  });

  it('a number of them per target and day', async () => {
    const target = { email: uniqueEmail() };
    for (const status of [202, 202, 429]) {
      const answer = await codes.sendCode(target);
      expect(answer.status).to.equal(status);
      await resendOver();
    }
    expect((await codes.sendCode({ email: uniqueEmail() })).status).to.equal(202);
  });

  it('a budget for all, above which nobody is sent one', async () => {
    const statuses: number[] = [];
    for (let sent = 0; sent < 9; sent++)
      statuses.push((await codes.sendCode({ email: uniqueEmail() })).status);
    expect(statuses).to.deep.equal([202, 202, 202, 202, 202, 202, 202, 503, 503]);
    expect((await codes.sendCode({ phone: uniquePhone() })).body).to.include({
      code: 'delivery_unavailable',
    });
    const forgot = await codes.post('forgot-password', { email: uniqueEmail() });
    expect(forgot.status).to.equal(202);
  });

  it('a delivery that failed counts for nothing, and leaves the code before it good', async () => {
    const target = { phone: uniquePhone() };
    const code = await codes.receiveCode(target);
    await resendOver();
    codes.outbox.fail();
    for (let attempt = 0; attempt < 5; attempt++) {
      const { status, body } = await codes.sendCode(target);
      expect([status, body.code]).to.deep.equal([503, 'delivery_unavailable']);
    }
    codes.outbox.mend();
    expect((await codes.verify(target, code)).status).to.equal(200);
    expect((await codes.sendCode(target)).status).to.equal(202);
  });

  it('tell nobody who is registered, while deliveries fail neither', async () => {
    const [known, unknown] = [(await buildUser(codes.app.url)).email, uniqueEmail()];
    codes.outbox.fail();
    const answersFor = async (email: string) => {
      const first = await codes.post('forgot-password', { email });
      const again = await codes.sendCode({ email }, 'reset_password');
      return [first.status, again.status];
    };
    expect(await answersFor(known)).to.deep.equal([202, 429]);
    expect(await answersFor(unknown)).to.deep.equal([202, 429]);
    const records = await codes.database.collection('codes').countDocuments({ userId: null });
    expect(records, 'a secret for each').to.be.at.least(2);
  });

  it('a code to a new contact is answered at once, whoever has it and whatever becomes of it', async () => {
    const [ann, bob] = await Promise.all([buildUser(codes.app.url), buildUser(codes.app.url)]);
    codes.outbox.fail();
    for (const email of [bob.email, uniqueEmail()])
      expect((await codes.sendCode({ email }, 'change_email', ann.token)).status).to.equal(202);
  });

  it('hold across a restart', async () => {
    const target = { email: uniqueEmail() };
    await codes.sendCode(target);
    const { mongodbUri } = codes.app;
    const restarted = await startApp({ ...codes.outbox.settings, mongodbUri, codes: limited, jwtSecret });
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
    for (let sent = 0; sent < 31; sent++)
      statuses.push((await codes.sendCode({ email: uniqueEmail() })).status);
    expect(statuses.slice(0, 30)).to.deep.equal(Array(30).fill(202));
    expect(statuses[30]).to.equal(429);
  });
});

describe('auth: no way to send codes', () => {
  before(() => open({ sms: null, mail: null, phones: { defaultCountry: 'CN', countries: ['CN'] } }));
  after(close);

  it('is delivery_unavailable, and the server works otherwise', async () => {
    for (const target of [{ email: uniqueEmail() }, { phone: uniquePhone() }])
      expect((await codes.sendCode(target)).body).to.include({ status: 503, code: 'delivery_unavailable' });
    const user = await buildUser(codes.app.url);
    expect((await user.rest('GET', '/api/users/me')).status).to.equal(200);
  });

  it('numbers of countries that are not served are refused before that', async () => {
    expect((await codes.sendCode({ phone: '+14155552671' })).body.code).to.equal('validation_failed');
  });
});
