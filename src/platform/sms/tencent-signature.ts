import { createHash, createHmac } from 'node:crypto';

const algorithm = 'TC3-HMAC-SHA256';

interface TencentCall {
  /** Such as `sms`; part of the key. */
  service: string;
  timestampSeconds: number;
  /** What is signed besides the payload, by lower-case name; content-type and host have to be among them. */
  headers: Record<string, string>;
  /** Exactly as it is sent. */
  payload: string;
  secretId: string;
  secretKey: string;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

/** The Authorization header of a POST to `/`, by Tencent Cloud's signature v3. */
export function signTencent(call: TencentCall): string {
  const date = new Date(call.timestampSeconds * 1000).toISOString().slice(0, 10);
  const signed = Object.entries(call.headers).sort(([a], [b]) => (a < b ? -1 : 1));
  const names = signed.map(([name]) => name).join(';');
  const lines = signed.map(([name, value]) => `${name}:${value.trim().toLowerCase()}\n`).join('');
  const canonical = ['POST', '/', '', lines, names, sha256(call.payload)].join('\n');
  const scope = `${date}/${call.service}/tc3_request`;
  const key = hmac(hmac(hmac(`TC3${call.secretKey}`, date), call.service), 'tc3_request');
  const toSign = [algorithm, call.timestampSeconds, scope, sha256(canonical)].join('\n');
  const signature = hmac(key, toSign).toString('hex');
  return `${algorithm} Credential=${call.secretId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
}
