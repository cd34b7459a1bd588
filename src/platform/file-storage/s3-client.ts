import { createHash } from 'node:crypto';
import { AwsClient } from 'aws4fetch';
import { AppError } from '../../core/errors.ts';
import type { S3Settings } from './s3-settings.ts';

interface S3Request {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  key: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Buffer;
}

/** What S3 said no to. Its own message stays out: it may quote the request with its signature. */
export class S3Failure extends Error {
  readonly status: number;
  /** Such as `NoSuchKey`; empty if there was none. */
  readonly code: string;

  constructor({ method }: S3Request, status: number, code: string) {
    super(`S3 answered ${method} with ${status} ${code}`.trim());
    this.name = 'S3Failure';
    this.status = status;
    this.code = code;
  }
}

/** Ends what waits for S3 for too long, however long the whole takes. */
function createStallWatch(stallMs: number) {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    async whileWaiting<T>(work: Promise<T>): Promise<T> {
      const timer = setTimeout(() => controller.abort(new Error(`S3 was silent for ${stallMs} ms`)), stallMs);
      try {
        return await work;
      } catch (error) {
        throw new AppError('unavailable', { cause: error });
      } finally {
        clearTimeout(timer);
      }
    },
    cancel: () => controller.abort(),
  };
}

type StallWatch = ReturnType<typeof createStallWatch>;

export interface S3Answer {
  headers: Headers;
  status: number;
  body: ReadableStream<Uint8Array> | null;
  watch: StallWatch;
}

/**
 * Sends requests that are signed by AWS Signature Version 4, header by header and with the hash of the body.
 * Rejects with `unavailable` when S3 cannot be reached, is silent or overloaded, else with an S3Failure.
 */
export function createS3Client(settings: S3Settings, stallMs: number) {
  const { endpoint, bucket, ...credentials } = settings;
  const aws = new AwsClient({ ...credentials, service: 's3' });
  const root = `${endpoint.replace(/\/+$/, '')}/${bucket}/`;

  async function sign({ method, key, query = {}, headers = {}, body }: S3Request): Promise<Request> {
    const url = new URL(root + key);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const hash = createHash('sha256')
      .update(body ?? '')
      .digest('hex');
    const request = await aws.sign(url, {
      method,
      headers: { ...headers, 'x-amz-content-sha256': hash },
      body: body ?? null,
      aws: { allHeaders: true },
    });
    // not signed, as proxies change it; compressed, an answer's length would not be the file's
    request.headers.set('accept-encoding', 'identity');
    return request;
  }

  async function open(request: S3Request): Promise<S3Answer> {
    const watch = createStallWatch(stallMs);
    const signed = await sign(request);
    const response = await watch.whileWaiting(fetch(signed, { signal: watch.signal, redirect: 'manual' }));
    const { ok, status, headers, body } = response;
    if (ok) return { headers, status, body, watch };
    throw asFailure(request, status, await watch.whileWaiting(response.text()));
  }

  return {
    /** The body is still on its way. */
    open,

    /** The whole answer. */
    async send(request: S3Request): Promise<{ headers: Headers; text: string }> {
      const { headers, status, body, watch } = await open(request);
      const text = await watch.whileWaiting(new Response(body).text());
      // what takes long is answered 200 first, and may fail after that
      if (text.includes('<Error>')) throw asFailure(request, status, text);
      return { headers, text };
    },
  };
}

export type S3Client = ReturnType<typeof createS3Client>;

function asFailure(request: S3Request, status: number, text: string): Error {
  const failure = new S3Failure(request, status, textOf(text, 'Code') ?? '');
  const isOutage = status >= 500 || status === 429 || failure.code === 'InternalError';
  return isOutage ? new AppError('unavailable', { cause: failure }) : failure;
}

/** The text of an element of S3's XML; undefined if there is none. */
export function textOf(xml: string, element: 'Code' | 'UploadId'): string | undefined {
  return new RegExp(`<${element}>([^<]{1,1024})</${element}>`).exec(xml)?.[1];
}
