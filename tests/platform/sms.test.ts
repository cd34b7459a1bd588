import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { expect } from 'chai';
import type { SmsCode } from '../../src/core/outbound.ts';
import { createSmsDriver } from '../../src/platform/sms/sms.ts';
import type { SmsSettings } from '../../src/platform/sms/sms-settings.ts';
import {
  aliyunDouble,
  keyBase64,
  type Provider,
  type Remote,
  secrets,
  settingsFor,
  startDouble,
  tencentDouble,
  twilioDouble,
  webhookReceiver,
} from './sms-doubles.ts';

const message: SmsCode = {
  phone: '+8613812345678',
  code: '482915',
  purpose: 'login',
  locale: 'en',
  ttlSeconds: 300,
};
const accepts: Record<Remote, Provider> = {
  webhook: webhookReceiver(keyBase64),
  twilio: twilioDouble('AC1', 'twilio-token'),
  aliyun: aliyunDouble('LTAI1', 'aliyun-secret'),
  tencent: tencentDouble('AKID1', 'tencent-key'),
};

const knowsAnotherSecret: Record<Remote, Provider> = {
  webhook: webhookReceiver('c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTAy'),
  twilio: twilioDouble('AC1', 'another-token'),
  aliyun: aliyunDouble('LTAI1', 'another-secret'),
  tencent: tencentDouble('AKID1', 'another-key'),
};

const remotes = Object.keys(settingsFor) as Remote[];
const silent = { info: () => undefined };

/** Sends one message to a double that answers so; gives what arrived, and the error if the driver rejected. */
async function send(
  settings: (baseUrl: string) => SmsSettings,
  provider: Provider,
  { sent = message, ...options }: { sent?: SmsCode; timeoutMs?: number } = {},
) {
  const double = await startDouble(provider);
  try {
    const driver = createSmsDriver(settings(double.url), silent, options);
    const error: unknown = await driver.send(sent).then(
      () => null,
      (reason: unknown) => reason,
    );
    return { error, request: double.received[0] };
  } finally {
    await double.close();
  }
}

/** The error's text, after making sure that nothing in the error gives anything away. */
function reasonIn(error: unknown): string {
  if (!(error instanceof Error)) throw new Error('the driver did not reject');
  const everything = inspect(error, { depth: 10, showHidden: true });
  for (const secret of [message.code, message.phone.slice(3), ...secrets])
    expect(everything).not.to.contain(secret);
  return error.message;
}

describe('sms: the log driver', () => {
  it('writes phone, code and purpose in one line', async () => {
    const lines: string[] = [];
    await createSmsDriver({ driver: 'log' }, { info: (line) => lines.push(line) }).send(message);
    expect(lines).to.have.length(1);
    expect(lines[0]).to.contain(message.phone).and.contain(message.code).and.contain('login');
    expect(lines[0]).not.to.contain('\n');
  });
});

describe('sms: the webhook driver', () => {
  it('posts the message, signed, to the very URL it was given', async () => {
    const { error, request } = await send(settingsFor.webhook, accepts.webhook);
    expect(error).to.equal(null);
    expect([request?.method, request?.path, request?.query]).to.deep.equal(['POST', '/codes', 'a=1']);
    expect(request?.headers['content-type']).to.equal('application/json');
    const { ttlSeconds, ...named } = message;
    expect(JSON.parse(request?.body ?? '')).to.deep.equal({ ...named, ttl: ttlSeconds });
  });

  it('gives each message an id of its own', async () => {
    const double = await startDouble(accepts.webhook);
    const driver = createSmsDriver(settingsFor.webhook(double.url), silent);
    await driver.send(message);
    await driver.send(message);
    await double.close();
    expect(new Set(double.received.map(({ headers }) => headers['webhook-id']))).to.have.length(2);
  });

  it('takes every 2xx for a success and nothing else', async () => {
    for (const status of [200, 202, 204])
      expect((await send(settingsFor.webhook, () => ({ status }))).error).to.equal(null);
    for (const status of [304, 400, 410, 500]) {
      const { error } = await send(settingsFor.webhook, () => ({ status }));
      expect(reasonIn(error)).to.equal(`webhook did not take the SMS: HTTP ${status}`);
    }
  });
});

describe('sms: the Twilio driver', () => {
  const form = (body = '') => Object.fromEntries(new URLSearchParams(body));

  it('sends a text that says the code and the minutes, in English or Chinese', async () => {
    const { error, request } = await send(settingsFor.twilio, accepts.twilio);
    expect(error).to.equal(null);
    expect(request?.headers['content-type']).to.match(/^application\/x-www-form-urlencoded/);
    const { Body, ...rest } = form(request?.body);
    expect(rest).to.deep.equal({ To: message.phone, From: '+15005550006' });
    expect(Body).to.contain('482915').and.contain('5 minutes');
    const zh = await send(settingsFor.twilio, accepts.twilio, {
      sent: { ...message, locale: 'zh', ttlSeconds: 90 },
    });
    expect(form(zh.request?.body).Body).to.contain('482915').and.contain('1 分钟');
  });

  it('names a messaging service by its id', async () => {
    const withService = (baseUrl: string) => ({ ...settingsFor.twilio(baseUrl), from: 'MG1' });
    const { request } = await send(withService, accepts.twilio);
    expect(form(request?.body)).to.include({ MessagingServiceSid: 'MG1' }).and.not.have.property('From');
  });

  it("tells Twilio's error number", async () => {
    const body = { code: 21211, message: `The number ${message.phone} is not valid.`, status: 400 };
    const { error } = await send(settingsFor.twilio, () => ({ status: 400, body }));
    expect(reasonIn(error)).to.equal('twilio did not take the SMS: HTTP 400, error 21211');
  });
});

describe('sms: the Alibaba Cloud driver', () => {
  it('calls SendSms with the template, and the bare number of a mainland phone', async () => {
    const { error, request } = await send(settingsFor.aliyun, accepts.aliyun);
    expect(error).to.equal(null);
    expect(request?.headers).to.include({ 'x-acs-action': 'SendSms', 'x-acs-version': '2017-05-25' });
    expect(Object.fromEntries(new URLSearchParams(request?.query))).to.deep.equal({
      PhoneNumbers: '13812345678',
      SignName: "帕雷 (聊天)*'",
      TemplateCode: 'SMS_1',
      TemplateParam: '{"code":"482915"}',
    });
  });

  it('writes other numbers with their country code and without a plus', async () => {
    for (const phone of ['+85251234567', '+886912345678', '+18613812345']) {
      const { request } = await send(settingsFor.aliyun, accepts.aliyun, { sent: { ...message, phone } });
      expect(new URLSearchParams(request?.query).get('PhoneNumbers')).to.equal(phone.slice(1));
    }
  });

  it('never repeats a nonce', async () => {
    const double = await startDouble(accepts.aliyun);
    const driver = createSmsDriver(settingsFor.aliyun(double.url), silent);
    await driver.send(message);
    await driver.send(message);
    await double.close();
  });

  it('is only content with HTTP 2xx and the code OK', async () => {
    const refused = { Code: 'isv.BUSINESS_LIMIT_CONTROL', Message: `too many for ${message.phone}` };
    const { error } = await send(settingsFor.aliyun, () => ({ status: 200, body: refused }));
    expect(reasonIn(error)).to.equal('aliyun did not take the SMS: HTTP 200, isv.BUSINESS_LIMIT_CONTROL');
    for (const answer of [
      { status: 500, body: { Code: 'OK' } },
      { status: 200, body: 'OK' },
      { status: 204 },
    ])
      expect(reasonIn((await send(settingsFor.aliyun, () => answer)).error)).to.match(/^aliyun /);
  });
});

describe('sms: the Tencent Cloud driver', () => {
  it('calls SendSms with code and minutes for the template', async () => {
    const { error, request } = await send(settingsFor.tencent, accepts.tencent);
    expect(error).to.equal(null);
    expect(request?.headers).to.include({
      'x-tc-action': 'SendSms',
      'x-tc-version': '2021-01-11',
      'x-tc-region': 'ap-guangzhou',
    });
    expect(JSON.parse(request?.body ?? '')).to.deep.equal({
      PhoneNumberSet: ['+8613812345678'],
      SmsSdkAppId: '1400006666',
      SignName: '帕雷',
      TemplateId: '1110',
      TemplateParamSet: ['482915', '5'],
    });
  });

  it('is only content with HTTP 2xx, no error and the status Ok', async () => {
    const Ok = { Code: 'Ok' };
    const status = { Code: 'LimitExceeded.PhoneNumberDailyLimit', Message: message.phone };
    const refused = { Response: { SendStatusSet: [status] } };
    const { error } = await send(settingsFor.tencent, () => ({ status: 200, body: refused }));
    expect(reasonIn(error)).to.equal(
      'tencent did not take the SMS: HTTP 200, LimitExceeded.PhoneNumberDailyLimit',
    );
    for (const answer of [
      { status: 200, body: { Response: { Error: { Code: 'InternalError' }, SendStatusSet: [Ok] } } },
      { status: 200, body: { Response: { Error: Ok } } },
      { status: 500, body: { Response: { SendStatusSet: [Ok] } } },
      { status: 200, body: { Response: { SendStatusSet: [] } } },
      { status: 200, body: 'Ok' },
    ])
      expect(reasonIn((await send(settingsFor.tencent, () => answer)).error)).to.match(/^tencent /);
  });
});

describe('sms: without a base URL', () => {
  const { fetch } = globalThis;
  afterEach(() => {
    globalThis.fetch = fetch;
  });

  for (const [driver, host] of [
    ['twilio', 'api.twilio.com'],
    ['aliyun', 'dysmsapi.aliyuncs.com'],
    ['tencent', 'sms.tencentcloudapi.com'],
  ] as const)
    it(`${driver} is asked at ${host} over TLS, with that host signed`, async () => {
      globalThis.fetch = async (input, init) => {
        const { method, url, headers, body } = new Request(input, init);
        const { origin, pathname: path, search } = new URL(url);
        expect(origin).to.equal(`https://${host}`);
        const request = {
          method,
          path,
          query: search.slice(1),
          headers: { ...Object.fromEntries(headers), host },
        };
        const answer = accepts[driver]({ ...request, body: body ? await text(body) : '' });
        return Response.json(answer?.body, { status: answer?.status ?? 500 });
      };
      await createSmsDriver(settingsFor[driver](null), silent).send(message);
    });
});

for (const driver of remotes)
  describe(`sms: whatever goes wrong with ${driver}`, () => {
    it('rejects when the secret is wrong', async () => {
      const { error } = await send(settingsFor[driver], knowsAnotherSecret[driver]);
      expect(reasonIn(error)).to.match(
        /HTTP 401$|HTTP 401, error 20003$|SignatureDoesNotMatch$|SignatureFailure$/,
      );
    });

    it('follows no redirect', async () => {
      const elsewhere = await startDouble(() => ({ status: 200, body: {} }));
      for (const status of [301, 303, 307]) {
        const { error } = await send(settingsFor[driver], () => ({ status, location: elsewhere.url }));
        expect(reasonIn(error)).to.equal(`${driver} did not take the SMS: redirects are not followed`);
      }
      await elsewhere.close();
      expect(elsewhere.received).to.deep.equal([]);
    });

    it('waits no longer than the timeout', async () => {
      const { error } = await send(settingsFor[driver], () => null, { timeoutMs: 100 });
      expect(reasonIn(error)).to.equal(`${driver} did not take the SMS: no answer within 100 ms`);
    });

    it('rejects when nobody is there', async () => {
      const double = await startDouble(() => null);
      await double.close();
      const { error } = await send(
        () => settingsFor[driver](double.url),
        () => null,
      );
      expect(reasonIn(error)).to.equal(`${driver} did not take the SMS: ECONNREFUSED`);
    });

    it('repeats nothing of an answer that echoes code, number and secrets', async () => {
      const echo = [message.phone, message.code, ...secrets].join(' ');
      for (const word of [echo, message.code, message.phone, message.phone.slice(1)]) {
        const wrong = { Code: word, Message: echo };
        const body = { ...wrong, code: Number(message.code), message: echo, Response: { Error: wrong } };
        reasonIn((await send(settingsFor[driver], () => ({ status: 400, body }))).error);
      }
    });
  });
