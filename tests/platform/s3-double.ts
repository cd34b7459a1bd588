import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import type { S3Settings } from '../../src/platform/file-storage/s3-settings.ts';
import { isSignedBy } from './signature-v4.ts';

interface Kept {
  bytes: Buffer;
  mimeType: string;
}
interface Upload {
  key: string;
  mimeType: string;
  parts: Map<number, Buffer>;
}
interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: Buffer | string;
}
interface Call {
  method: string;
  key: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

const smallestPartBytes = 5 * 1024 * 1024;
const skewMs = 15 * 60_000;

const tagOf = (bytes: Buffer) => `"${createHash('md5').update(bytes).digest('hex')}"`;
const failure = (status: number, code: string): Answer => ({
  status,
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>no</Message></Error>`,
});

export type S3Double = Awaited<ReturnType<typeof startS3Double>>;

/** As much of S3 as file storage needs, on a port of its own; it refuses whatever is not signed properly. */
export async function startS3Double() {
  const objects = new Map<string, Kept>();
  const uploads = new Map<string, Upload>();
  const requests: string[] = [];
  let answerInstead: (call: Call) => Answer | undefined = () => undefined;
  const settings: S3Settings = {
    endpoint: '',
    bucket: 'attachments',
    region: 'eu-central-1',
    accessKeyId: 'AKIDPARLEYTEST',
    secretAccessKey: 'a secret/of+the=tests',
  };

  function answer(message: IncomingMessage, body: Buffer): Answer {
    const { method = '', url: target = '', headers } = message;
    const url = new URL(target, 'http://s3');
    if (!isSignedBy({ method, target, headers, body }, settings))
      return failure(403, 'SignatureDoesNotMatch');
    if (!isFresh(String(headers['x-amz-date']))) return failure(403, 'RequestTimeTooSkewed');
    const [, bucket, ...rest] = url.pathname.split('/');
    if (bucket !== settings.bucket) return failure(404, 'NoSuchBucket');
    const call = { method, key: rest.join('/'), query: url.searchParams, headers, body };
    requests.push(`${method} ${[...call.query.keys()].join(' ')}`.trim());
    return answerInstead(call) ?? serve(call, { objects, uploads });
  }

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    send(response, answer(request, Buffer.concat(chunks)));
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  settings.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    settings,
    objects,
    uploads,
    /** Method and names of the query, in order. */
    requests,
    /** Answers by this what is signed properly, unless it gives undefined. */
    instead(by: (call: Call) => Answer | undefined): void {
      answerInstead = by;
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Takes connections and says nothing. */
export async function startSilentServer() {
  const server = createTcpServer((socket) => socket.on('error', () => {}).resume());
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => server.close(),
  };
}

function isFresh(time: string): boolean {
  const iso = time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  return Math.abs(Date.parse(iso) - Date.now()) < skewMs;
}

function send(response: ServerResponse, { status, headers, body = '' }: Answer): void {
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers }).end(body);
}

interface Stock {
  objects: Map<string, Kept>;
  uploads: Map<string, Upload>;
}

function serve(call: Call, { objects, uploads }: Stock): Answer {
  const { method, key, query, body } = call;
  const mimeType = call.headers['content-type'] ?? 'binary/octet-stream';
  if (method === 'POST' && query.has('uploads')) {
    const uploadId = `${randomUUID()}/+=`;
    uploads.set(uploadId, { key, mimeType, parts: new Map() });
    return {
      status: 200,
      body: `<InitiateMultipartUploadResult><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>`,
    };
  }
  const uploadId = query.get('uploadId');
  if (uploadId !== null) return serveUpload(call, uploadId, { objects, uploads });
  if (method === 'PUT') {
    objects.set(key, { bytes: body, mimeType });
    return { status: 200, headers: { etag: tagOf(body) } };
  }
  if (method === 'GET') return serveObject(objects.get(key), call.headers.range);
  if (method !== 'DELETE') return failure(405, 'MethodNotAllowed');
  objects.delete(key);
  return { status: 204 };
}

function serveObject(kept: Kept | undefined, range: string | undefined): Answer {
  if (kept === undefined) return failure(404, 'NoSuchKey');
  const { bytes, mimeType } = kept;
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
  if (start === undefined) return { status: 200, headers: { 'content-type': mimeType }, body: bytes };
  if (Number(start) >= bytes.length) return failure(416, 'InvalidRange');
  const last = Math.min(Number(end), bytes.length - 1);
  return {
    status: 206,
    headers: { 'content-type': mimeType, 'content-range': `bytes ${start}-${last}/${bytes.length}` },
    body: bytes.subarray(Number(start), last + 1),
  };
}

function serveUpload(call: Call, uploadId: string, { objects, uploads }: Stock): Answer {
  const upload = uploads.get(uploadId);
  if (upload === undefined || upload.key !== call.key) return failure(404, 'NoSuchUpload');
  if (call.method === 'PUT') {
    upload.parts.set(Number(call.query.get('partNumber')), call.body);
    return { status: 200, headers: { etag: tagOf(call.body) } };
  }
  if (call.method === 'DELETE') {
    uploads.delete(uploadId);
    return { status: 204 };
  }
  const named = [...call.body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>([^<]+)<\/ETag>/g)];
  const parts = named.map(([, number]) => upload.parts.get(Number(number)) ?? Buffer.alloc(0));
  if (parts.some((part, at) => tagOf(part) !== named[at]?.[2])) return failure(400, 'InvalidPart');
  if (parts.slice(0, -1).some((part) => part.length < smallestPartBytes))
    return failure(400, 'EntityTooSmall');
  if (named.some(([, number], at) => Number(number) !== at + 1)) return failure(400, 'InvalidPartOrder');
  objects.set(call.key, { bytes: Buffer.concat(parts), mimeType: upload.mimeType });
  uploads.delete(uploadId);
  return { status: 200, body: '<CompleteMultipartUploadResult/>' };
}
