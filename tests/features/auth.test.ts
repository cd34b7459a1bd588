import { expect } from 'chai';
import { buildUser, uniqueEmail } from '../support/builders.ts';
import { rest } from '../support/clients.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const password = 'correct horse battery';

describe('auth: register', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  const register = (body: object) => rest(app.url, { method: 'POST', path: '/api/auth/register', body });
  const account = (overrides: object = {}) => ({
    email: uniqueEmail(),
    password,
    nickname: 'Ann',
    ...overrides,
  });

  it('answers 201 with tokens that are good and not to be cached', async () => {
    const given = account();
    const { status, headers, body } = await register(given);
    expect(status).to.equal(201);
    expect(headers.get('cache-control')).to.equal('no-store');
    expect(body.user).to.include({ email: given.email, nickname: 'Ann', emailVerified: false, phone: null });
    expect(body.expiresIn).to.equal(86_400);
    const token = String(body.token);
    const profile = await rest(app.url, { method: 'GET', path: '/api/users/me', token });
    expect(profile.body).to.deep.equal(body.user);
  });

  it('opens everything of a new account’s privacy', async () => {
    const { body } = await register(account());
    expect((body.user as { privacy: object }).privacy).to.deep.equal({
      findByEmail: true,
      findByPhone: true,
      friendRequests: 'everyone',
      groupInvites: 'friends',
      lastSeen: true,
      readReceipts: true,
    });
  });

  it('refuses an e-mail that is taken, whatever its case and surrounding blanks', async () => {
    const { email } = await buildUser(app.url);
    for (const taken of [email, email.toUpperCase(), ` ${email} `]) {
      const { status, body } = await register(account({ email: taken }));
      expect({ status, code: body.code }, taken).to.deep.equal({ status: 409, code: 'email_taken' });
    }
  });

  it('gives an e-mail to one of those who register it at the same time', async () => {
    const email = uniqueEmail();
    const answers = await Promise.all(Array.from({ length: 5 }, () => register(account({ email }))));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).to.deep.equal([201, 409, 409, 409, 409]);
  });

  it('ignores fields it does not know, and roles and ids that a client gives itself', async () => {
    const { status, body } = await register(
      account({ id: 'f'.repeat(24), emailVerified: true, role: 'admin' }),
    );
    expect(status).to.equal(201);
    expect(body.user).to.include({ emailVerified: false });
    expect((body.user as { id: string }).id).to.not.equal('f'.repeat(24));
  });

  for (const [what, good] of [
    ['8 letters', 'abcdefgh'],
    ['8 emoji', '🐢🐢🐢🐢🐢🐢🐢🐢'],
    ['72 bytes', 'a'.repeat(72)],
    ['72 bytes of Chinese', '密'.repeat(24)],
    ['blanks at its ends', '  abcdef  '],
  ] as const) {
    it(`takes a password of ${what}, and it logs in as it was`, async () => {
      const given = account({ password: good });
      expect((await register(given)).status).to.equal(201);
      const logIn = (tried: string) =>
        rest(app.url, { method: 'POST', path: '/api/auth/login', body: { ...given, password: tried } });
      expect((await logIn(good)).status).to.equal(200);
      expect((await logIn(`${good} `)).body.code).to.equal('invalid_credentials');
    });
  }

  for (const [what, overrides] of [
    ['no e-mail', { email: undefined }],
    ['an e-mail that is none', { email: 'ann' }],
    ['an e-mail of 255 characters', { email: `${'a'.repeat(243)}@example.com` }],
    ['an e-mail that is an operator', { email: { $ne: null } }],
    ['no password', { password: undefined }],
    ['a password of 7 characters', { password: 'abcdefg' }],
    ['a password of 7 emoji, which are 14 units', { password: '🐢🐢🐢🐢🐢🐢🐢' }],
    ['a password of 73 bytes', { password: 'a'.repeat(73) }],
    ['a password of 25 Chinese characters, which are 75 bytes', { password: '密'.repeat(25) }],
    ['a password with a NUL, at which bcrypt would stop', { password: 'abcd\0efgh' }],
    ['a password with a lone surrogate', { password: 'abcdefgh\ud800' }],
    ['a password that is a number', { password: 12345678 }],
    ['no nickname', { nickname: undefined }],
    ['a blank nickname', { nickname: '   ' }],
    ['a nickname of 33 characters', { nickname: 'a'.repeat(33) }],
    ['a nickname that turns the text around it', { nickname: 'a\u202eb' }],
    ['a deviceName of 65 characters', { deviceName: 'd'.repeat(65) }],
  ] as const) {
    it(`refuses ${what} and makes no account`, async () => {
      const given = account(overrides);
      const { status, body } = await register(given);
      expect({ status, code: body.code }).to.deep.equal({ status: 400, code: 'validation_failed' });
      const { email } = given;
      if (typeof email !== 'string' || 'email' in overrides) return;
      expect((await register(account({ email }))).status).to.equal(201);
    });
  }

  it('names each field that is wrong', async () => {
    const { body } = await register({ email: 'x', password: 'short', nickname: '' });
    const paths = (body.errors as { path: string }[]).map(({ path }) => path);
    expect(paths).to.have.members(['email', 'password', 'nickname']);
  });
});

describe('auth: login', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  const logIn = (body: object) => rest(app.url, { method: 'POST', path: '/api/auth/login', body });

  it('answers tokens for the right password, whatever the case of the e-mail, not to be cached', async () => {
    const ann = await buildUser(app.url);
    const { status, headers, body } = await logIn({ email: ann.email.toUpperCase(), password: ann.password });
    expect(status).to.equal(200);
    expect(headers.get('cache-control')).to.equal('no-store');
    expect((body.user as { id: string }).id).to.equal(ann.id);
    expect(body.token).to.not.equal(ann.token);
  });

  it('answers alike for an unknown account and a wrong password', async () => {
    const { email } = await buildUser(app.url);
    const answers = await Promise.all([
      logIn({ email, password: 'wrong password' }),
      logIn({ email: uniqueEmail(), password: 'wrong password' }),
    ]);
    const [known, unknown] = answers.map(({ status, body: { requestId: _, ...body } }) => ({ status, body }));
    expect(known).to.deep.include({ status: 401 });
    expect(known?.body).to.include({ code: 'invalid_credentials' });
    expect(unknown).to.deep.equal(known);
  });

  it('keeps the name of the device', async () => {
    const { email, password } = await buildUser(app.url);
    const { body } = await logIn({ email, password, deviceName: ' Ann’s phone ' });
    const sessions = await rest(app.url, {
      method: 'GET',
      path: '/api/auth/sessions',
      token: String(body.token),
    });
    const [latest, first] = sessions.body.items as object[];
    expect(latest).to.include({ deviceName: 'Ann’s phone', current: true, address: '127.0.0.1' });
    expect(first).to.include({ deviceName: null, current: false });
  });

  it('refuses what is no e-mail or password before it looks for an account', async () => {
    for (const body of [{}, { email: 'x', password }, { email: uniqueEmail() }, { email: 1, password: 2 }])
      expect((await logIn(body)).body.code).to.equal('validation_failed');
  });

  it('answers invalid_credentials to a password too long for any account', async () => {
    const { email } = await buildUser(app.url);
    expect((await logIn({ email, password: 'x'.repeat(100) })).body.code).to.equal('invalid_credentials');
  });
});
