import { expect } from 'chai';
import { buildUser, uniqueEmail, uniquePhone } from '../support/builders.ts';
import { rest } from '../support/clients.ts';
import { CodeApp, type CodeTarget } from '../support/code-app.ts';

let codes: CodeApp;
const open = async (overrides: Parameters<typeof CodeApp.open>[0] = {}) => {
  codes = await CodeApp.open(overrides);
};
const close = () => codes.close();

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
      const target: CodeTarget = fresh();
      const sent = await codes.sendCode(target);
      expect(sent.body).to.deep.equal({ expiresIn: 300, resendIn: 60 });
      const code = await codes.outbox.code(target.email ?? target.phone ?? '');
      const first = await codes.verify(target, code);
      expect([first.status, first.body.created]).to.deep.equal([200, true]);
      expect(first.headers.get('cache-control')).to.equal('no-store');
      const user = first.body.user as { id: string; nickname: string; emailVerified: boolean };
      expect(user).to.include(target);
      expect(user.emailVerified).to.equal(kind === 'e-mail');
      expect(user.nickname).to.match(/^User\d{8}$/);

      await codes.forgetLimits();
      const again = await codes.verify(target, await codes.receiveCode(target), { nickname: 'ignored' });
      expect(again.body.created).to.equal(false);
      expect(again.body.user).to.include({ id: user.id, nickname: user.nickname });
    });
  }

  it('takes a nickname and the name of the device for a new account', async () => {
    const target = { phone: uniquePhone() };
    const code = await codes.receiveCode(target);
    const { body } = await codes.verify(target, code, { nickname: '张伟', deviceName: '手机' });
    expect((body.user as { nickname: string }).nickname).to.equal('张伟');
    const token = String(body.token);
    const sessions = await rest(codes.app.url, { method: 'GET', path: '/api/auth/sessions', token });
    expect((sessions.body.items as object[])[0]).to.include({ deviceName: '手机' });
  });

  it('knows a number however it is written, and by one account', async () => {
    const phone = uniquePhone();
    const code = await codes.receiveCode({ phone });
    const local = phone.slice(3);
    const { body } = await codes.verify(
      { phone: ` ${local.slice(0, 3)}-${local.slice(3, 7)} ${local.slice(7)}` },
      code,
    );
    expect(body.user).to.include({ phone });
  });

  it('says in the mail’s language what the code is for, and never answers it', async () => {
    const email = uniqueEmail();
    const { body } = await rest(codes.app.url, {
      method: 'POST',
      path: '/api/auth/send-verification-code',
      body: { email },
      headers: { 'accept-language': 'zh-CN' },
    });
    const mail = await codes.outbox.next(email);
    expect(mail.subject).to.match(/验证码/);
    expect(JSON.stringify(body)).to.not.contain(/\d{6}/.exec(mail.text)?.[0]);
    const phone = uniquePhone();
    await codes.sendCode({ phone });
    expect(await codes.outbox.next(phone)).to.include({ purpose: 'login', locale: 'en' });
  });

  it('a code that does not fit is code_invalid, alike for whatever reason', async () => {
    const target = { email: uniqueEmail() };
    const code = await codes.receiveCode(target);
    const elsewhere = { email: uniqueEmail() };
    await codes.receiveCode(elsewhere);
    const expired = { email: uniqueEmail() };
    const expiredCode = await codes.receiveCode(expired);
    await codes.database
      .collection('codes')
      .updateMany({ expiresAt: { $gt: new Date() } }, { $set: { expiresAt: new Date(Date.now() - 1) } });
    const answers = [
      await codes.verify(expired, expiredCode),
      await codes.verify(target, code),
      await codes.verify(elsewhere, wrong(code)),
      await codes.verify({ email: uniqueEmail() }, code),
    ];
    for (const { body } of answers) {
      const { requestId: _, ...rest } = body;
      const { requestId: __, ...first } = answers[0]?.body ?? {};
      expect(rest).to.deep.equal(first).and.include({ status: 400, code: 'code_invalid' });
    }
  });

  it('is bound to its target and its purpose', async () => {
    const user = await buildUser(codes.app.url);
    const target = { email: user.email };
    const code = await codes.receiveCode(target, 'verify_email', user.token);
    expect((await codes.verify(target, code)).body.code).to.equal('code_invalid');
    expect(
      (await codes.post('reset-password', { ...target, code, password: 'another one' })).body.code,
    ).to.equal('code_invalid');
    const other = await buildUser(codes.app.url);
    expect((await other.rest('POST', '/api/auth/verify-email', { code })).body.code).to.equal('code_invalid');
    expect((await user.rest('POST', '/api/auth/verify-email', { code })).body.emailVerified).to.equal(true);
  });

  it('a new one replaces the old', async () => {
    const target = { email: uniqueEmail() };
    const old = await codes.receiveCode(target);
    await codes.forgetLimits();
    const code = await codes.receiveCode(target);
    if (old !== code) expect((await codes.verify(target, old)).body.code).to.equal('code_invalid');
    expect((await codes.verify(target, code)).status).to.equal(200);
  });

  it('five tries are weighed, of however many at once', async () => {
    const target = { email: uniqueEmail() };
    const code = await codes.receiveCode(target);
    for (let attempt = 1; attempt <= 4; attempt++) await codes.verify(target, wrong(code, attempt));
    expect((await codes.verify(target, code)).status, 'the fifth try').to.equal(200);

    const guessed = { email: uniqueEmail() };
    const secret = await codes.receiveCode(guessed);
    const guesses = Array.from({ length: 100 }, (_, by) => codes.verify(guessed, wrong(secret, by + 1)));
    expect(new Set((await Promise.all(guesses)).map(({ body }) => body.code))).to.deep.equal(
      new Set(['code_invalid']),
    );
    expect((await codes.verify(guessed, secret)).body.code, 'after the guesses').to.equal('code_invalid');
  });

  it('of twenty right answers at once one gets the session', async () => {
    const target = { phone: uniquePhone() };
    const code = await codes.receiveCode(target);
    const answers = await Promise.all(Array.from({ length: 20 }, () => codes.verify(target, code)));
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1);
    expect(answers.filter(({ body }) => body.code === 'code_invalid')).to.have.length(19);
  });

  it('keeps neither codes nor contacts in the codes.database', async () => {
    const phone = uniquePhone();
    const code = await codes.receiveCode({ phone });
    const kept = await Promise.all(
      ['codes', 'limits'].map((name) => codes.database.collection(name).find().toArray()),
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
      expect((await codes.sendCode(target as CodeTarget)).body.code).to.equal('validation_failed');
    });
  }

  it('refuses a purpose that there is not', async () => {
    expect((await codes.sendCode({ email: uniqueEmail() }, 'conquer')).body.code).to.equal(
      'validation_failed',
    );
  });
});

describe('auth: proving an address by a login code', () => {
  before(() => open());
  after(close);

  it('drops a password that somebody set before, and ends their sessions', async () => {
    const email = uniqueEmail();
    const stranger = await buildUser(codes.app.url, { email });
    const socket = await stranger.connect();
    const owner = await codes.verify({ email }, await codes.receiveCode({ email }));
    expect(owner.body.user).to.include({ id: stranger.id, emailVerified: true });
    expect((await socket.next('session_revoked')).reason).to.equal('address_proved');
    await socket.closed();
    expect((await codes.post('login', { email, password: stranger.password })).body.code).to.equal(
      'invalid_credentials',
    );
    expect((await stranger.rest('GET', '/api/users/me')).status).to.equal(401);
  });

  it('drops a phone that somebody set before, by which they would come back', async () => {
    for (const how of ['login', 'reset'] as const) {
      const [email, phone] = [uniqueEmail(), uniquePhone()];
      const stranger = await buildUser(codes.app.url, { email });
      await stranger.rest('POST', '/api/auth/send-verification-code', { phone, purpose: 'change_phone' });
      const proof = { currentPassword: stranger.password };
      const change = { phone, code: await codes.outbox.code(phone), proof };
      expect((await stranger.rest('PUT', '/api/auth/phone', change)).status).to.equal(200);

      if (how === 'login') await codes.verify({ email }, await codes.receiveCode({ email }));
      else {
        const code = await codes.receiveCode({ email }, 'reset_password');
        await codes.post('reset-password', { email, code, password: 'the owner’s own' });
      }
      await codes.forgetLimits();
      const back = await codes.verify({ phone }, await codes.receiveCode({ phone }));
      expect(back.body.created, how).to.equal(true);
      expect((back.body.user as { id: string }).id).to.not.equal(stranger.id);
    }
  });

  it('leaves no session of who registered at the same moment', async () => {
    for (let round = 0; round < 12; round++) {
      const email = uniqueEmail();
      const code = await codes.receiveCode({ email });
      const register = { email, password: 'set by a stranger', nickname: 'Stranger' };
      const [owner, stranger] = await Promise.all([
        new Promise((resolve) => setTimeout(resolve, round / 2)).then(() => codes.verify({ email }, code)),
        codes.post('register', register),
      ]);
      expect(owner.status).to.equal(200);
      if (stranger.status !== 201) continue;
      const token = String(stranger.body.token);
      const me = await rest(codes.app.url, { method: 'GET', path: '/api/users/me', token });
      expect(me.status, `round ${round}`).to.equal(401);
    }
  });

  it('drops nothing once the address was proved', async () => {
    const email = uniqueEmail();
    const user = await buildUser(codes.app.url, { email });
    const code = await codes.receiveCode({ email }, 'verify_email', user.token);
    await user.rest('POST', '/api/auth/verify-email', { code });
    await codes.forgetLimits();
    await codes.verify({ email }, await codes.receiveCode({ email }));
    expect((await codes.post('login', { email, password: user.password })).status).to.equal(200);
    expect((await user.rest('GET', '/api/users/me')).status).to.equal(200);
  });
});
