import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { expect } from 'chai';
import mongoose from 'mongoose';
import sharp from 'sharp';
import { befriend, buildUser, logInAgain, type TestUser } from '../support/builders.ts';
import { rest } from '../support/clients.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const picture = (background: string) =>
  sharp({ create: { width: 900, height: 600, channels: 3, background } })
    .jpeg()
    .withExif({ IFD0: { Copyright: 'a secret place' } })
    .toBuffer();

function form(bytes: Buffer, field = 'avatar', name = 'me.jpg'): FormData {
  const data = new FormData();
  data.append(field, new Blob([new Uint8Array(bytes)]), name);
  return data;
}

describe('avatars', () => {
  let app: TestApp;
  let ann: TestUser;
  before(async () => {
    app = await startApp();
  });
  beforeEach(async () => {
    ann = await buildUser(app.url);
  });
  after(() => app.close());

  const upload = (bytes: Buffer, field?: string, path = '/api/users/me/avatar') =>
    ann.rest('POST', path, form(bytes, field));
  /** Fetches what an avatarUrl names, without a token. */
  const fetchAvatar = (url: unknown, query = '') =>
    rest(app.url, { method: 'GET', path: new URL(String(url)).pathname + query });
  const countFiles = async () => {
    const database = await mongoose.createConnection(app.mongodbUri).asPromise();
    const count = await database.collection('files.files').countDocuments({});
    await database.close();
    return count;
  };

  it('a picture becomes WebP in two sizes without metadata, public and immutable', async () => {
    const other = await ann.connect();
    const { status, body } = await upload(await picture('red'));
    expect([status, body.id]).to.deep.equal([201, ann.id]);
    expect((await other.next('profile_updated')).avatarUrl).to.equal(body.avatarUrl);
    other.close();
    for (const [query, width] of [
      ['', 512],
      ['?size=small', 128],
    ] as const) {
      const { headers, bytes } = await fetchAvatar(body.avatarUrl, query);
      expect(headers.get('content-type')).to.equal('image/webp');
      expect(headers.get('x-content-type-options')).to.equal('nosniff');
      expect(headers.get('cache-control')).to.contain('immutable');
      expect(headers.get('cross-origin-resource-policy')).to.equal('cross-origin');
      const seen = await sharp(bytes).metadata();
      expect(seen).to.include({ format: 'webp', width, height: width }).and.not.have.property('exif');
      expect(bytes.includes('secret place')).to.equal(false);
    }
    expect((await ann.rest('GET', `/api/users/${ann.id}`)).body.avatarUrl).to.equal(body.avatarUrl);
  });

  it('a new one ends the old one at once, and removing it leaves no file', async () => {
    const before = await countFiles();
    const first = await upload(await picture('red'));
    const second = await ann.rest('POST', '/api/user/avatar', form(await picture('blue')));
    expect(second.body.avatarUrl).to.not.equal(first.body.avatarUrl);
    expect((await fetchAvatar(first.body.avatarUrl)).status).to.equal(404);
    expect((await fetchAvatar(second.body.avatarUrl)).status).to.equal(200);
    expect((await ann.rest('DELETE', '/api/users/me/avatar')).status).to.equal(204);
    expect((await fetchAvatar(second.body.avatarUrl)).status).to.equal(404);
    expect((await ann.rest('GET', '/api/users/me')).body.avatarUrl).to.equal(null);
    expect((await ann.rest('DELETE', '/api/users/me/avatar')).status, 'again').to.equal(204);
    expect(await countFiles()).to.equal(before);
  });

  it('is shown to friends, and so is its end', async () => {
    const bob = await buildUser(app.url);
    await befriend(ann, bob);
    const socket = await bob.connect();
    const { avatarUrl } = (await upload(await picture('red'))).body;
    expect((await socket.next('friend_updated')).user).to.include({ id: ann.id, avatarUrl });
    await ann.rest('DELETE', '/api/users/me/avatar');
    expect((await socket.next('friend_updated')).user).to.include({ id: ann.id, avatarUrl: null });
    socket.close();
  });

  it('several at once leave one', async () => {
    const before = await countFiles();
    const colours = ['red', 'green', 'blue', 'black'];
    const pictures = await Promise.all(colours.map(picture));
    const answers = await Promise.all(pictures.map((bytes) => upload(bytes)));
    for (const { status } of answers) expect(status).to.be.oneOf([201, 429]);
    expect((await fetchAvatar((await ann.rest('GET', '/api/users/me')).body.avatarUrl)).status).to.equal(200);
    expect(await countFiles()).to.equal(before + 2);
  });

  const refused: [string, () => Promise<Buffer>, number, string][] = [
    ['a text', async () => Buffer.from('just a text'), 415, 'unsupported_media_type'],
    [
      'an SVG',
      async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      415,
      'unsupported_media_type',
    ],
    ['half a picture', async () => (await picture('red')).subarray(0, 900), 400, 'image_invalid'],
    ['more than 10 MiB', async () => Buffer.alloc(10 * 1024 * 1024 + 1), 413, 'payload_too_large'],
  ];
  for (const [what, bytes, status, code] of refused) {
    it(`refuses ${what} and keeps the avatar there is`, async () => {
      const { avatarUrl } = (await upload(await picture('red'))).body;
      expect((await upload(await bytes())).body).to.include({ status, code });
      expect((await ann.rest('GET', '/api/users/me')).body.avatarUrl).to.equal(avatarUrl);
    });
  }

  it('refuses another field, no file at all, JSON, and a body that is no multipart', async () => {
    expect((await upload(await picture('red'), 'file')).body.code).to.equal('validation_failed');
    expect((await ann.rest('POST', '/api/users/me/avatar', new FormData())).body.code).to.equal(
      'validation_failed',
    );
    expect((await ann.rest('POST', '/api/users/me/avatar', {})).body.code).to.equal('unsupported_media_type');
    const broken = await rest(app.url, {
      method: 'POST',
      path: '/api/users/me/avatar',
      body: 'no multipart',
      token: ann.token,
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
    });
    expect(broken.body.code).to.equal('validation_failed');
  });

  it('wants to know who uploads before it reads anything', async () => {
    const call = { method: 'POST', path: '/api/users/me/avatar', body: form(await picture('red')) };
    expect((await rest(app.url, call)).body.code).to.equal('unauthenticated');
  });

  /** Begins an upload and leaves it open; answers how to send the rest and what is answered then. */
  async function beginUpload(user: TestUser, begun: Buffer) {
    const boundary = 'boundary-of-a-slow-upload';
    const request = httpRequest(`${app.url}/api/users/me/avatar`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${user.token}`,
        'content-type': `multipart/form-data; boundary=${boundary}`,
      },
    });
    request.on('error', () => {});
    request.write(`--${boundary}\r\nContent-Disposition: form-data; name="avatar"; filename="a.jpg"\r\n\r\n`);
    request.write(begun);
    const status = once(request, 'response').then(([response]) => (response as IncomingMessage).statusCode);
    return {
      finish: (rest: Buffer) => {
        request.write(rest);
        request.end(`\r\n--${boundary}--\r\n`);
        return status;
      },
      cut: () => request.destroy(),
    };
  }

  it('people who begin many uploads and go to sleep keep nobody from theirs', async () => {
    const sleepers = await Promise.all(Array.from({ length: 20 }, () => buildUser(app.url)));
    const uploads = await Promise.all(sleepers.map((sleeper) => beginUpload(sleeper, Buffer.from('x'))));
    expect((await upload(await picture('red'))).status).to.equal(201);
    for (const { cut } of uploads) cut();
  });

  it('a session that ends while its upload arrives changes nothing', async () => {
    const bytes = await picture('red');
    const { finish } = await beginUpload(ann, bytes.subarray(0, 500));
    await ann.rest('POST', '/api/auth/logout');
    expect(await finish(bytes.subarray(500))).to.equal(401);
    const again = await logInAgain(app.url, ann);
    expect((await again.rest('GET', '/api/users/me')).body.avatarUrl).to.equal(null);
  });

  it('is not found where nobody’s is', async () => {
    for (const path of [`/avatars/${'a'.repeat(24)}`, '/avatars/short', '/avatars/..%2f..%2fetc'])
      expect((await rest(app.url, { method: 'GET', path })).status).to.be.oneOf([400, 404]);
  });
});
