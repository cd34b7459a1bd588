import { once } from 'node:events';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import { unzipSync } from 'fflate';
import { zipOf } from '../../src/platform/zip.ts';

describe('platform: zip', () => {
  async function read(zip: Readable): Promise<Record<string, string>> {
    const chunks: Buffer[] = [];
    for await (const chunk of zip) chunks.push(chunk as Buffer);
    const files = Object.entries(unzipSync(new Uint8Array(Buffer.concat(chunks))));
    return Object.fromEntries(files.map(([name, bytes]) => [name, Buffer.from(bytes).toString()]));
  }

  it('packs texts, bytes and streams under their names', async () => {
    const files = [
      { name: 'a.txt', content: '文字' },
      { name: 'b.txt', content: Buffer.from('bytes') },
      { name: 'c.txt', content: Readable.from(['a ', 'stream'], { objectMode: false }) },
      { name: 'empty.txt', content: Readable.from([], { objectMode: false }) },
    ];
    expect(await read(await zipOf(files))).to.deep.equal({
      'a.txt': '文字',
      'b.txt': 'bytes',
      'c.txt': 'a stream',
      'empty.txt': '',
    });
    expect(await read(await zipOf([]))).to.deep.equal({});
  });

  it('takes no more from a source than its reader takes from it, and closes it when nobody reads on', async () => {
    let given = 0;
    let isClosed = false;
    async function* endless() {
      try {
        for (;;) {
          given += 65_536;
          // what hardly shrinks, so that the zip is about as long as its source
          yield Buffer.from(Array.from({ length: 65_536 }, () => Math.random() * 256));
        }
      } finally {
        isClosed = true;
      }
    }
    const content = Readable.from(endless(), { objectMode: false });
    const other = Readable.from(['never reached'], { objectMode: false });
    const zip = await zipOf([
      { name: 'endless', content },
      { name: 'other', content: other },
    ]);
    let taken = 0;
    for await (const chunk of zip) {
      taken += (chunk as Buffer).length;
      expect(given - taken, 'held in memory').to.be.below(2 * 1024 * 1024);
      if (taken > 8 * 1024 * 1024) break;
    }
    if (!content.closed) await once(content, 'close');
    expect([isClosed, other.destroyed]).to.deep.equal([true, true]);
  });

  it('breaks off when a source does, so that nobody takes a part for the whole', async () => {
    async function* broken() {
      yield 'the beginning';
      throw new Error('the database is away');
    }
    const content = Readable.from(broken(), { objectMode: false });
    const failure = await read(await zipOf([{ name: 'broken', content }])).catch(
      (error: Error) => error.message,
    );
    expect(failure).to.equal('the database is away');
  });
});
