import { execFile } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { expect } from 'chai';
import PostalMime from 'postal-mime';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { createMailDriver } from '../../src/platform/mail/mail.ts';
import type { MailSettings } from '../../src/platform/mail/mail-settings.ts';
import { driverOf, from, mail, refusal, smtpDriver, to } from './mail-samples.ts';

async function startSmtp(options: SMTPServerOptions = {}) {
  const received: { raw: string; isSecure: boolean; from: string | false; to: string[]; session: string }[] =
    [];
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    disableReverseLookup: true,
    closeTimeout: 1,
    // Off on purpose: left out, it warns on standard error of its own certificate.
    logger: false,
    onAuth({ username, password }, _session, done) {
      const isRight = username === 'mailer' && password === 'right:pass';
      done(isRight ? null : new Error(`no such login ${password}`), { user: username });
    },
    onData(stream, { id, secure, envelope }, done) {
      textOf(stream).then((raw) => {
        const { mailFrom, rcptTo } = envelope;
        const sender = mailFrom === false ? false : mailFrom.address;
        const recipients = rcptTo.map(({ address }) => address);
        received.push({ raw, isSecure: secure, from: sender, to: recipients, session: id });
        done();
      }, done);
    },
    ...options,
  });
  // A client that hangs up over a certificate is an error of the server's too.
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  return {
    port,
    received,
    url: `smtp://mailer:right%3Apass@127.0.0.1:${port}`,
    close: () => new Promise<void>((resolve) => server.close(resolve)),
  };
}

/** Sends the mail from a process that does nothing else; fails when that does not end by itself. */
async function sendFromOtherProcess(url: string): Promise<void> {
  const module = new URL('../../src/platform/mail/mail.js', import.meta.url).href;
  const settings: MailSettings = { driver: 'smtp', from, server: { url } };
  const script = `import { createMailDriver } from '${module}';
    await createMailDriver(${JSON.stringify(settings)}, console).send(${JSON.stringify(mail)});`;
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { timeout: 8000 });
}

describe('mail by smtp', () => {
  let smtp: Awaited<ReturnType<typeof startSmtp>>;
  before(async () => {
    smtp = await startSmtp();
  });
  after(() => smtp.close());

  it('logs in and hands over subject, both bodies and addresses intact, whatever the language', async () => {
    await smtpDriver(smtp.url).send(mail);
    const [arrived] = smtp.received.splice(0);
    expect(arrived).to.include({ from: 'codes@parley.test' });
    expect(arrived?.to).to.deep.equal([to]);
    const parsed = await PostalMime.parse(arrived?.raw ?? '');
    expect(parsed.subject).to.equal(mail.subject);
    expect(parsed.from).to.include({ name: '聊天 Parley', address: 'codes@parley.test' });
    expect(parsed.to?.map(({ address }) => address)).to.deep.equal([to]);
    expect([parsed.text, parsed.html].map((body) => body?.trim())).to.deep.equal([
      mail.text.trim(),
      mail.html.trim(),
    ]);
  });

  it('sends one mail after the other over one connection', async () => {
    const driver = smtpDriver(smtp.url);
    for (const subject of ['first', 'second', 'third']) await driver.send({ ...mail, subject });
    const sessions = smtp.received.splice(0).map(({ session }) => session);
    expect(sessions).to.have.length(3);
    expect(new Set(sessions).size).to.equal(1);
  });

  it('refuses a recipient that is a list, a group or carries a line break', async () => {
    const driver = smtpDriver(smtp.url);
    const bad = [
      'a@x.test\r\nBcc: b@x.test',
      'a@x.test\nb',
      'a@x.test, b@x.test',
      'A <a@x.test>',
      'g: a@x.test;',
      '',
    ];
    for (const recipient of bad) {
      const message = await refusal(driver.send({ ...mail, to: recipient }), 'x.test');
      expect(message).to.equal('Mail refused: the recipient is not one plain address');
    }
    const subject = 'Hello\r\nBcc: b@x.test';
    expect(await refusal(driver.send({ ...mail, subject }), 'x.test')).to.include('subject');
    expect(smtp.received).to.deep.equal([]);
  });

  it('rejects when the password is wrong', async () => {
    const driver = smtpDriver(`smtp://mailer:wrong-pass@127.0.0.1:${smtp.port}`);
    expect(await refusal(driver.send(mail), 'wrong-pass')).to.equal('Mail by smtp failed: EAUTH 535');
    expect(smtp.received).to.deep.equal([]);
  });

  it('rejects when the recipient is refused, and goes on with the next', async () => {
    const choosy = await startSmtp({
      onRcptTo({ address }, _session, done) {
        done(address === to ? Object.assign(new Error(`no ${address} here`), { responseCode: 550 }) : null);
      },
    });
    const driver = smtpDriver(choosy.url);
    expect(await refusal(driver.send(mail))).to.equal('Mail by smtp failed: EENVELOPE 550');
    await driver.send({ ...mail, to: 'bob@example.test' });
    expect(choosy.received.map((arrived) => arrived.to)).to.deep.equal([['bob@example.test']]);
    await choosy.close();
  });

  it('rejects while the server is gone', async () => {
    const shortLived = await startSmtp();
    const driver = smtpDriver(shortLived.url);
    await driver.send(mail);
    await shortLived.close();
    expect(await refusal(driver.send(mail), 'right')).to.match(/^Mail by smtp failed: E[A-Z]+$/);
    const never = smtpDriver(shortLived.url);
    expect(await refusal(never.send(mail), 'right')).to.equal('Mail by smtp failed: ECONNREFUSED');
  });

  it('does not keep the process alive once the mail is through', async () => {
    await sendFromOtherProcess(smtp.url);
    expect(smtp.received.splice(0)).to.have.length(1);
  });

  it('refuses a service that nodemailer does not know', () => {
    const server = { service: 'NoSuchService', user: 'mailer', pass: 'right:pass' };
    expect(() => driverOf({ driver: 'smtp', from, server })).to.throw('no mail service named NoSuchService');
    expect(() => driverOf({ driver: 'smtp', from, server: { ...server, service: 'QQ' } })).not.to.throw();
  });
});

describe('mail by smtp over TLS', () => {
  it('upgrades with STARTTLS where it is offered, and does not trust just any certificate', async () => {
    const smtp = await startSmtp({ disabledCommands: [], allowInsecureAuth: false });
    expect(await refusal(smtpDriver(smtp.url).send(mail), 'right')).to.match(
      /^Mail by smtp failed: E[A-Z]+$/,
    );
    expect(smtp.received).to.deep.equal([]);
    await smtpDriver(`${smtp.url}?tls.rejectUnauthorized=false`).send(mail);
    expect(smtp.received.map(({ isSecure }) => isSecure)).to.deep.equal([true]);
    await smtp.close();
  });

  it('speaks TLS from the start to smtps://', async () => {
    const smtp = await startSmtp({ secure: true });
    const url = smtp.url.replace('smtp:', 'smtps:');
    expect(await refusal(smtpDriver(url).send(mail), 'right')).to.match(/^Mail by smtp failed: E[A-Z]+$/);
    await smtpDriver(`${url}?tls.rejectUnauthorized=false`).send(mail);
    expect(smtp.received.map(({ isSecure }) => isSecure)).to.deep.equal([true]);
    await smtp.close();
  });

  it('does not keep the process alive once the mail is through', async () => {
    const smtp = await startSmtp({ disabledCommands: [] });
    await sendFromOtherProcess(`${smtp.url}?tls.rejectUnauthorized=false`);
    expect(smtp.received.map(({ isSecure }) => isSecure)).to.deep.equal([true]);
    await smtp.close();
  });
});

describe('mail to the log', () => {
  it('is one line with recipient, subject and text', async () => {
    const lines: string[] = [];
    await createMailDriver({ driver: 'log' }, { info: (line) => lines.push(line) }).send(mail);
    expect(lines).to.deep.equal([
      `Mail to ${to}: ${mail.subject} | Use this code: 407193 验证码 10 分钟内有效。 . The end`,
    ]);
  });
});
