import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { expect } from 'chai';
import sharp, { type Sharp } from 'sharp';
import { AppError } from '../../src/core/errors.ts';
import { createImages } from '../../src/platform/images.ts';

const images = createImages({ mostAtOnce: 2 });

const red = { r: 255, g: 0, b: 0 };
const blue = { r: 0, g: 0, b: 255 };
const plain = (width: number, height: number, background: object) =>
  sharp({ create: { width, height, channels: 3, background } });
const noise = (width = 300, height = 200) =>
  sharp(randomBytes(width * height * 3), { raw: { width, height, channels: 3 } });

/** Red on the left, blue on the right. */
async function halves(width: number, height: number): Promise<Sharp> {
  const right = await plain(width / 2, height, blue)
    .png()
    .toBuffer();
  return plain(width, height, red).composite([{ input: right, left: width / 2, top: 0 }]);
}

async function pixelAt(picture: Buffer, left: number, top: number): Promise<number[]> {
  return [
    ...(await sharp(picture).extract({ left, top, width: 1, height: 1 }).removeAlpha().raw().toBuffer()),
  ];
}

function expectColour(pixel: number[], { r, g, b }: typeof red): void {
  for (const [at, wanted] of [r, g, b].entries()) expect(pixel[at]).to.be.closeTo(wanted, 12);
}

type Encode = (bytes: Buffer) => Promise<unknown>;
const asPicture = (bytes: Buffer) =>
  images.encodePicture(
    async () => bytes,
    async (picture) => picture,
  );

async function codeOf(bytes: Buffer, encode: Encode = images.encodeAvatar): Promise<string> {
  const failure = await encode(bytes).then(
    () => 'it was taken',
    (error: unknown) => error,
  );
  return failure instanceof AppError ? failure.code : String(failure);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** A PNG that says how large it is and has next to nothing in it. */
function pngClaiming(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const data = pngChunk('IDAT', Buffer.from('789c030000000001', 'hex'));
  return Buffer.concat([signature, pngChunk('IHDR', header), data, pngChunk('IEND', Buffer.alloc(0))]);
}

describe('avatars', () => {
  it('come out upright, square, in two sizes, as WebP', async () => {
    const sideways = (await halves(600, 400)).withMetadata({ orientation: 6 }).jpeg();
    const { large, small } = await images.encodeAvatar(await sideways.toBuffer());
    for (const [picture, size] of [
      [large, 512],
      [small, 128],
    ] as const) {
      const { format, width, height } = await sharp(picture).metadata();
      expect({ format, width, height }).to.deep.equal({ format: 'webp', width: size, height: size });
      expectColour(await pixelAt(picture, size / 2, 5), red);
      expectColour(await pixelAt(picture, size / 2, size - 6), blue);
    }
  });

  it('keep neither place, camera nor colour profile', async () => {
    const photograph = await noise()
      .withIccProfile('p3')
      .withExif({
        IFD0: { Make: 'SecretCamera' },
        IFD3: { GPSLatitude: '52/1 31/1 12/1', GPSLatitudeRef: 'N' },
      })
      .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"><SecretNote/></x:xmpmeta>')
      .jpeg()
      .toBuffer();
    expect(photograph.includes('SecretCamera') && photograph.includes('SecretNote')).to.equal(true);
    for (const picture of Object.values(await images.encodeAvatar(photograph))) {
      const { exif, xmp, icc, iptc, orientation } = await sharp(picture).metadata();
      expect([exif, xmp, icc, iptc, orientation]).to.deep.equal(Array(5).fill(undefined));
      expect(picture.includes('Secret') || picture.includes('EXIF')).to.equal(false);
    }
  });

  for (const format of ['jpeg', 'png', 'webp', 'gif', 'avif'] as const) {
    it(`are made of ${format}, which stays as it is; half of it is refused`, async () => {
      const bytes = await noise().toFormat(format).toBuffer();
      const before = Buffer.from(bytes);
      const { large } = await images.encodeAvatar(bytes);
      expect((await sharp(large).metadata()).width).to.equal(512);
      expect(bytes.equals(before)).to.equal(true);
      expect(await codeOf(bytes.subarray(0, bytes.length / 2))).to.equal('image_invalid');
    });
  }

  it('keep their colours, whatever the original counts them in', async () => {
    const orange = { r: 230, g: 120, b: 40 };
    const solid = () => plain(64, 64, orange);
    const originals = {
      'P3 profile': solid().withIccProfile('p3').png(),
      '16 bits': solid().toColourspace('rgb16').png(),
      palette: solid().png({ palette: true }),
      transparent: solid().ensureAlpha().png(),
    };
    for (const original of Object.values(originals)) {
      const { large } = await images.encodeAvatar(await original.toBuffer());
      expectColour(await pixelAt(large, 256, 256), orange);
    }
    const grey = await plain(64, 64, { r: 99, g: 99, b: 99 }).toColourspace('b-w').png().toBuffer();
    expectColour(await pixelAt((await images.encodeAvatar(grey)).large, 9, 9), { r: 99, g: 99, b: 99 });
  });

  it('show the first picture of an animation', async () => {
    const frames = await Promise.all([red, blue].map((colour) => plain(40, 40, colour).png().toBuffer()));
    const animation = await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer();
    expect((await sharp(animation).metadata()).pages).to.equal(2);
    const { large } = await images.encodeAvatar(animation);
    expect((await sharp(large).metadata()).height).to.equal(512);
    expectColour(await pixelAt(large, 256, 256), red);
  });

  it('are not made of what is no picture, whatever it is called', async () => {
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>';
    const others = {
      nothing: Buffer.alloc(0),
      text: Buffer.from('I am a picture, really'),
      svg: Buffer.from(svg),
      'svg as XML': Buffer.from(`<?xml version="1.0"?>\n${svg}`),
      zip: Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(60)]),
      tiff: await noise().tiff().toBuffer(),
      pdf: Buffer.from('%PDF-1.7\n'),
    };
    for (const [name, bytes] of Object.entries(others)) {
      expect(await codeOf(bytes), name).to.equal('unsupported_media_type');
    }
  });

  it('are not made of an SVG behind the first bytes of another format', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    for (const start of ['GIF89a', '\xff\xd8\xff', '\x89PNG\r\n\x1a\n']) {
      const bytes = Buffer.concat([Buffer.from(start, 'latin1'), svg]);
      expect(await codeOf(bytes)).to.be.oneOf(['image_invalid', 'unsupported_media_type']);
    }
    const decoding = await sharp(svg)
      .png()
      .toBuffer()
      .catch((error: Error) => error.message);
    expect(decoding).to.match(/unsupported image format/);
  });

  it('are not made of more than 24 million pixels', async () => {
    expect(await codeOf(pngClaiming(50_000, 50_000))).to.equal('image_invalid');
    expect(await codeOf(await plain(6000, 4001, red).png().toBuffer())).to.equal('image_invalid');
    expect(await codeOf(await plain(6000, 4000, red).png().toBuffer())).to.equal('it was taken');
  });

  it('are made a few at a time, however many come at once', async () => {
    const { encodeAvatar } = createImages({ mostAtOnce: 1 });
    const bytes = await noise(900, 900).png().toBuffer();
    let most = 0;
    const watch = setInterval(() => {
      const { queue, process } = sharp.counters();
      most = Math.max(most, queue + process);
    }, 1);
    const avatars = await Promise.all(Array.from({ length: 12 }, () => encodeAvatar(bytes)));
    clearInterval(watch);
    expect(avatars.length).to.equal(12);
    // the two sizes of one picture are encoded side by side, and sharp counts what has just ended
    expect(most).to.be.within(1, 4);
  });

  it('go on after pictures that were refused', async () => {
    const { encodeAvatar } = createImages({ mostAtOnce: 1 });
    const good = await noise().jpeg().toBuffer();
    const bad = good.subarray(0, good.length / 2);
    const outcomes = await Promise.allSettled([bad, good, bad, good].map((bytes) => encodeAvatar(bytes)));
    expect(outcomes.map(({ status }) => status)).to.deep.equal([
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
  });
});

describe('pictures', () => {
  it('come out upright, in their own format, with a thumbnail of 320 pixels at most', async () => {
    const turned = (await halves(600, 400)).withMetadata({ orientation: 6 });
    for (const format of ['jpeg', 'png', 'webp'] as const) {
      const { bytes, thumbnail, ...told } = await asPicture(await turned.clone().toFormat(format).toBuffer());
      expect(told).to.deep.equal({ mimeType: `image/${format}`, width: 400, height: 600 });
      expect(await sharp(bytes).metadata()).to.include({ format, width: 400, height: 600 });
      expectColour(await pixelAt(bytes, 200, 10), red);
      expectColour(await pixelAt(bytes, 200, 590), blue);
      expect(await sharp(thumbnail).metadata()).to.include({ format: 'webp', width: 213, height: 320 });
    }
    const { thumbnail } = await asPicture(await plain(30, 20, red).png().toBuffer());
    expect((await sharp(thumbnail).metadata()).width, 'never enlarged').to.equal(30);
  });

  it('keep neither place, camera nor notes, animated or not', async () => {
    const frames = await Promise.all([red, blue].map((colour) => plain(40, 40, colour).png().toBuffer()));
    const exif = { IFD0: { Make: 'SecretCamera' }, IFD3: { GPSLatitude: '52/1 31/1 12/1' } };
    const originals = [
      noise().withExif(exif).jpeg(),
      noise().withExif(exif).png(),
      noise().withExif(exif).avif(),
      sharp(frames, { join: { animated: true } })
        .withExif(exif)
        .webp(),
    ];
    for (const original of originals) {
      const bytes = await original
        .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"><SecretNote/></x:xmpmeta>')
        .toBuffer();
      expect(bytes.includes('SecretCamera')).to.equal(true);
      const picture = await asPicture(bytes);
      for (const encoded of [picture.bytes, picture.thumbnail]) {
        const { exif, xmp, icc, iptc } = await sharp(encoded).metadata();
        expect([exif, xmp, icc, iptc]).to.deep.equal(Array(4).fill(undefined));
        expect(encoded.includes('Secret')).to.equal(false);
      }
    }
  });

  it('stay animated as GIF and as WebP, each picture as it was and as long', async () => {
    const frames = await Promise.all([red, blue].map((colour) => plain(40, 30, colour).png().toBuffer()));
    for (const format of ['gif', 'webp'] as const) {
      const animation = await sharp(frames, { join: { animated: true } })
        .toFormat(format, { delay: [70, 130], loop: 3 })
        .toBuffer();
      const { bytes, width, height, thumbnail } = await asPicture(animation);
      expect([width, height]).to.deep.equal([40, 30]);
      const { pages, delay, loop } = await sharp(bytes).metadata();
      expect({ pages, delay, loop }).to.deep.equal({ pages: 2, delay: [70, 130], loop: 3 });
      expectColour(await pixelAt(await sharp(bytes, { page: 1 }).png().toBuffer(), 20, 20), blue);
      expect((await sharp(thumbnail).metadata()).pages ?? 1, 'a thumbnail stands still').to.equal(1);
    }
  });

  it('with a palette keep it, and their transparency', async () => {
    const drawing = await plain(100, 100, red).ensureAlpha(0.5).png({ palette: true }).toBuffer();
    const { bytes } = await asPicture(drawing);
    expect(await sharp(bytes).metadata()).to.include({ isPalette: true, hasAlpha: true });
  });

  it('are refused when they are broken, no pictures, or have too many pixels', async () => {
    const jpeg = await noise().jpeg().toBuffer();
    expect(await codeOf(jpeg.subarray(0, jpeg.length / 2), asPicture)).to.equal('image_invalid');
    expect(await codeOf(pngClaiming(100_000, 100_000), asPicture)).to.equal('image_invalid');
    expect(await codeOf(await plain(6000, 4001, red).png().toBuffer(), asPicture)).to.equal('image_invalid');
    for (const other of ['', 'text', '<svg xmlns="http://www.w3.org/2000/svg"/>'])
      expect(await codeOf(Buffer.from(other), asPicture)).to.equal('unsupported_media_type');
    const [odd, even] = await Promise.all(
      [red, blue].map((colour) => plain(2000, 1000, colour).png().toBuffer()),
    );
    const frames = Array.from({ length: 25 }, (_, at) => (at % 2 ? odd : even) ?? Buffer.alloc(0));
    const animation = await sharp(frames, { join: { animated: true } })
      .gif({ effort: 1 })
      .toBuffer();
    expect(await codeOf(animation, asPicture), '50 million in all').to.equal('image_invalid');
  });

  it('are read when their turn comes, which lasts until they are kept', async () => {
    const { encodePicture } = createImages({ mostAtOnce: 1 });
    const bytes = await noise().jpeg().toBuffer();
    let held = 0;
    const read = async () => {
      expect(++held).to.equal(1);
      return bytes;
    };
    const keep = async () => {
      await new Promise(setImmediate);
      held--;
    };
    await Promise.all(Array.from({ length: 8 }, () => encodePicture(read, keep)));
    expect(held).to.equal(0);
  });
});
