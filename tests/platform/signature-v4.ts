import { createHash, createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface SignedRequest {
  method: string;
  /** Path and query as they came over the wire. */
  target: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  region: string;
}

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');
const hmac = (key: Buffer | string, text: string) => createHmac('sha256', key).update(text).digest();

/** Everything but letters, digits, `-`, `.`, `_` and `~`, as AWS's UriEncode has it. */
const encode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);

const header = ({ headers }: SignedRequest, name: string) =>
  String(headers[name] ?? '')
    .trim()
    .replace(/ +/g, ' ');

function canonicalPath(path: string): string {
  return path
    .split('/')
    .map((part) => encode(decodeURIComponent(part)))
    .join('/');
}

function canonicalQuery(query: string): string {
  const pairs = query.split('&').filter((pair) => pair !== '');
  return pairs
    .map((pair) => {
      const [name = '', value = ''] = pair
        .split('=')
        .map((text) => decodeURIComponent(text.replaceAll('+', ' ')));
      return `${encode(name)}=${encode(value)}`;
    })
    .sort()
    .join('&');
}

/** What must be signed: the host, the content type if there is one, and everything of Amazon's. */
function areAllSigned({ headers }: SignedRequest, signed: string[]): boolean {
  const needed = Object.keys(headers).filter(
    (name) => name === 'host' || name === 'content-type' || name.startsWith('x-amz-'),
  );
  return needed.every((name) => signed.includes(name)) && needed.includes('host');
}

/**
 * Whether a request to S3 is signed by these credentials, computed as AWS documents Signature Version 4 for the
 * Authorization header, one chunk. The body's hash must be there and be the body's.
 */
export function isSignedBy(
  request: SignedRequest,
  { accessKeyId, secretAccessKey, region }: Credentials,
): boolean {
  const pattern = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;
  const [, credential, signedHeaders = '', signature] = pattern.exec(header(request, 'authorization')) ?? [];
  const time = header(request, 'x-amz-date');
  const day = time.slice(0, 8);
  const scope = `${day}/${region}/s3/aws4_request`;
  const signed = signedHeaders.split(';');
  if (credential !== `${accessKeyId}/${scope}` || !/^\d{8}T\d{6}Z$/.test(time)) return false;
  if (!areAllSigned(request, signed) || signed.toSorted().join(';') !== signedHeaders) return false;
  if (header(request, 'x-amz-content-sha256') !== sha256(request.body)) return false;

  const [path = '', query = ''] = request.target.split('?');
  const canonical = [
    request.method,
    canonicalPath(path),
    canonicalQuery(query),
    ...signed.map((name) => `${name}:${header(request, name)}`),
    '',
    signedHeaders,
    header(request, 'x-amz-content-sha256'),
  ].join('\n');
  const key = [day, region, 's3', 'aws4_request'].reduce<Buffer | string>(hmac, `AWS4${secretAccessKey}`);
  const expected = hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n'));
  return expected.toString('hex') === signature;
}
