import { createHash, createHmac } from 'node:crypto';

const algorithm = 'ACS3-HMAC-SHA256';

interface AliyunCall {
  /** The Host header that will be sent. */
  host: string;
  action: string;
  version: string;
  /** UTC in whole seconds, such as 2026-01-31T12:00:00Z. */
  date: string;
  /** Never used before. */
  nonce: string;
  query: Record<string, string>;
  accessKeyId: string;
  accessKeySecret: string;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const byName = ([a]: readonly [string, string], [b]: readonly [string, string]) => (a < b ? -1 : 1);

/** RFC 3986: only letters, digits and `-_.~` stay as they are. */
const percentEncode = (text: string) =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/**
 * Alibaba Cloud's V3 signature of an RPC call: a POST to `/` whose parameters are in the query and whose body is empty.
 * Gives the query as it was signed, and the headers to send with it (Host is the client's own).
 */
export function signAliyun(call: AliyunCall): { query: string; headers: Record<string, string> } {
  const query = Object.entries(call.query)
    .map(([name, value]) => [percentEncode(name), percentEncode(value)] as const)
    .sort(byName)
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const headers = {
    'x-acs-action': call.action,
    'x-acs-content-sha256': sha256(''),
    'x-acs-date': call.date,
    'x-acs-signature-nonce': call.nonce,
    'x-acs-version': call.version,
  };
  const signed = Object.entries({ host: call.host, ...headers }).sort(byName);
  const names = signed.map(([name]) => name).join(';');
  const lines = signed.map(([name, value]) => `${name}:${value.trim()}\n`).join('');
  const canonical = ['POST', '/', query, lines, names, headers['x-acs-content-sha256']].join('\n');
  const signature = createHmac('sha256', call.accessKeySecret)
    .update(`${algorithm}\n${sha256(canonical)}`)
    .digest('hex');
  const authorization = `${algorithm} Credential=${call.accessKeyId},SignedHeaders=${names},Signature=${signature}`;
  return { query, headers: { ...headers, authorization } };
}
