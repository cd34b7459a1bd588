import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { expect } from 'chai';
import jwt from 'jsonwebtoken';
import { buildUser, logInAgain, type TestUser } from '../support/builders.ts';
import { rest } from '../support/clients.ts';
import { openVault, plain, upload, type Vault } from '../support/files.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

describe('files: GET /api/files/:fileId', () => {
  let app: TestApp;
  let ann: TestUser;
  let eve: TestUser;
  let vault: Vault;
  const pdf = Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(600_000, 'abcdefghij')]);
  let path = '';
  let fileId = '';
  before(async () => {
    app = await startApp();
    vault = await openVault(app);
    [ann, eve] = await Promise.all([buildUser(app.url), buildUser(app.url)]);
    fileId = String((await upload(ann, pdf, '合同 v1.pdf')).body.id);
    path = `/api/files/${fileId}`;
  });
  after(async () => {
    await vault.close();
    await app.close();
  });

  const get = (headers: Record<string, string> = {}, method = 'GET') =>
    rest(app.url, { method, path, token: ann.token, headers });
  const issue = async (user: TestUser) => {
    const { body, headers } = await user.rest('POST', '/api/files/token');
    expect(headers.get('cache-control')).to.equal('no-store');
    expect(body.expiresIn).to.equal(3600);
    return String(body.token);
  };
  const by = (token: string, more = '') =>
    rest(app.url, { method: 'GET', path: `${path}?access=${token}${more}` });

  it('gives the whole, as something that no browser runs or keeps past a recall', async () => {
    const { status, headers, bytes } = await get();
    expect(status).to.equal(200);
    expect(bytes.equals(pdf)).to.equal(true);
    const told = Object.fromEntries(headers);
    expect(told).to.include({
      'content-type': 'application/pdf',
      'content-length': String(pdf.length),
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'cache-control': 'private, no-cache',
      'cross-origin-resource-policy': 'cross-origin',
      etag: `"${fileId}"`,
    });
    expect(told['content-disposition']).to.match(/^attachment; filename=".*"; filename\*=UTF-8''/);
    expect(told['content-disposition']).to.contain(encodeURIComponent('合同'));
  });

  it('shows pictures in place, and text as text', async () => {
    const picture = await upload(ann, await plain(9, 9, 'red').png().toBuffer(), 'a.png');
    const text = await upload(ann, 'const a = 1;', 'a.js', 'text/javascript');
    const [inline, saved] = await Promise.all(
      [picture, text].map(({ body }) => ann.rest('GET', `/api/files/${String(body.id)}`)),
    );
    expect(inline?.headers.get('content-disposition')).to.equal('inline; filename=a.png');
    expect(saved?.headers.get('content-disposition')).to.equal('attachment; filename=a.js');
    expect(saved?.headers.get('content-type')).to.equal('text/plain; charset=utf-8');
  });

  it('answers 304 to who has it, without sending it again', async () => {
    const { status, bytes, headers } = await get({ 'if-none-match': `"${fileId}"` });
    expect([status, bytes.length, headers.get('cache-control')]).to.deep.equal([304, 0, 'private, no-cache']);
    expect((await get({ 'if-none-match': '"other"' })).status).to.equal(200);
  });

  it('answers HEAD by the same headers and no bytes', async () => {
    const request = httpRequest(app.url + path, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${ann.token}`, range: 'bytes=0-9' },
    }).end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).to.equal(200);
    expect(response.headers).to.include({ 'content-length': String(pdf.length), 'accept-ranges': 'bytes' });
  });

  const last = pdf.length - 1;
  const ranges: [string, number, number][] = [
    ['bytes=0-0', 0, 0],
    ['bytes=0-', 0, last],
    ['bytes=261119-261120', 261_119, 261_120],
    [`bytes=500000-${last + 1000}`, 500_000, last],
    ['bytes=-5', last - 4, last],
    [`bytes=-${pdf.length * 2}`, 0, last],
  ];
  for (const [range, start, end] of ranges) {
    it(`answers ${range} by that part`, async () => {
      const { status, headers, bytes } = await get({ range });
      expect(status).to.equal(206);
      expect(headers.get('content-range')).to.equal(`bytes ${start}-${end}/${pdf.length}`);
      expect(headers.get('content-length')).to.equal(String(end - start + 1));
      expect(bytes.equals(pdf.subarray(start, end + 1))).to.equal(true);
    });
  }

  for (const range of ['bytes=0-1,5-6', 'lines=0-1', 'bytes=x-y', 'bytes', 'bytes=9-5-1'])
    it(`answers ${range} by the whole`, async () => {
      const { status, bytes } = await get({ range });
      expect([status, bytes.length]).to.deep.equal([200, pdf.length]);
    });

  for (const range of [`bytes=${pdf.length}-`, 'bytes=900000-900001', 'bytes=-0'])
    it(`refuses ${range}, which the file does not have`, async () => {
      const { body, headers } = await get({ range });
      expect(body).to.include({ status: 416, code: 'range_not_satisfiable' });
      expect(headers.get('content-range')).to.equal(`bytes */${pdf.length}`);
    });

  it('gives a part only if it is of the version that is asked for', async () => {
    const range = 'bytes=0-9';
    expect((await get({ range, 'if-range': `"${fileId}"` })).status).to.equal(206);
    for (const version of ['"other"', `W/"${fileId}"`, new Date().toUTCString()])
      expect((await get({ range, 'if-range': version })).status).to.equal(200);
  });

  it('is not found by anybody else, as one that never was', async () => {
    const never = `/api/files/${'f'.repeat(24)}`;
    const answers = await Promise.all([
      eve.rest('GET', path),
      ann.rest('GET', never),
      ann.rest('GET', `${path}?size=thumbnail`),
    ]);
    const bodies = answers.map(({ body: { requestId: _, ...rest } }) => rest);
    expect(bodies[0]).to.include({ status: 404, code: 'not_found' });
    for (const body of bodies) expect(body).to.deep.equal(bodies[0]);
  });

  for (const bad of ['/api/files/x', '/api/files/..%2f..%2fetc', '/api/files/%00'])
    it(`does not take ${bad} for a file`, async () => {
      expect((await ann.rest('GET', bad)).body.code).to.be.oneOf(['validation_failed', 'not_found']);
    });

  it('refuses other sizes and parameters that it does not know', async () => {
    for (const query of ['?size=large', '?size=thumbnail&size=thumbnail', '?other=1'])
      expect((await ann.rest('GET', path + query)).body.code).to.equal('validation_failed');
  });

  it('wants a token', async () => {
    for (const query of ['', '?access=', '?access=x', '?access=a&access=b', '?access[$ne]=x'])
      expect((await rest(app.url, { method: 'GET', path: path + query })).body.code).to.equal(
        'unauthenticated',
      );
  });

  it('takes a token in the address, which says no more than who asks', async () => {
    const [anns, eves] = await Promise.all([issue(ann), issue(eve)]);
    expect((await by(anns)).status).to.equal(200);
    expect((await by(eves)).body.code).to.equal('not_found');
  });

  it('takes no access token in the address, and no token of an address for anything else', async () => {
    const token = await issue(ann);
    expect((await by(ann.token)).body.code).to.equal('unauthenticated');
    for (const [method, other] of [
      ['GET', '/api/users/me'],
      ['POST', '/api/files/token'],
      ['GET', path],
    ] as const)
      expect((await rest(app.url, { method, path: other, token })).body.code).to.equal('unauthenticated');
    const elsewhere = await rest(app.url, { method: 'GET', path: `/api/users/me?access=${token}` });
    expect(elsewhere.body.code).to.equal('unauthenticated');
    const wrongType = jwt.decode(token, { complete: true });
    expect(wrongType?.header.typ).to.equal('fa+jwt');
  });

  it('takes no such token after its session has ended, or its time', async () => {
    const again = await logInAgain(app.url, ann);
    const token = await issue(again);
    expect((await by(token)).status).to.equal(200);
    await again.rest('POST', '/api/auth/logout');
    expect((await by(token)).body.code).to.equal('unauthenticated');
    const { exp, iat } = jwt.decode(await issue(ann)) as { exp: number; iat: number };
    expect(exp - iat).to.equal(3600);
  });
});
