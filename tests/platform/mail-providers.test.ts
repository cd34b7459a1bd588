import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { expect } from 'chai';
import { driverOf, from, mail, refusal, smtpDriver, to } from './mail-samples.ts';

interface Asked {
  method: string | undefined;
  path: string | undefined;
  headers: IncomingHttpHeaders;
  body: unknown;
}

/** A provider that keeps what it was asked and answers as it is told. */
async function startProvider() {
  const asked: Asked[] = [];
  const state = { answer: ((_request, response) => response.end('{}')) as RequestListener };
  const server: Server = createServer((request, response) => {
    textOf(request).then((body) => {
      asked.push({
        method: request.method,
        path: request.url,
        headers: request.headers,
        body: JSON.parse(body),
      });
      state.answer(request, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  const answerWith = (status: number, body: unknown) => {
    state.answer = (_request, response) =>
      response
        .writeHead(status, { 'content-type': 'application/json', location: '/elsewhere' })
        .end(JSON.stringify(body));
  };
  return { asked, baseUrl, answerWith, close };
}

const apiKey = 'key_secret_1234';
const providers = {
  resend: {
    path: '/emails',
    auth: { authorization: `Bearer ${apiKey}` },
    body: { from, to: [to], subject: mail.subject, text: mail.text, html: mail.html },
    accepted: { status: 200, body: { id: '49a3999c-0ce1-4ea6-ab68-afcd6dc2e794' } },
    fault: { statusCode: 422, name: 'validation_error', message: `Invalid to: ${to}, key ${apiKey}` },
    faultName: 'validation_error',
  },
  brevo: {
    path: '/v3/smtp/email',
    auth: { 'api-key': apiKey },
    body: {
      sender: { email: 'codes@parley.test', name: '聊天 Parley' },
      to: [{ email: to }],
      subject: mail.subject,
      textContent: mail.text,
      htmlContent: mail.html,
    },
    accepted: { status: 201, body: { messageId: '<201798300811.5787683@relay.test>' } },
    fault: { code: 'invalid_parameter', message: `${to} is not valid, key ${apiKey}` },
    faultName: 'invalid_parameter',
  },
} as const;

for (const name of ['resend', 'brevo'] as const) {
  describe(`mail by ${name}`, () => {
    const { path, auth, body, accepted, fault, faultName } = providers[name];
    let provider: Awaited<ReturnType<typeof startProvider>>;
    const driver = () => driverOf({ driver: name, apiKey, from, baseUrl: provider.baseUrl });
    before(async () => {
      provider = await startProvider();
    });
    beforeEach(() => {
      provider.asked.length = 0;
    });
    after(() => provider.close());

    it('posts the mail as the provider asks for it, once', async () => {
      provider.answerWith(accepted.status, accepted.body);
      await driver().send(mail);
      const slashed = driverOf({ driver: name, apiKey, from, baseUrl: `${provider.baseUrl}/` });
      await slashed.send(mail);
      expect(provider.asked).to.have.length(2);
      for (const asked of provider.asked) {
        expect(asked).to.deep.include({ method: 'POST', path, body });
        expect(asked.headers).to.include({ ...auth, 'content-type': 'application/json' });
      }
    });

    it('rejects with the status and the name of the error, and nothing else of the answer', async () => {
      provider.answerWith(422, fault);
      const told = await refusal(driver().send(mail), apiKey);
      expect(told).to.equal(`Mail by ${name} failed: HTTP 422 ${faultName}`);
      for (const odd of [
        '<p>oops</p>',
        null,
        [],
        { name: `for ${to}`, code: `for ${to}` },
        { name: 1, code: {} },
      ]) {
        provider.answerWith(503, odd);
        expect(await refusal(driver().send(mail), apiKey)).to.equal(`Mail by ${name} failed: HTTP 503`);
      }
    });

    it('follows no redirect: the key is for the provider alone', async () => {
      for (const status of [301, 302, 307, 308]) {
        provider.answerWith(status, {});
        await refusal(driver().send(mail), apiKey);
      }
      expect(provider.asked.map((asked) => asked.path)).to.deep.equal(Array(4).fill(path));
    });

    it('rejects when nobody answers at the address, or the key cannot be sent', async () => {
      const gone = await startProvider();
      await gone.close();
      const nowhere = driverOf({ driver: name, apiKey, from, baseUrl: gone.baseUrl });
      expect(await refusal(nowhere.send(mail), apiKey)).to.equal(`Mail by ${name} failed: ECONNREFUSED`);
      const broken = driverOf({ driver: name, apiKey: `${apiKey}\nx`, from, baseUrl: provider.baseUrl });
      await refusal(broken.send(mail), apiKey);
      expect(provider.asked).to.deep.equal([]);
    });

    it('refuses a recipient with a line break before anything is sent', async () => {
      await refusal(driver().send({ ...mail, to: `${to}\r\nBcc: b@x.test` }), apiKey);
      expect(provider.asked).to.deep.equal([]);
    });
  });
}

describe('mail by brevo: the sender', () => {
  it('may be a bare address, and has to hold one', async () => {
    const provider = await startProvider();
    const settings = { driver: 'brevo', apiKey, baseUrl: provider.baseUrl } as const;
    await driverOf({ ...settings, from: 'codes@parley.test' }).send(mail);
    await driverOf({ ...settings, from: '"Parley, Inc." <codes@parley.test>' }).send(mail);
    expect(provider.asked.map(({ body }) => Reflect.get(Object(body), 'sender'))).to.deep.equal([
      { email: 'codes@parley.test' },
      { email: 'codes@parley.test', name: 'Parley, Inc.' },
    ]);
    expect(() => driverOf({ ...settings, from: 'Parley' })).to.throw('holds no address');
    await provider.close();
  });
});

describe('mail to servers that take the connection and say nothing', () => {
  it('is given up after five seconds, by every provider', async function () {
    this.timeout(15_000);
    this.slow(12_000);
    const silent = createTcpServer((socket) => {
      socket.on('error', () => undefined).resume();
    });
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const baseUrl = `http://${address}`;
    const startedAt = Date.now();
    const told = await Promise.all([
      refusal(smtpDriver(`smtp://mailer:right%3Apass@${address}`).send(mail), 'right'),
      refusal(driverOf({ driver: 'resend', apiKey, from, baseUrl }).send(mail), apiKey),
      refusal(driverOf({ driver: 'brevo', apiKey, from, baseUrl }).send(mail), apiKey),
    ]);
    expect(Date.now() - startedAt).to.be.within(4500, 9000);
    expect(told).to.deep.equal([
      'Mail by smtp failed: ETIMEDOUT',
      'Mail by resend failed: no answer within 5000 ms',
      'Mail by brevo failed: no answer within 5000 ms',
    ]);
    silent.close();
  });
});
