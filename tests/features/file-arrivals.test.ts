import { Readable } from 'node:stream';
import { expect } from 'chai';
import type { FileStorage } from '../../src/core/file-storage.ts';
import { createArrivals } from '../../src/features/files/arrivals.ts';
import { startS3Double } from '../platform/s3-double.ts';
import { buildUser, logInAgain, type TestUser } from '../support/builders.ts';
import { openVault, plain, upload, type Vault } from '../support/files.ts';
import { beginUpload } from '../support/slow-upload.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const mebibyte = 1024 * 1024;
const pdf = (size: number) => Buffer.alloc(size, '%PDF-1.7\n');

/** Asks until it is so; the test's own limit ends it. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(setImmediate);
}

describe('files: while they arrive', () => {
  let app: TestApp;
  let vault: Vault;
  let ann: TestUser;
  const quotaBytes = 4 * mebibyte;
  before(async () => {
    app = await startApp({ uploads: { maxBytes: { image: 2 * mebibyte, other: 3 * mebibyte }, quotaBytes } });
    vault = await openVault(app);
  });
  beforeEach(async () => {
    ann = await buildUser(app.url);
  });
  after(async () => {
    expect(vault.failures).to.deep.equal([]);
    await vault.close();
    await app.close();
  });

  const begin = (user = ann) => beginUpload(app.url, { path: '/api/files', token: user.token });
  const isAt = (census: object) => async () =>
    JSON.stringify(await vault.census()) === JSON.stringify(census);

  it('leave nothing when their sender goes away in the middle, and do not count', async () => {
    const before = await vault.census();
    const slow = begin();
    await slow.send(pdf(2 * mebibyte));
    await until(async () => (await vault.census())['files.chunks'] !== before['files.chunks']);
    slow.cut();
    await until(isAt(before));
    expect(await vault.usageOf(ann.id)).to.equal(0);
  });

  it('leave nothing when the session ends meanwhile', async () => {
    const before = await vault.census();
    const slow = begin();
    await slow.send(pdf(mebibyte));
    await ann.rest('POST', '/api/auth/logout');
    expect(await slow.finish()).to.deep.include({ status: 401 });
    expect(await vault.census()).to.deep.equal(before);
    const again = await logInAgain(app.url, ann);
    expect((await upload(again, 'x')).status).to.equal(201);
  });

  it('are refused as soon as they are too large or of a wrong kind, before all is sent', async () => {
    const large = begin();
    await large.send(pdf(3 * mebibyte + 1));
    expect(await large.answer).to.deep.include({ status: 413 });
    large.cut();
    const program = begin();
    await program.send(Buffer.concat([Buffer.from('MZ'), Buffer.alloc(200_000)]));
    expect(await program.answer).to.deep.include({ status: 415 });
    program.cut();
  });

  it('are at most three of one person at a time, which keeps nobody else from theirs', async () => {
    const bob = await buildUser(app.url);
    const { blobs = 0 } = await vault.census();
    const slow = [begin(), begin(), begin()];
    for (const { send } of slow) await send('a text ');
    await until(async () => (await vault.census()).blobs === blobs + 3);
    const refused = await upload(ann, 'one too many');
    expect(refused.body).to.include({ status: 429, code: 'rate_limited' });
    expect(refused.headers.get('retry-after')).to.equal('1');
    expect((await upload(bob, 'another person')).status).to.equal(201);
    const answers = await Promise.all(slow.map(({ finish }) => finish()));
    expect(answers.map(({ status }) => status)).to.deep.equal([201, 201, 201]);
    expect((await upload(ann, 'room again')).status).to.equal(201);
  });

  it('never take more than a person’s quota, however many come at once; what goes gives room', async () => {
    const sizes = [3, 3, 3].map((size) => size * mebibyte - 100);
    const answers = await Promise.all(sizes.map((size) => upload(ann, pdf(size), 'a.pdf')));
    expect(answers.map(({ status }) => status).toSorted()).to.deep.equal([201, 409, 409]);
    expect(answers.find(({ status }) => status === 409)?.body.code).to.equal('limit_reached');
    expect(await vault.usageOf(ann.id)).to.equal(3 * mebibyte - 100);
    await vault.passTime();
    await vault.attachments.sweep();
    expect(await vault.usageOf(ann.id)).to.equal(0);
    expect((await upload(ann, pdf(2 * mebibyte), 'a.pdf')).status).to.equal(201);
  });

  it('are refused at once where there is no room at all', async () => {
    for (const size of [3 * mebibyte, mebibyte]) await upload(ann, pdf(size), 'a.pdf');
    expect(await vault.usageOf(ann.id)).to.equal(quotaBytes);
    const slow = begin();
    await slow.send('x');
    expect(await slow.answer).to.deep.include({ status: 409 });
    slow.cut();
  });

  it('many small ones of one person count exactly', async () => {
    for (let round = 0; round < 4; round++)
      await Promise.all([1, 2, 3].map((size) => upload(ann, 'x'.repeat(size * 100))));
    expect(await vault.usageOf(ann.id)).to.equal(4 * 600);
  });

  it('pass through without being held: 60 MiB wait where they come from', async () => {
    let given = 0;
    let taken = 0;
    let most = 0;
    async function* large() {
      for (; given < 60 * mebibyte; given += 65_536) yield pdf(65_536);
    }
    const storage = {
      async put(_key: string, content: Readable) {
        for await (const chunk of content) {
          taken += (chunk as Buffer).length;
          most = Math.max(most, given - taken);
          // as slow as a storage can be: everything that wants to run ahead does
          await new Promise(setImmediate);
        }
      },
    };
    const receive = createArrivals({
      storage: storage as unknown as FileStorage,
      recognise: async () => 'application/pdf',
      encodePicture: () => Promise.reject(new Error('no picture')),
      maxBytes: { image: 0, other: 60 * mebibyte },
    });
    const content = Readable.from(large(), { objectMode: false });
    const arrived = await receive({ name: 'a.pdf', mimeType: '', content, mostBytes: null }, 'x');
    expect([arrived.size, taken]).to.deep.equal([60 * mebibyte, 60 * mebibyte]);
    expect(most).to.be.lessThan(mebibyte / 2);
  });
});

describe('files: in a bucket', () => {
  it('are streamed into it in parts, read from it in ranges, and leave nothing behind', async () => {
    const s3 = await startS3Double();
    const app = await startApp({ s3: s3.settings });
    const ann = await buildUser(app.url);
    const large = pdf(12 * mebibyte);
    const { body } = await upload(ann, large, 'a.pdf');
    expect(s3.requests.filter((name) => name === 'PUT partNumber uploadId')).to.have.length(3);
    const part = await fetch(`${app.url}/api/files/${String(body.id)}`, {
      headers: { authorization: `Bearer ${ann.token}`, range: 'bytes=7000000-7000009' },
    });
    expect(Buffer.from(await part.arrayBuffer())).to.deep.equal(large.subarray(7_000_000, 7_000_010));
    const picture = await upload(ann, await plain(500, 500, 'red').png().toBuffer(), 'a.png');
    expect(picture.status).to.equal(201);
    const kept = [...s3.objects.keys()].map((key) => key.replace(/^files\/[0-9a-f]{24}/, ''));
    expect(kept.toSorted()).to.deep.equal(['', '', '-thumbnail']);

    const slow = beginUpload(app.url, { path: '/api/files', token: ann.token });
    await slow.send(pdf(6 * mebibyte));
    await until(async () => s3.uploads.size === 1);
    slow.cut();
    await until(async () => s3.uploads.size === 0);
    expect(s3.objects.size).to.equal(3);
    await app.close();
    await s3.close();
  });
});
