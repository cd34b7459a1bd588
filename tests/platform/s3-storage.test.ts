import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { expect } from 'chai';
import { AppError } from '../../src/core/errors.ts';
import { createS3Storage } from '../../src/platform/file-storage/s3.ts';
import { type S3Double, startS3Double, startSilentServer } from './s3-double.ts';
import { isSignedBy, type SignedRequest } from './signature-v4.ts';

const mib = 1024 * 1024;

async function rejectionOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.fail('it did not reject'),
    (error: unknown) => error,
  );
}

const codeOf = (error: unknown) => (error instanceof AppError ? error.code : inspect(error));

describe('the verifier of S3 signatures', () => {
  // "GET Object" among the examples of AWS's documentation of the Authorization header
  const credentials = {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    region: 'us-east-1',
  };
  const example: SignedRequest = {
    method: 'GET',
    target: '/test.txt',
    headers: {
      host: 'examplebucket.s3.amazonaws.com',
      range: 'bytes=0-9',
      'x-amz-content-sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      'x-amz-date': '20130524T000000Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,' +
        'SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,' +
        'Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    },
    body: Buffer.alloc(0),
  };

  it("agrees with AWS's published example", () => {
    expect(isSignedBy(example, credentials)).to.equal(true);
  });

  it('sees every change to what was signed', () => {
    const { headers } = example;
    const changes: Partial<SignedRequest>[] = [
      { method: 'PUT' },
      { target: '/test.tx' },
      { target: '/test.txt?uploads=' },
      { body: Buffer.from('x') },
      { headers: { ...headers, range: 'bytes=0-8' } },
      { headers: { ...headers, host: 'other.s3.amazonaws.com' } },
      { headers: { ...headers, 'x-amz-date': '20130524T000001Z' } },
      { headers: { ...headers, 'x-amz-acl': 'public-read' } },
      { headers: { ...headers, authorization: headers.authorization?.replace('us-east-1', 'us-east-2') } },
      { headers: { ...headers, authorization: undefined } },
    ];
    for (const change of changes) expect(isSignedBy({ ...example, ...change }, credentials)).to.equal(false);
    expect(isSignedBy(example, { ...credentials, secretAccessKey: 'another' })).to.equal(false);
  });
});

describe('file storage in S3', () => {
  let s3: S3Double;
  beforeEach(async () => {
    s3 = await startS3Double();
  });
  afterEach(() => s3.close());

  const put = (size: number, settings = s3.settings) =>
    createS3Storage(settings).put('k', Readable.from([randomBytes(size)]), 'video/mp4');

  it('puts up to 5 MiB in one request, and more in parts', async () => {
    await put(5 * mib);
    await put(12 * mib);
    expect(s3.requests).to.deep.equal([
      'PUT',
      'POST uploads',
      'PUT partNumber uploadId',
      'PUT partNumber uploadId',
      'PUT partNumber uploadId',
      'POST uploadId',
    ]);
    expect(s3.objects.get('k')).to.include({ mimeType: 'video/mp4' });
  });

  for (const refused of ['POST uploads', 'PUT 2', 'POST uploadId']) {
    it(`keeps nothing when ${refused} fails`, async () => {
      s3.instead(({ method, query }) =>
        `${method} ${query.get('partNumber') ?? [...query.keys()][0]}` === refused
          ? { status: 503, body: '<Error><Code>SlowDown</Code></Error>' }
          : undefined,
      );
      expect(codeOf(await rejectionOf(put(12 * mib)))).to.equal('unavailable');
      expect([s3.objects.size, s3.uploads.size]).to.deep.equal([0, 0]);
    });
  }

  it('believes no 200 that tells of an error after all', async () => {
    s3.instead(({ method, query }) =>
      method === 'POST' && query.has('uploadId')
        ? { status: 200, body: '<?xml version="1.0"?>\n  <Error><Code>InternalError</Code></Error>' }
        : undefined,
    );
    expect(codeOf(await rejectionOf(put(6 * mib)))).to.equal('unavailable');
    expect([s3.objects.size, s3.uploads.size]).to.deep.equal([0, 0]);
  });

  it('rejects with a wrong secret, and tells no secret', async () => {
    const settings = { ...s3.settings, secretAccessKey: 'not-the-secret' };
    const storage = createS3Storage(settings);
    const works = [put(1, settings), put(6 * mib, settings), storage.get('k'), storage.remove('k')];
    for (const failure of await Promise.all(works.map(rejectionOf))) {
      const told = inspect(failure, { depth: 9 });
      expect(told).to.include('403 SignatureDoesNotMatch');
      expect(told).not.to.match(/not-the-secret|AKID|Signature=/);
    }
    expect([s3.objects.size, s3.uploads.size]).to.deep.equal([0, 0]);
  });

  it('rejects when the bucket is not there', async () => {
    const storage = createS3Storage({ ...s3.settings, bucket: 'other' });
    const works = [storage.get('k'), storage.remove('k'), storage.put('k', Readable.from([]), 'a/b')];
    for (const failure of await Promise.all(works.map(rejectionOf))) {
      expect(inspect(failure)).to.include('NoSuchBucket');
    }
  });

  it('takes an endpoint with a slash at its end', async () => {
    const storage = createS3Storage({ ...s3.settings, endpoint: `${s3.settings.endpoint}/` });
    await storage.put('k', Readable.from([Buffer.from('abc')]), 'text/plain');
    expect(s3.objects.has('k')).to.equal(true);
  });

  it('rejects another range than the one asked for', async () => {
    await put(10);
    s3.instead(() => ({ status: 200, body: 'everything' }));
    expect(
      inspect(await rejectionOf(createS3Storage(s3.settings).get('k', { start: 1, end: 2 }))),
    ).to.include('another range');
  });

  it('fails the stream when S3 falls silent in the middle of a file', async () => {
    s3.instead(() => ({ status: 200, headers: { 'content-length': '1000000' }, body: Buffer.alloc(50_000) }));
    const file = await createS3Storage(s3.settings, { stallMs: 300 }).get('k');
    expect(codeOf(await rejectionOf(buffer(file?.content ?? Readable.from([]))))).to.equal('unavailable');
  });

  it('is unavailable when S3 is not there, or says nothing', async () => {
    const silent = await startSilentServer();
    for (const endpoint of ['http://127.0.0.1:1', silent.endpoint]) {
      const storage = createS3Storage({ ...s3.settings, endpoint }, { stallMs: 100 });
      const put = storage.put('k', Readable.from([Buffer.from('abc')]), 'text/plain');
      const failures = await Promise.all([put, storage.get('k'), storage.remove('k')].map(rejectionOf));
      expect(failures.map(codeOf)).to.deep.equal(Array(3).fill('unavailable'));
    }
    silent.close();
  });

  it('gives a slow reader all the time that it takes', async () => {
    await put(4 * mib);
    const file = await createS3Storage(s3.settings, { stallMs: 50 }).get('k');
    let size = 0;
    for await (const piece of file?.content ?? []) {
      if (size === 0) await new Promise((resolve) => setTimeout(resolve, 150));
      size += piece.length;
    }
    expect(size).to.equal(4 * mib);
  });
});
