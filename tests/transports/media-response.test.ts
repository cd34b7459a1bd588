import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import express from 'express';
import { Media } from '../../src/core/media.ts';
import { sendMedia } from '../../src/transports/media-response.ts';

const mebibyte = 1024 * 1024;

describe('media', () => {
  it('wait for who reads them, and are cut off when nobody does', async () => {
    let given = 0;
    const content = new Readable({
      read() {
        given += 65_536;
        this.push(Buffer.alloc(65_536));
      },
    });
    const app = express();
    app.get('/', async (request, response) => {
      const media = new Media('video/mp4', { size: 1e9, read: async () => content });
      await sendMedia({ request, response }, media, 300);
    });
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => {});
    socket.pause();
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => content.once('close', resolve));
    expect(given).to.be.lessThan(16 * mebibyte);
    socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
});
