import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { SmsSettings } from '../../src/platform/sms/sms-settings.ts';

export const keyBase64 = 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTAx';
export const secrets = [keyBase64, 'twilio-token', 'aliyun-secret', 'tencent-key'];

export type Remote = Exclude<SmsSettings['driver'], 'log'>;

/** What each driver is told; with a base URL it asks that instead of the provider. */
export const settingsFor: {
  [Driver in Remote]: (baseUrl: string | null) => Extract<SmsSettings, { driver: Driver }>;
} = {
  webhook: (baseUrl) => ({
    driver: 'webhook',
    url: `${baseUrl ?? 'https://codes.example'}/codes?a=1`,
    secret: `whsec_${keyBase64}`,
  }),
  twilio: (baseUrl) => ({
    driver: 'twilio',
    accountSid: 'AC1',
    authToken: 'twilio-token',
    from: '+15005550006',
    baseUrl,
  }),
  aliyun: (baseUrl) => ({
    driver: 'aliyun',
    accessKeyId: 'LTAI1',
    accessKeySecret: 'aliyun-secret',
    signName: "帕雷 (聊天)*'",
    templateId: 'SMS_1',
    baseUrl,
  }),
  tencent: (baseUrl) => ({
    driver: 'tencent',
    secretId: 'AKID1',
    secretKey: 'tencent-key',
    appId: '1400006666',
    signName: '帕雷',
    templateId: '1110',
    baseUrl,
  }),
};

interface Received {
  method: string;
  path: string;
  query: string;
  headers: IncomingHttpHeaders;
  body: string;
}

interface Answer {
  status: number;
  body?: unknown;
  location?: string;
}

/** Answers a provider's request; `null` leaves it without an answer. */
export type Provider = (request: Received) => Answer | null;

/** A provider on this machine. */
export async function startDouble(provider: Provider) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const [path = '', query = ''] = (request.url ?? '').split('?');
    const { method = '', headers } = request;
    const seen = { method, path, query, headers, body: await text(request) };
    received.push(seen);
    const answer = provider(seen);
    if (!answer) return;
    const { status, body, location } = answer;
    response.writeHead(status, { 'content-type': 'application/json', ...(location && { location }) });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const hex = (data: string) => createHash('sha256').update(data, 'utf8').digest('hex');
const mac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data, 'utf8').digest();
const isNow = (milliseconds: number) => Math.abs(Date.now() - milliseconds) < 60_000;

/** `name:value` of every header that the request says it signs; what it does not send stands as `undefined`. */
const headerLines = (headers: IncomingHttpHeaders, names: string[]) =>
  names.map((name) => `${name}:${String(headers[name])}\n`);

/** A receiver as the Standard Webhooks specification describes it. */
export function webhookReceiver(keyBase64: string): Provider {
  return ({ headers, body }) => {
    const id = String(headers['webhook-id']);
    const timestamp = String(headers['webhook-timestamp']);
    const expected = mac(Buffer.from(keyBase64, 'base64'), [id, timestamp, body].join('.')).toString(
      'base64',
    );
    const isRight = headers['webhook-signature'] === `v1,${expected}` && isNow(Number(timestamp) * 1000);
    return { status: isRight ? 204 : 401 };
  };
}

/** Twilio's API: HTTP Basic, and errors as it words them. */
export function twilioDouble(sid: string, token: string): Provider {
  return ({ headers, path }) => {
    const given = Buffer.from(String(headers.authorization).replace(/^Basic /, ''), 'base64').toString();
    if (given !== `${sid}:${token}`) return { status: 401, body: { code: 20003, message: 'Authenticate' } };
    if (path !== `/2010-04-01/Accounts/${sid}/Messages.json`) return { status: 404, body: { code: 20404 } };
    return { status: 201, body: { sid: 'SM1', status: 'queued' } };
  };
}

const aliyunEncode = (value: string) =>
  [...Buffer.from(value, 'utf8')]
    .map((byte) => String.fromCharCode(byte))
    .map((byte) =>
      /[A-Za-z0-9_.~-]/.test(byte)
        ? byte
        : `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('');

/** Alibaba Cloud's gateway: recomputes ACS3-HMAC-SHA256 from what really arrived. */
export function aliyunDouble(keyId: string, secret: string): Provider {
  const nonces = new Set<string>();
  return ({ method, path, query, headers, body }) => {
    const refuse = (Code: string) => ({ status: 400, body: { Code, Message: 'refused', RequestId: 'r' } });
    const { id, names, signature } =
      /^ACS3-HMAC-SHA256 Credential=(?<id>.+),SignedHeaders=(?<names>.+),Signature=(?<signature>.+)$/.exec(
        String(headers.authorization),
      )?.groups ?? {};
    if (id !== keyId || !names) return refuse('InvalidAccessKeyId.NotFound');
    const mustBeSigned = Object.keys(headers).filter((name) => /^(host|content-type|x-acs-.+)$/.test(name));
    if (names !== mustBeSigned.sort().join(';')) return refuse('IncompleteSignature');
    const nonce = String(headers['x-acs-signature-nonce']);
    if (nonces.has(nonce)) return refuse('SignatureNonceUsed');
    nonces.add(nonce);
    const date = String(headers['x-acs-date']);
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(date) || !isNow(Date.parse(date)))
      return refuse('InvalidTimeStamp.Expired');
    if (headers['x-acs-content-sha256'] !== hex(body)) return refuse('SignatureDoesNotMatch');
    const parameters = [...new URLSearchParams(query)].sort(([a], [b]) =>
      Buffer.compare(Buffer.from(a), Buffer.from(b)),
    );
    const canonicalQuery = parameters.map((pair) => pair.map(aliyunEncode).join('=')).join('&');
    const lines = headerLines(headers, names.split(';')).join('');
    const canonical = `${method}\n${path}\n${canonicalQuery}\n${lines}\n${names}\n${hex(body)}`;
    const expected = mac(secret, `ACS3-HMAC-SHA256\n${hex(canonical)}`).toString('hex');
    if (signature !== expected) return refuse('SignatureDoesNotMatch');
    return { status: 200, body: { Code: 'OK', Message: 'OK', BizId: '1', RequestId: 'r' } };
  };
}

/** Tencent Cloud's gateway: recomputes TC3-HMAC-SHA256 from what really arrived. */
export function tencentDouble(secretId: string, secretKey: string): Provider {
  return ({ method, path, query, headers, body }) => {
    const refuse = (Code: string) => ({
      status: 200,
      body: { Response: { Error: { Code, Message: 'refused' }, RequestId: 'r' } },
    });
    const { id, date, service, names, signature } =
      /^TC3-HMAC-SHA256 Credential=(?<id>[^/]+)\/(?<date>[^/]+)\/(?<service>[^/]+)\/tc3_request, SignedHeaders=(?<names>[^,]+), Signature=(?<signature>\w+)$/.exec(
        String(headers.authorization),
      )?.groups ?? {};
    if (id !== secretId || !date || !names) return refuse('AuthFailure.SecretIdNotFound');
    const seconds = Number(headers['x-tc-timestamp']);
    if (!isNow(seconds * 1000) || !new Date(seconds * 1000).toISOString().startsWith(`${date}T`))
      return refuse('AuthFailure.SignatureExpire');
    const signed = names.split(';');
    if (service !== 'sms' || !signed.includes('host') || !signed.includes('content-type'))
      return refuse('AuthFailure.SignatureFailure');
    const lines = headerLines(headers, signed).join('').toLowerCase();
    const canonical = `${method}\n${path}\n${query}\n${lines}\n${names}\n${hex(body)}`;
    const dateKey = mac(`TC3${secretKey}`, date);
    const signingKey = mac(mac(dateKey, 'sms'), 'tc3_request');
    const toSign = `TC3-HMAC-SHA256\n${seconds}\n${date}/sms/tc3_request\n${hex(canonical)}`;
    if (signature !== mac(signingKey, toSign).toString('hex')) return refuse('AuthFailure.SignatureFailure');
    const status = { SerialNo: '1', Code: 'Ok', Message: 'send success' };
    return { status: 200, body: { Response: { SendStatusSet: [status], RequestId: 'r' } } };
  };
}
