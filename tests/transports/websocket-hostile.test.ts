import { expect } from 'chai';
import { operations } from '../../src/contracts.ts';
import { buildFriends, buildUser, type TestUser } from '../support/builders.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { createWitness, type Witness } from '../support/witness.ts';
import { WsClient } from '../support/ws-client.ts';

const nest = (depth: number, inner: string) => `${'['.repeat(depth)}${inner}${']'.repeat(depth)}`;

/** What is no frame of the protocol. */
const noFrames: [string, string | Buffer][] = [
  ['no JSON', 'hello'],
  ['cut JSON', '{"type":"profile_get"'],
  ['nothing', ''],
  ['an array', '[]'],
  ['null', 'null'],
  ['a number', '1'],
  ['a string', '"profile_get"'],
  ['an array nested 30,000 deep', nest(30_000, '')],
  ['an object without a type', '{}'],
  ['a type that is a number', '{"type":1}'],
  ['a type that is null', '{"type":null}'],
  ['a type that is an operator', '{"type":{"$ne":null}}'],
  ['a type nested 20,000 deep', `{"type":${nest(20_000, '1')}}`],
  ['a type under __proto__', '{"__proto__":{"type":"profile_get"}}'],
  ['an id that is an object', '{"type":"profile_get","id":{}}'],
  ['an id that is null', '{"type":"profile_get","id":null}'],
  ['an id of 65 characters', `{"type":"profile_get","id":"${'x'.repeat(65)}"}`],
  ['an id that JSON cannot give back', '{"type":"profile_get","id":1e400}'],
  ['an id with a lone surrogate', '{"type":"profile_get","id":"\\ud800"}'],
  ['bytes', Buffer.from('{"type":"profile_get"}')],
];

/** Members of a frame that no operation takes. */
const wrongMembers: [string, string][] = [
  ['a text with NUL', '"junk":"\\u0000"'],
  ['a lone surrogate', '"junk":"\\udfff"'],
  ['a number that JSON cannot give back', '"junk":1e400'],
  ['members nested one level too deep', `"junk":${nest(32, '1')}`],
  ['members nested 6,000 deep', `"junk":${nest(6000, '1')}`],
  ['a lone surrogate under __proto__', '"__proto__":{"junk":"\\udfff"}'],
];

describe('hostile frames on /ws', () => {
  let app: TestApp;
  let witness: Witness;
  let attacker: TestUser;
  let client: WsClient;
  before(async () => {
    app = await startApp();
    [witness, attacker] = await Promise.all([createWitness(app.url), buildUser(app.url)]);
  });
  beforeEach(async () => {
    client = await WsClient.withHeader(app.url, attacker.token);
  });
  afterEach(async () => {
    client.close();
    await witness.isServed();
  });
  after(async () => {
    witness.close();
    await app.close();
  });

  /** The connection goes on. */
  const goesOn = async () => {
    expect(await client.call('profile_get', {})).to.include({ id: attacker.id });
  };

  for (const [what, frame] of noFrames) {
    it(`${what} is answered by error, validation_failed, and the connection goes on`, async () => {
      client.send(frame);
      const answer = await client.take(() => true);
      expect(answer).to.have.all.keys('type', 'error').and.include({ type: 'error' });
      expect(answer.error).to.include({ code: 'validation_failed', status: 400 });
      expect(answer.error?.detail).to.be.a('string');
      await goesOn();
    });
  }

  for (const [what, members] of wrongMembers) {
    it(`${what} is refused by every operation, under the id of the frame`, async () => {
      const types = operations.flatMap(({ event, frames = [] }) => [
        ...(event ? [event] : []),
        ...frames.map(({ type }) => type),
      ]);
      for (const type of types) {
        client.send(`{"type":"${type}","id":"${type}",${members}}`);
        const { error } = await client.take(({ id }) => id === type);
        expect(error?.code, type).to.equal('validation_failed');
      }
    });
  }

  for (const type of ['no_such_type', '__proto__', 'constructor', 'toString', '', 'ack', 'error', 'pong']) {
    it(`a type ${JSON.stringify(type)} that nobody knows is answered by ack, unknown_event`, async () => {
      expect(await client.ask({ type })).to.include({ type: 'ack', ok: false });
      client.send({ type });
      const answer = await client.take(() => true);
      expect(answer).to.have.all.keys('type', 'ok', 'error');
      expect(answer.error).to.include({ code: 'unknown_event', status: 400 });
      await goesOn();
    });
  }

  it('an id of 64 characters and any number come back as they were', async () => {
    for (const id of ['', 'x'.repeat(64), '字'.repeat(64), 0, -1.5, 2 ** 53]) {
      client.send({ type: 'profile_get', id });
      expect((await client.take(() => true)).id).to.equal(id);
    }
  });

  it('changes nothing and pollutes no prototype by what it refuses', async () => {
    client.send('{"type":"profile_update","id":"a","nickname":"x","bio":{"$ne":null}}');
    expect((await client.take(({ id }) => id === 'a')).error?.code).to.equal('validation_failed');
    client.send('{"type":"friend_list","id":"b","__proto__":{"polluted":true}}');
    await client.take(({ id }) => id === 'b');
    expect((await client.call('profile_get', {})).nickname).not.to.equal('x');
    expect(({} as Record<string, unknown>).polluted).to.equal(undefined);
  });

  for (const [what, send, code] of [
    ['a text above 64 KiB', (to) => to.send(`{"type":"x","pad":"${'x'.repeat(65_536)}"}`), 1009],
    ['bytes above 64 KiB', (to) => to.send(Buffer.alloc(65_537)), 1009],
    [
      'fragments of more than 64 KiB together',
      ({ socket }) => {
        for (let sent = 0; sent < 70; sent++) socket.send('x'.repeat(1024), { fin: false });
      },
      1009,
    ],
    [
      'empty fragments without an end',
      ({ socket }) => {
        for (let sent = 0; sent < 20_000; sent++) socket.send('', { fin: false });
      },
      1008,
    ],
    ['text that is not UTF-8', ({ socket }) => socket.send(Buffer.of(0xff), { binary: false }), 1007],
    ['a frame that is not masked', ({ socket }) => socket.send('{}', { mask: false }), 1002],
  ] as [string, (client: WsClient) => void, number][]) {
    it(`${what} closes that connection with ${code}, and no other`, async () => {
      const neighbour = await WsClient.withHeader(app.url, attacker.token);
      send(client);
      expect(await client.closed()).to.equal(code);
      await neighbour.call('profile_get', {});
      neighbour.close();
    });
  }

  it('fragments that are one frame together are taken as that', async () => {
    client.socket.send('{"type":"profi', { fin: false });
    client.socket.ping();
    client.socket.send('le_get","id":1}', { fin: true });
    expect(await client.take(() => true)).to.include({ type: 'ack', id: 1, ok: true });
  });

  it('2,000 questions at once are all answered', async () => {
    const answered = new Promise<void>((resolve) => {
      client.socket.on('message', () => {
        if (client.frames.length === 2000) resolve();
      });
    });
    for (let id = 0; id < 2000; id++) client.send({ type: 'profile_get', id });
    await answered;
    expect(new Set(client.frames.map(({ id }) => id)).size).to.equal(2000);
    expect(client.frames.every(({ ok }) => ok)).to.equal(true);
  });

  it('messages sent without waiting keep their order', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const sender = await WsClient.withHeader(app.url, ann.token);
    const sends = Array.from({ length: 200 }, (_, index) =>
      index % 2
        ? sender.call('private_message', { receiverId: bob.id, content: `${index}` })
        : sender
            .ask({ type: 'text_message', receiverId: bob.id, content: `${index}` })
            .then(({ data }) => data),
    );
    const seqs = (await Promise.all(sends)).map((message) => (message as { seq: number }).seq);
    expect(seqs).to.deep.equal(Array.from({ length: 200 }, (_, index) => index + 1));
    sender.close();
  });
});

describe('floods on /ws, with limits on', () => {
  let app: TestApp;
  let witness: Witness;
  before(async () => {
    app = await startApp({ hasRateLimits: true });
    witness = await createWitness(app.url);
  });
  afterEach(() => witness.isServed());
  after(async () => {
    witness.close();
    await app.close();
  });

  it('are answered rate_limited with retryAfterMs, in the same buckets as on Socket.IO', async () => {
    const flooder = await buildUser(app.url);
    const [client, socket] = [await WsClient.withHeader(app.url, flooder.token), await flooder.connect()];
    const answers = await Promise.all(
      Array.from({ length: 250 }, () => client.ask({ type: 'no_such_type' })),
    );
    expect(new Set(answers.map(({ error }) => error?.code))).to.deep.equal(
      new Set(['unknown_event', 'rate_limited']),
    );
    expect(answers.at(-1)?.error?.retryAfterMs).to.be.within(1, 5000);
    await socket.refused('another_unknown_event', {}, 'rate_limited');
    await client.call('profile_get', {});
    socket.close();
    client.close();
  });

  for (const [what, send] of [
    ['frames that are none', (client) => client.send('[')],
    ['unknown types', (client) => client.send({ type: 'no_such_type' })],
    ['pings', ({ socket }) => socket.ping()],
    ['pongs', ({ socket }) => socket.pong()],
  ] as [string, (client: WsClient) => void][]) {
    it(`close the socket of who goes on to send ${what}, with 1008, and no other`, async () => {
      const flooder = await buildUser(app.url);
      const client = await WsClient.withHeader(app.url, flooder.token);
      const elsewhere = await WsClient.withHeader(app.url, flooder.token);
      for (let sent = 0; sent < 500; sent++) send(client);
      expect(await client.closed()).to.equal(1008);
      await elsewhere.call('profile_get', {});
      elsewhere.close();
    });
  }

  it('of handshakes are refused by address: 429 with Retry-After', async () => {
    const statuses = new Set<number | undefined>();
    for (let round = 0; round < 11; round++) {
      const refusals = Array.from({ length: 100 }, () => {
        const client = new WsClient(app.url, { headers: { authorization: 'bad' } });
        return new Promise<number | undefined>((resolve) =>
          client.socket.on('unexpected-response', (_request, response) => {
            response.resume();
            if (response.statusCode === 429)
              expect(Number(response.headers['retry-after'])).to.be.within(1, 10);
            resolve(response.statusCode);
          }),
        );
      });
      for (const status of await Promise.all(refusals)) statuses.add(status);
    }
    expect(statuses).to.deep.equal(new Set([401, 429]));
  });
});
