import { expect } from 'chai';
import { zipSync } from 'fflate';
import sharp from 'sharp';
import { buildUser, type TestUser } from '../support/builders.ts';
import { rest } from '../support/clients.ts';
import { fileForm, openVault, plain, upload, type Vault } from '../support/files.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const mebibyte = 1024 * 1024;
const pathOf = (url: unknown) => {
  const { pathname, search } = new URL(String(url));
  return pathname + search;
};

const officeXml = 'application/vnd.openxmlformats-officedocument';
const contentTypes = `<Types><Override PartName="/word/document.xml" ContentType="${officeXml}.wordprocessingml.document.main+xml"/></Types>`;
const zip = (entries: Record<string, Uint8Array>) => Buffer.from(zipSync(entries, { mtime: '2000-01-01' }));
const docx = zip({
  '[Content_Types].xml': Buffer.from(contentTypes),
  'word/document.xml': Buffer.from('<w:document/>'),
});
const bomb = zip({ zeros: Buffer.alloc(20 * mebibyte) });

/** The smallest bytes that are recognised as each of these, padded to some length. */
const samples: [string, string, Buffer, string][] = [
  ['PDF', 'a.pdf', Buffer.from('%PDF-1.7\n'), 'application/pdf'],
  ['MP3', 'a.mp3', Buffer.from([0xff, 0xfb, 0x90, 0x64, ...Array(420).fill(0)]), 'audio/mpeg'],
  ['MP4', 'a.mp4', Buffer.from('\0\0\0\x18ftypisom\0\0\0\0isomiso2', 'latin1'), 'video/mp4'],
  ['M4A', 'a.m4a', Buffer.from('\0\0\0\x18ftypM4A \0\0\0\0M4A mp42', 'latin1'), 'audio/mp4'],
  ['QuickTime', 'a.mov', Buffer.from('\0\0\0\x14ftypqt  \0\0\0\0qt  ', 'latin1'), 'video/quicktime'],
  ['WAV', 'a.wav', Buffer.from('RIFF\x24\0\0\0WAVEfmt \x10\0\0\0', 'latin1'), 'audio/wav'],
  ['AMR', 'a.amr', Buffer.from('#!AMR\n\0\0\0\0'), 'audio/amr'],
  ['zip', 'a.zip', Buffer.from(`PK\x05\x06${'\0'.repeat(18)}`, 'latin1'), 'application/zip'],
  ['gzip', 'a.gz', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]), 'application/gzip'],
  ['7z', 'a.7z', Buffer.from([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c, 0, 4]), 'application/x-7z-compressed'],
  ['old Office', 'a.doc', Buffer.from('d0cf11e0a1b11ae1', 'hex'), 'application/x-cfb'],
  ['Word', 'a.docx', docx, `${officeXml}.wordprocessingml.document`],
  ['a zip bomb, which nobody unpacks', 'b.zip', bomb, 'application/zip'],
  ['JSON', 'a.json', Buffer.from('{"a": 1}\n'), 'text/plain'],
  ['Markdown in Chinese', '说明.md', Buffer.from('# 标题\n\t你好，世界 🎉\n'), 'text/plain'],
  ['a text that begins like a bitmap', 'a.txt', Buffer.from('BM25 ranks documents'), 'text/plain'],
];

describe('files: POST /api/files', () => {
  let app: TestApp;
  let vault: Vault;
  let ann: TestUser;
  before(async () => {
    app = await startApp();
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

  for (const [what, name, bytes, mimeType] of samples) {
    it(`keeps ${what} byte by byte, and knows it by what it is`, async () => {
      const { status, body } = await upload(ann, bytes, name, 'application/x-whatever');
      expect(status).to.equal(201);
      expect(body).to.deep.equal({
        id: body.id,
        url: `${app.config.publicUrl}/api/files/${String(body.id)}`,
        name,
        size: bytes.length,
        mimeType,
      });
      const fetched = await ann.rest('GET', pathOf(body.url));
      expect(fetched.bytes.equals(bytes)).to.equal(true);
      expect(fetched.headers.get('content-type')?.split(';')[0]).to.equal(mimeType);
      expect(await vault.usageOf(ann.id)).to.equal(bytes.length);
    });
  }

  it('takes a recording that is sound alone for sound, as only its sender knows', async () => {
    const webm = Buffer.from('1a45dfa39f4286810142f7810142f2810442f381084282847765626d42878104', 'hex');
    expect((await upload(ann, webm, 'v.webm', 'video/webm')).body.mimeType).to.equal('video/webm');
    expect((await upload(ann, webm, 'v.webm', 'audio/webm')).body.mimeType).to.equal('audio/webm');
    expect((await upload(ann, webm, 'v.webm', 'text/html')).body.mimeType).to.equal('video/webm');
  });

  it('encodes a photograph anew: upright, without place and camera, with a thumbnail', async () => {
    const photograph = await plain(800, 600, 'red')
      .withExif({ IFD0: { Make: 'SecretCamera' }, IFD3: { GPSLatitude: '52/1 31/1 12/1' } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const { body } = await upload(ann, photograph, 'photo.jpg');
    expect(body).to.include({ name: 'photo.jpg', mimeType: 'image/jpeg', width: 600, height: 800 });
    const { bytes, headers } = await ann.rest('GET', pathOf(body.url));
    expect(bytes.length).to.equal(body.size);
    expect(headers.get('content-type')).to.equal('image/jpeg');
    const seen = await sharp(bytes).metadata();
    expect([seen.width, seen.height, seen.exif, seen.orientation]).to.deep.equal([
      600,
      800,
      undefined,
      undefined,
    ]);
    expect(bytes.includes('SecretCamera')).to.equal(false);
    const small = await ann.rest('GET', pathOf(body.thumbnailUrl));
    expect(small.headers.get('content-type')).to.equal('image/webp');
    expect(await sharp(small.bytes).metadata()).to.include({ format: 'webp', width: 240, height: 320 });
    // what came from the camera is nowhere any more
    expect((await vault.storedNames()).filter((name) => name.endsWith('-raw'))).to.deep.equal([]);
    expect(await vault.usageOf(ann.id)).to.equal(bytes.length + small.bytes.length);
  });

  it('keeps animations moving, and knows the size of one picture', async () => {
    const frames = await Promise.all(['red', 'blue'].map((colour) => plain(60, 40, colour).png().toBuffer()));
    for (const format of ['gif', 'webp'] as const) {
      const animation = await sharp(frames, { join: { animated: true } })
        .toFormat(format)
        .toBuffer();
      const { body } = await upload(ann, animation, `a.${format}`);
      expect(body).to.include({ mimeType: `image/${format}`, width: 60, height: 40 });
      expect((await sharp((await ann.rest('GET', pathOf(body.url))).bytes).metadata()).pages).to.equal(2);
    }
  });

  it('gives AVIF as WebP, and calls it so', async () => {
    const { body } = await upload(ann, await plain(50, 50, 'red').avif().toBuffer(), 'photo.avif');
    expect(body).to.include({ name: 'photo.webp', mimeType: 'image/webp' });
  });

  const names: [string, string][] = [
    ['报告（最终版）.pdf', '报告（最终版）.pdf'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\ann\\note.txt', 'note.txt'],
    ['..%2f..%2fetc', '..%2f..%2fetc'],
    ['a\u202Etxt.exe', 'atxt.exe'],
    ['a\u200Bb\u0085c.txt', 'abc.txt'],
    ['👩‍🚀 "quoted".txt', '👩‍🚀 "quoted".txt'],
    ['...', 'file'],
    ['\u200B', 'file'],
    [`${'长'.repeat(200)}.pdf`, `${'长'.repeat(83)}.pdf`],
  ];
  for (const [given, kept] of names) {
    it(`calls ${JSON.stringify(given.slice(0, 30))} ${JSON.stringify(kept.slice(0, 30))}`, async () => {
      const { body } = await upload(ann, 'x', given);
      expect(body.name).to.equal(kept);
      const disposition = (await ann.rest('GET', pathOf(body.url))).headers.get('content-disposition') ?? '';
      expect(disposition).to.match(/^attachment; filename/);
      const encoded = /filename\*=UTF-8''(\S+)$/.exec(disposition)?.[1];
      if (encoded !== undefined) expect(decodeURIComponent(encoded)).to.equal(kept);
    });
  }

  const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
  const refused: [string, string, Buffer, number, string][] = [
    ['an HTML page called a picture', 'a.png', Buffer.from('<!doctype html><script>1</script>'), 415, ''],
    ['HTML behind blanks', 'a.txt', Buffer.from('\ufeff \n\t<html>'), 415, ''],
    ['an SVG', 'a.svg', Buffer.from(svg), 415, ''],
    ['an SVG as XML', 'a.svg', Buffer.from(`<?xml version="1.0"?>${svg}`), 415, ''],
    ['a program', 'a.exe', Buffer.concat([Buffer.from('MZ'), Buffer.alloc(200)]), 415, ''],
    ['bytes that nobody knows', 'a.bin', Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]), 415, ''],
    ['text in another encoding', 'a.txt', Buffer.from([0xc4, 0xe3, 0xba, 0xc3]), 415, ''],
    [
      'text that turns binary late',
      'a.txt',
      Buffer.concat([Buffer.alloc(200_000, 'a'), Buffer.from([0])]),
      415,
      '',
    ],
    ['text cut inside a character', 'a.txt', Buffer.from('你好').subarray(0, 5), 415, ''],
    ['TIFF, which is not on the list', 'a.tiff', Buffer.from('II*\0\x08\0\0\0', 'latin1'), 415, ''],
    ['a GIF that is a script', 'a.gif', Buffer.from('GIF89a/*\0\0*/=1;alert(1)'), 400, 'image_invalid'],
    ['nothing', 'a.txt', Buffer.alloc(0), 400, 'validation_failed'],
    [
      'a picture above 10 MiB',
      'a.png',
      Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), Buffer.alloc(10 * mebibyte)]),
      413,
      'payload_too_large',
    ],
  ];
  for (const [what, name, bytes, status, code] of refused) {
    it(`refuses ${what}, and keeps nothing of it`, async () => {
      const before = await vault.census();
      const answer = await upload(ann, bytes, name, 'image/png');
      expect(answer.body).to.include({ status, code: code || 'unsupported_media_type' });
      expect(await vault.census()).to.deep.equal(before);
      expect(await vault.usageOf(ann.id)).to.equal(0);
    });
  }

  it('refuses 50 MiB and a byte, and takes 50 MiB', async () => {
    const before = await vault.census();
    const pdf = Buffer.alloc(50 * mebibyte + 1, '%PDF-1.7\n');
    const { body } = await upload(ann, pdf, 'a.pdf');
    expect(body).to.include({ status: 413, code: 'payload_too_large' });
    expect(await vault.census()).to.deep.equal(before);
    const taken = await upload(ann, pdf.subarray(0, 50 * mebibyte), 'a.pdf');
    expect([taken.status, taken.body.size]).to.deep.equal([201, 50 * mebibyte]);
  });

  it('refuses another field, several files, none, and a body that is no multipart or JSON', async () => {
    const before = await vault.census();
    const other = new FormData();
    other.append('other', new Blob(['x']), 'a.txt');
    const two = fileForm('x');
    two.append('file', new Blob(['y']), 'b.txt');
    const text = new FormData();
    text.append('file', 'no file');
    for (const body of [other, two, text, new FormData()])
      expect((await ann.rest('POST', '/api/files', body)).body.code).to.equal('validation_failed');
    expect((await ann.rest('POST', '/api/files', {})).body.code).to.equal('unsupported_media_type');
    for (const body of [
      'no multipart',
      '--x\r\n',
      '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc',
    ]) {
      const headers = { 'content-type': 'multipart/form-data; boundary=x' };
      const answer = await rest(app.url, {
        method: 'POST',
        path: '/api/files',
        body,
        token: ann.token,
        headers,
      });
      expect(answer.body.code).to.equal('validation_failed');
    }
    expect(await vault.census()).to.deep.equal(before);
  });

  it('wants to know who uploads', async () => {
    const call = { method: 'POST', path: '/api/files', body: fileForm('x') };
    expect((await rest(app.url, call)).body.code).to.equal('unauthenticated');
  });
});
