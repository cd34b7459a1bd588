import { expect } from 'chai';
import mongoose, { type Connection } from 'mongoose';
import {
  buildUser,
  logInAgain,
  type TestUser,
  toTestUser,
  uniqueEmail,
  uniquePhone,
} from '../support/builders.ts';
import { rest } from '../support/clients.ts';
import { type Outbox, openOutbox } from '../support/outbox.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

let outbox: Outbox;
let app: TestApp;
let database: Connection;

const forgetLimits = () => database.collection('limits').deleteMany({});

/** Has a code sent as this person and reads it. */
async function codeFor(user: TestUser, target: { email?: string; phone?: string }, purpose: string) {
  await forgetLimits();
  const body = { ...target, purpose };
  const sent = await user.rest('POST', '/api/auth/send-verification-code', body);
  expect(sent.status, JSON.stringify(sent.body)).to.equal(202);
  return outbox.code(target.email ?? target.phone ?? '');
}

const proofOf = (user: TestUser) => ({ currentPassword: user.password });

describe('account: my contacts and password', () => {
  before(async () => {
    outbox = await openOutbox();
    app = await startApp(outbox.settings);
    database = await mongoose.createConnection(app.mongodbUri).asPromise();
  });
  after(async () => {
    await database.close();
    await app.close();
    await outbox.close();
  });

  describe('email_verify', () => {
    it('proves the e-mail by its code, once, and tells my other devices', async () => {
      const ann = await buildUser(app.url);
      const [acting, other] = await Promise.all([ann.connect(), ann.connect()]);
      const code = await codeFor(ann, { email: ann.email }, 'verify_email');
      expect(await acting.call('email_verify', { code })).to.include({ emailVerified: true });
      expect(await other.next('profile_updated')).to.include({ emailVerified: true });
      await acting.refused('email_verify', { code }, 'code_invalid');
      expect(acting.untaken('profile_updated')).to.deep.equal([]);
      for (const socket of [acting, other]) socket.close();
    });

    it('is code_invalid for who has no e-mail', async () => {
      const phone = uniquePhone();
      await rest(app.url, { method: 'POST', path: '/api/auth/send-verification-code', body: { phone } });
      const code = await outbox.code(phone);
      const call = { method: 'POST', path: '/api/auth/verify-code', body: { phone, code } };
      const { body: result } = await rest(app.url, call);
      const token = String(result.token);
      const verify = { method: 'POST', path: '/api/auth/verify-email', body: { code: '123456' }, token };
      expect((await rest(app.url, verify)).body.code).to.equal('code_invalid');
    });
  });

  describe('password_change', () => {
    for (const how of ['password', 'code'] as const) {
      it(`by ${how}: ends my other sessions, not this one, and tells my e-mail`, async () => {
        const ann = await buildUser(app.url);
        const elsewhere = await logInAgain(app.url, ann);
        const [here, there] = await Promise.all([ann.connect(), elsewhere.connect()]);
        const proof =
          how === 'password'
            ? proofOf(ann)
            : { currentCode: await codeFor(ann, { email: ann.email }, 'change_password') };
        await here.call('password_change', { newPassword: 'entirely new', proof });
        expect((await there.next('session_revoked')).reason).to.equal('password_changed');
        await there.closed();
        await here.call('profile_get', {});
        here.close();
        expect((await logInAgain(app.url, { ...ann, password: 'entirely new' })).id).to.equal(ann.id);
        expect((await outbox.next(ann.email)).subject).to.match(/password/);
      });
    }

    it('refuses a wrong proof, one for something else, and none', async () => {
      const ann = await buildUser(app.url);
      const other = await codeFor(ann, { email: ann.email }, 'change_email');
      const change = (proof: object) =>
        ann.rest('PUT', '/api/auth/password', { newPassword: 'brand new 1', proof });
      for (const proof of [{ currentPassword: 'wrong one' }, { currentCode: other }])
        expect((await change(proof)).body).to.include({ status: 403, code: 'proof_invalid' });
      for (const proof of [{}, { currentPassword: ann.password, currentCode: '123456' }, { $ne: 1 }])
        expect((await change(proof)).body.code).to.equal('validation_failed');
      expect((await logInAgain(app.url, ann)).id).to.equal(ann.id);
    });

    it('lets a proof be tried ten times in 15 minutes, however many at once', async () => {
      const ann = await buildUser(app.url);
      const tries = Array.from({ length: 20 }, (_, index) =>
        ann.rest('PUT', '/api/auth/password', {
          newPassword: 'brand new 1',
          proof: { currentPassword: `guess ${index}` },
        }),
      );
      const codes = (await Promise.all(tries)).map(({ body }) => body.code);
      expect(codes.filter((code) => code === 'proof_invalid')).to.have.length(10);
      expect(codes.filter((code) => code === 'rate_limited')).to.have.length(10);
      expect((await logInAgain(app.url, ann)).id, 'logging in is another matter').to.equal(ann.id);
    });
  });

  describe('email_change', () => {
    it('takes a code of the new address and a proof, and tells the old one', async () => {
      const ann = await buildUser(app.url);
      const other = await ann.connect();
      const email = uniqueEmail();
      const code = await codeFor(ann, { email }, 'change_email');
      const { status, body } = await ann.rest('PUT', '/api/auth/email', { email, code, proof: proofOf(ann) });
      expect(status).to.equal(200);
      expect(body).to.include({ email, emailVerified: true });
      expect(await other.next('profile_updated')).to.include({ email });
      other.close();
      expect((await outbox.next(ann.email)).subject).to.match(/e-mail/);
      expect((await logInAgain(app.url, { ...ann, email })).id).to.equal(ann.id);
      expect((await buildUser(app.url, { email: ann.email })).id, 'the old one is free').to.not.equal(ann.id);
    });

    it('a proof that fails uses no code up', async () => {
      const ann = await buildUser(app.url);
      const email = uniqueEmail();
      const code = await codeFor(ann, { email }, 'change_email');
      const change = (proof: object) => ann.rest('PUT', '/api/auth/email', { email, code, proof });
      expect((await change({ currentPassword: 'wrong one' })).body.code).to.equal('proof_invalid');
      expect((await change(proofOf(ann))).status).to.equal(200);
    });

    it('to an address of somebody else: is answered alike, sends nothing and ends in code_invalid', async () => {
      const [ann, bob] = await Promise.all([buildUser(app.url), buildUser(app.url)]);
      const ask = (email: string) =>
        ann.rest('POST', '/api/auth/send-verification-code', { email, purpose: 'change_email' });
      const free = uniqueEmail();
      const [one, other] = [await ask(free), await ask(bob.email)];
      expect([other.status, other.body]).to.deep.equal([one.status, one.body]);
      const code = await outbox.code(free);
      expect(outbox.sent.filter(({ to }) => to === bob.email)).to.deep.equal([]);
      const change = { email: bob.email, code, proof: proofOf(ann) };
      expect((await ann.rest('PUT', '/api/auth/email', change)).body.code).to.equal('code_invalid');
    });

    it('to an address that somebody else took meanwhile: email_taken', async () => {
      const ann = await buildUser(app.url);
      const email = uniqueEmail();
      const code = await codeFor(ann, { email }, 'change_email');
      await buildUser(app.url, { email });
      const change = { email, code, proof: proofOf(ann) };
      expect((await ann.rest('PUT', '/api/auth/email', change)).body).to.include({
        status: 409,
        code: 'email_taken',
      });
    });

    it('a code that another person asked for fits nobody else', async () => {
      const [ann, bob] = await Promise.all([buildUser(app.url), buildUser(app.url)]);
      const email = uniqueEmail();
      const code = await codeFor(ann, { email }, 'change_email');
      const change = { email, code, proof: proofOf(bob) };
      expect((await bob.rest('PUT', '/api/auth/email', change)).body.code).to.equal('code_invalid');
    });
  });

  describe('phone_change', () => {
    it('takes a code of the new number and a proof by a code to the e-mail', async () => {
      const ann = await buildUser(app.url);
      const phone = uniquePhone();
      const code = await codeFor(ann, { phone }, 'change_phone');
      const currentCode = await codeFor(ann, { email: ann.email }, 'change_phone');
      const change = { phone: phone.slice(3), code, proof: { currentCode } };
      const { status, body } = await ann.rest('PUT', '/api/auth/phone', change);
      expect([status, body.phone]).to.deep.equal([200, phone]);
      expect((await outbox.next(ann.email)).subject).to.match(/phone/);
      const [bob, theirs] = [await buildUser(app.url), uniquePhone()];
      await bob.rest('PUT', '/api/auth/phone', {
        phone: theirs,
        code: await codeFor(bob, { phone: theirs }, 'change_phone'),
        proof: proofOf(bob),
      });
      const mine = await rest(app.url, {
        method: 'POST',
        path: '/api/auth/login',
        body: { phone: theirs, password: bob.password },
      });
      expect(toTestUser(app.url, { ...bob, result: mine.body as never }).id).to.equal(bob.id);
    });
  });

  describe('codes for these', () => {
    it('need a token', async () => {
      for (const purpose of ['verify_email', 'change_email', 'change_password', 'delete_account']) {
        const call = { method: 'POST', path: '/api/auth/send-verification-code' };
        const body = { email: uniqueEmail(), purpose };
        for (const token of [undefined, 'no token'])
          expect((await rest(app.url, { ...call, body, token })).status, purpose).to.equal(401);
      }
    });

    it('go to my own contacts, or to the new one that is to be proved, and nowhere else', async () => {
      const ann = await buildUser(app.url);
      const send = (body: object) => ann.rest('POST', '/api/auth/send-verification-code', body);
      for (const purpose of ['verify_email', 'change_password', 'delete_account', 'change_phone'])
        expect((await send({ email: uniqueEmail(), purpose })).body.code, purpose).to.equal('not_allowed');
      expect((await send({ phone: uniquePhone(), purpose: 'change_email' })).body.code).to.equal(
        'not_allowed',
      );
    });

    it('a token that has run out does no harm where none is needed', async () => {
      const ann = await buildUser(app.url);
      await ann.rest('POST', '/api/auth/logout');
      const { status } = await ann.rest('POST', '/api/auth/send-verification-code', { email: uniqueEmail() });
      expect(status).to.equal(202);
    });
  });
});
