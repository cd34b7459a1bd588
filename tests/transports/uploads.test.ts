import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import express from 'express';
import type { IncomingFile } from '../../src/core/actor.ts';
import { AppError } from '../../src/core/errors.ts';
import { createUploads } from '../../src/transports/uploads.ts';
import { beginUpload, type SlowUpload } from '../support/slow-upload.ts';

const mebibyte = 1024 * 1024;
const silentMs = 300;

interface Scene {
  use(file: IncomingFile): Promise<unknown>;
  readmit?(): Promise<void>;
  idleWithinMs?: number;
  arrivesWithinMs?: number;
}

describe('uploads that are streamed', () => {
  let server: Server;
  let connection: Socket;
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  /** A server with one route that takes an upload and does this with it. */
  async function serve({ use, readmit = async () => {}, ...patience }: Scene): Promise<string> {
    const kind = {
      perPerson: 3,
      patience: { idleWithinMs: silentMs, arrivesWithinMs: 60_000, ...patience },
    };
    const uploads = createUploads({ buffer: kind, stream: kind });
    const app = express();
    app.post('/', async (request, response) => {
      const userId = request.get('user') ?? 'ann';
      const receiving = { userId, readmit, use: (file: unknown) => use(file as IncomingFile) };
      const upload = { field: 'file', as: 'stream' } as const;
      await uploads.receive({ request, response }, upload, receiving).then(
        (result) => response.json({ result }),
        (error: AppError) => response.status(400).json({ code: error.code }),
      );
    });
    server = app.listen(0, '127.0.0.1');
    server.on('connection', (socket: Socket) => {
      connection = socket;
    });
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it('are not read faster than they are taken', async () => {
    let take = () => {};
    const isTaken = new Promise<void>((resolve) => {
      take = resolve;
    });
    const url = await serve({
      async use({ content }) {
        await isTaken;
        return (await buffer(content)).length;
      },
    });
    const { send, request, finish } = beginUpload(url, { path: '/' });
    const sending = send(Buffer.alloc(60 * mebibyte));
    // the connection is full when it has not moved for some looks, longer than a client may be silent
    let before = -1;
    while (before !== connection?.bytesRead) {
      before = connection?.bytesRead ?? -1;
      await new Promise((resolve) => setTimeout(resolve, 2 * silentMs));
    }
    expect(before).to.be.lessThan(2 * mebibyte);
    expect(request.destroyed, 'it is not the client that is silent').to.equal(false);
    take();
    await sending;
    expect((await finish()).body).to.deep.equal({ result: 60 * mebibyte });
  });

  it('end only when the whole body has proved well-formed', async () => {
    let fate = '';
    const url = await serve({
      use: ({ content }) =>
        buffer(content).catch((error: AppError) => {
          fate = error.code;
          throw error;
        }),
    });
    const { send, request, answer } = beginUpload(url, { path: '/' });
    await send(
      'one\r\n--boundary-of-a-slow-upload\r\nContent-Disposition: form-data; name="file"; filename="b"\r\n\r\ntwo',
    );
    request.end('\r\n--boundary-of-a-slow-upload--\r\n');
    expect((await answer).body).to.deep.equal({ code: 'validation_failed' });
    expect(fate).to.equal('validation_failed');
  });

  it('fail when their sender may not any more', async () => {
    const url = await serve({
      use: ({ content }) => buffer(content),
      readmit: () => Promise.reject(new AppError('unauthenticated')),
    });
    expect((await beginUpload(url, { path: '/' }).finish()).body).to.deep.equal({ code: 'unauthenticated' });
  });

  /** What an upload fails with whose sender does this for ever. */
  async function fateOf(misuse: (upload: SlowUpload) => void, arrivesWithinMs?: number): Promise<string> {
    let tell: (error: AppError) => void = () => {};
    const failure = new Promise<AppError>((resolve) => {
      tell = resolve;
    });
    const use = ({ content }: IncomingFile) => buffer(content).catch(tell);
    const url = await serve({ use, ...(arrivesWithinMs !== undefined && { arrivesWithinMs }) });
    const upload = beginUpload(url, { path: '/' });
    await upload.send('x');
    misuse(upload);
    await upload.closed;
    return (await failure).code;
  }

  it('are cut off when their sender is silent', async () => {
    expect(await fateOf(() => {})).to.equal('validation_failed');
  });

  it('are cut off when they take for ever', async () => {
    const drip = ({ send, closed }: SlowUpload) => {
      const timer = setInterval(() => void send('x'), 50);
      void closed.then(() => clearInterval(timer));
    };
    expect(await fateOf(drip, 900)).to.equal('validation_failed');
  });

  it('that are refused are read on and dropped for a while, then cut off', async () => {
    const url = await serve({ use: () => Promise.reject(new AppError('unsupported_media_type')) });
    const { send, answer, closed } = beginUpload(url, { path: '/' });
    await send('x');
    expect((await answer).body).to.deep.equal({ code: 'unsupported_media_type' });
    for (let sent = 0; sent < 80 && !connection.destroyed; sent++) await send(Buffer.alloc(mebibyte));
    await closed;
    expect(connection.bytesRead).to.be.within(64 * mebibyte, 66 * mebibyte);
  });

  it('are so many at a time that they hold little, whoever sends them', async () => {
    let begun = 0;
    let tell = () => {};
    const areBegun = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const url = await serve({
      idleWithinMs: 60_000,
      use({ content }) {
        if (++begun === 64) tell();
        return buffer(content).then(({ length }) => length);
      },
    });
    const uploads = Array.from({ length: 64 }, (_, at) =>
      beginUpload(url, { path: '/', user: `user ${at}` }),
    );
    for (const { send } of uploads) void send('x');
    await areBegun;
    const late = () => beginUpload(url, { path: '/', user: 'late' });
    expect((await late().finish()).body).to.deep.equal({ code: 'unavailable' });
    await Promise.all(uploads.map(({ finish }) => finish()));
    expect((await late().finish()).status).to.equal(200);
  });

  it('of another field are refused at once', async () => {
    const url = await serve({ use: () => Promise.reject(new Error('not to be called')) });
    const { send, answer, cut } = beginUpload(url, { path: '/', field: 'other' });
    await send('x');
    expect((await answer).body).to.deep.equal({ code: 'validation_failed' });
    cut();
  });
});
