import { expect } from 'chai';
import QRCode from 'qrcode';
import sharp from 'sharp';
import { qrPng, qrSvg } from '../../src/platform/qr-images.ts';

const texts = [
  'https://chat.example.com/q/3fQk9aXw',
  '你好，世界 👋',
  `https://chat.example.com/${'x'.repeat(300)}`,
];
const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const margin = 2;

/** The dark modules in an image, row by row, its margin included. */
async function modulesIn(image: Buffer, size: number): Promise<boolean[]> {
  const scaled = sharp(image).resize(size * 8, size * 8, { kernel: 'nearest' });
  const { data, info } = await scaled.greyscale().raw().toBuffer({ resolveWithObject: true });
  return Array.from({ length: size * size }, (_, at) => {
    const [row, column] = [Math.floor(at / size) * 8 + 4, (at % size) * 8 + 4];
    return (data[(row * info.width + column) * info.channels] ?? 0) < 128;
  });
}

/** The dark modules that the standard lays out for a text at error correction M. */
function modulesOf(text: string): { size: number; modules: boolean[] } {
  const { modules } = QRCode.create(text, { errorCorrectionLevel: 'M' });
  const size = modules.size + 2 * margin;
  const isInside = (at: number) => at >= margin && at < size - margin;
  const dark = Array.from({ length: size * size }, (_, at) => {
    const [row, column] = [Math.floor(at / size), at % size];
    return isInside(row) && isInside(column) && modules.get(row - margin, column - margin) === 1;
  });
  return { size, modules: dark };
}

describe('platform: images of QR codes', () => {
  // elsewhere in this process pictures that people send are decoded, and SVG is blocked for that
  before(() => sharp.unblock({ operation: ['VipsForeignLoadSvg'] }));
  after(() => sharp.block({ operation: ['VipsForeignLoadSvg'] }));

  it('makes a PNG 512 pixels wide and high', async () => {
    for (const text of texts) {
      const png = await qrPng(text);
      expect(png.subarray(0, 8)).to.deep.equal(signature);
      const { format, width, height } = await sharp(png).metadata();
      expect([format, width, height]).to.deep.equal(['png', 512, 512]);
    }
  });

  it('makes an SVG document that scales and runs nothing', async () => {
    for (const text of texts) {
      const svg = await qrSvg(text);
      expect(svg).to.match(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" .*<\/svg>\s*$/s);
      expect(svg).to.not.match(/<script|\bon\w+=|href/i);
      const { format, width, height } = await sharp(Buffer.from(svg)).metadata();
      expect([format, width]).to.deep.equal(['svg', height]);
    }
  });

  it('draws the same code in both, the one of the text, with a margin of two modules', async () => {
    for (const text of texts) {
      const { size, modules } = modulesOf(text);
      expect(await modulesIn(await qrPng(text), size)).to.deep.equal(modules);
      expect(await modulesIn(Buffer.from(await qrSvg(text)), size)).to.deep.equal(modules);
    }
  });

  it('draws different texts differently, and one text always alike', async () => {
    const [one = '', other = ''] = texts;
    expect(await qrSvg(one)).to.not.equal(await qrSvg(other));
    expect(await qrSvg(one)).to.equal(await qrSvg(one));
    expect((await qrPng(one)).equals(await qrPng(other))).to.equal(false);
  });

  it('rejects what no code can hold', async () => {
    for (const text of ['', 'x'.repeat(5000)]) {
      for (const image of [qrPng, qrSvg]) {
        const outcome = await image(text).then(
          () => 'made',
          () => 'rejected',
        );
        expect(outcome).to.equal('rejected');
      }
    }
  });
});
