import { expect } from 'chai';
import mongoose from 'mongoose';
import sharp from 'sharp';
import { buildUser, type TestUser } from '../support/builders.ts';
import { rest } from '../support/clients.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

describe('QR codes of people', () => {
  let app: TestApp;
  let ann: TestUser;
  before(async () => {
    app = await startApp({ publicUrl: 'https://chat.example.com' });
  });
  beforeEach(async () => {
    ann = await buildUser(app.url, { nickname: '<script>Ann</script>' });
  });
  after(() => app.close());

  const mine = async () => (await ann.rest('GET', '/api/users/me/qrcode')).body;
  const page = (code: unknown, language = 'en') =>
    rest(app.url, { method: 'GET', path: `/q/${code}`, headers: { 'accept-language': language } });

  it('is the same until it is renewed, which ends the old one, on every wire', async () => {
    const socket = await ann.connect();
    const codes = await Promise.all([mine(), mine(), socket.call('profile_qrcode_get', {})]);
    expect(codes[1]).to.deep.equal(codes[0]);
    expect(codes[2]).to.deep.equal(codes[0]);
    const code = String(codes[0]?.code);
    expect(Buffer.from(code, 'base64url').length).to.be.at.least(8);
    expect(codes[0]?.url).to.equal(`https://chat.example.com/q/${code}`);
    expect(Date.parse(String(codes[0]?.expiresAt)) - Date.now()).to.be.within(
      29.9 * 86_400_000,
      30 * 86_400_000,
    );
    const renewed = await ann.rest('POST', '/api/users/me/qrcode');
    expect([renewed.status, renewed.body.code === code]).to.deep.equal([201, false]);
    expect((await page(code)).status).to.equal(404);
    expect((await page(renewed.body.code)).status).to.equal(200);
    expect((await mine()).code).to.equal(renewed.body.code);
    socket.close();
  });

  it('comes as PNG and SVG, over REST only', async () => {
    const png = await ann.rest('GET', '/api/users/me/qrcode?format=png');
    expect(png.headers.get('content-type')).to.equal('image/png');
    expect(await sharp(png.bytes).metadata()).to.include({ format: 'png', width: 512 });
    const svg = await ann.rest('GET', '/api/users/me/qrcode?format=svg');
    expect(svg.headers.get('content-type')).to.match(/^image\/svg\+xml/);
    expect(svg.bytes.toString()).to.match(/^<svg/);
    expect((await ann.rest('GET', '/api/users/me/qrcode?format=gif')).body.code).to.equal(
      'validation_failed',
    );
    const socket = await ann.connect();
    await socket.refused('profile_qrcode_get', { format: 'png' }, 'validation_failed');
    socket.close();
  });

  it('leads to a page with name and avatar only, which runs nothing', async () => {
    const { code } = await mine();
    const { status, headers, bytes } = await page(code);
    const html = bytes.toString();
    expect(status).to.equal(200);
    expect(headers.get('content-type')).to.equal('text/html; charset=utf-8');
    expect(headers.get('content-security-policy')).to.contain("default-src 'none'");
    expect(html).to.contain('&lt;script&gt;Ann').and.contain('og:title').and.not.contain('<script>');
    expect(html).to.not.contain(ann.email).and.not.contain(ann.id);
    const chinese = (await page(code, 'zh-CN')).bytes.toString();
    expect(chinese).to.contain('lang="zh-CN"');
  });

  it('that has expired leads nowhere, and the next one is new', async () => {
    const { code } = await mine();
    const database = await mongoose.createConnection(app.mongodbUri).asPromise();
    const ran = { $set: { expiresAt: new Date(Date.now() - 1000) } };
    await database.collection('qr_codes').updateOne({ code }, ran);
    await database.close();
    expect((await page(code)).status).to.equal(404);
    const bob = await buildUser(app.url);
    expect((await bob.rest('POST', '/api/friends/add', { qrCode: code })).body.code).to.equal('not_found');
    expect((await mine()).code).to.not.equal(code);
  });

  it('adds a friend, as code or as the whole address, and whoever hides from search too', async () => {
    const { code, url } = await mine();
    await ann.rest('PATCH', '/api/users/me', { privacy: { findByEmail: false, findByPhone: false } });
    for (const qrCode of [code, url]) {
      const bob = await buildUser(app.url);
      const { status, body } = await bob.rest('POST', '/api/friends/add', { qrCode });
      expect(status).to.equal(201);
      expect((body.to as { id: string }).id).to.equal(ann.id);
    }
    const bob = await buildUser(app.url);
    for (const qrCode of ['nonsense', '', 'https://chat.example.com/q/'])
      expect((await bob.rest('POST', '/api/friends/add', { qrCode })).body.code).to.equal('not_found');
    expect((await ann.rest('POST', '/api/friends/add', { qrCode: code })).body.code).to.equal('not_allowed');
  });
});
