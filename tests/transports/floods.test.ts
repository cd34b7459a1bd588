import { expect } from 'chai';
import { buildFriends, buildUser, type TestUser, uniqueEmail } from '../support/builders.ts';
import { rest } from '../support/clients.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { createWitness, type Witness } from '../support/witness.ts';

describe('floods, with limits on', () => {
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

  it('lets 5 seconds’ worth of 20 messages a second pass at once', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const socket = await ann.connect();
    const sends = Array.from({ length: 100 }, (_, index) =>
      socket.call('private_message', { receiverId: bob.id, content: `message ${index}` }),
    );
    expect((await Promise.all(sends)).map(({ seq }) => seq)).to.deep.equal(
      Array.from({ length: 100 }, (_, index) => index + 1),
    );
    socket.close();
  });

  it('answers rate_limited with retryAfterMs above that, and stores nothing of what it refused', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const socket = await ann.connect();
    const sends = Array.from({ length: 300 }, (_, index) =>
      socket.emit('private_message', { receiverId: bob.id, content: `message ${index}` }),
    );
    const answers = await Promise.all(sends);
    const refused = answers.flatMap((answer) => (answer.ok ? [] : [answer.error]));
    expect(refused).to.have.length.greaterThan(0);
    for (const error of refused) {
      expect(error).to.include({ code: 'rate_limited', status: 429 });
      expect(error.retryAfterMs).to.be.within(1, 5000);
    }
    const head = await bob.rest('GET', `/api/messages/private/${ann.id}?limit=1`);
    expect((head.body.items as { seq: number }[])[0]?.seq).to.equal(300 - refused.length);
    socket.close();
  });

  it('closes the socket of who goes on in spite of refusals, and the next one at its first refusal', async () => {
    const flooder = await buildUser(app.url);
    const flood = async (count: number) => {
      const socket = await flooder.connect();
      for (let sent = 0; sent < count; sent++) socket.socket.emit('profile_get', {}, () => {});
      await socket.closed();
    };
    await flood(450);
    await flood(1);
    expect((await flooder.rest('GET', '/api/auth/sessions')).status).to.equal(200);
  });

  it('counts unknown events and what it refuses too, each person and event apart', async () => {
    const flooder = await buildUser(app.url);
    const [socket, elsewhere] = await Promise.all([flooder.connect(), flooder.connect()]);
    const answers = await Promise.all(Array.from({ length: 250 }, () => socket.emit('no_such_event', null)));
    const codes = new Set(answers.map((answer) => !answer.ok && answer.error.code));
    expect(codes).to.deep.equal(new Set(['unknown_event', 'rate_limited']));
    await elsewhere.refused('another_unknown_event', {}, 'rate_limited');
    await socket.call('profile_get', {});
    for (const open of [socket, elsewhere]) open.close();
  });

  it('closes the socket of who goes on in spite of refusals, and no other', async () => {
    const flooder = await buildUser(app.url);
    const [socket, elsewhere] = await Promise.all([flooder.connect(), flooder.connect()]);
    const emit = socket.socket.emit.bind(socket.socket) as (event: string) => void;
    for (let sent = 0; sent < 500; sent++) emit('no_such_event');
    await socket.closed();
    await elsewhere.call('profile_get', {});
    elsewhere.close();
  });
});

describe('limits before anything is looked up', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp({ hasRateLimits: true });
  });
  after(() => app.close());

  it('spare the database somebody who shows a token that is good no more, again and again', async () => {
    const ann = await buildUser(app.url);
    await ann.rest('POST', '/api/auth/logout');
    const tries = Array.from({ length: 650 }, () => ann.rest('GET', '/api/users/me'));
    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    expect(new Set(statuses)).to.deep.equal(new Set([401, 429]));
    expect((await (await buildUser(app.url)).rest('GET', '/api/users/me')).status).to.equal(200);
  });

  it('count handshakes by address', async () => {
    const answers = Array.from({ length: 201 }, async () => {
      const raw = await RawSocket.opened(app.url);
      for (let attempt = 0; attempt < 5; attempt++) raw.join('no token');
      const refusals: string[] = [];
      while (refusals.length < 5) refusals.push(await raw.next('44{'));
      raw.cut();
      return refusals;
    });
    const all = (await Promise.all(answers)).flat();
    expect(all.filter((answer) => answer.includes('rate_limited'))).to.have.length(5);
  });
});

describe('HTTP limits by address', () => {
  let app: TestApp;
  let ann: TestUser;
  before(async () => {
    app = await startApp({ hasRateLimits: true, trustedProxyHops: 1 });
    ann = await buildUser(app.url);
  });
  after(() => app.close());

  /** A log-in that fails, from an address as our proxy reports it: the last of the header. */
  const logInFrom = (forwardedFor: string) =>
    rest(app.url, {
      method: 'POST',
      path: '/api/auth/login',
      body: { email: uniqueEmail(), password: 'wrong password' },
      headers: { 'x-forwarded-for': forwardedFor },
    });

  const exhaust = async (addressOf: (attempt: number) => string) => {
    const attempts = Array.from({ length: 70 }, (_, attempt) => logInFrom(addressOf(attempt)));
    return (await Promise.all(attempts)).find(({ status }) => status === 429);
  };

  it('come with standard headers', async () => {
    const { headers } = await logInFrom('192.0.2.1');
    expect(headers.get('ratelimit-policy')).to.match(/q=60; w=60/);
    expect(headers.get('ratelimit')).to.match(/r=\d+; t=\d+/);
    expect(headers.get('x-ratelimit-limit')).to.equal(null);
  });

  it('answer 429 with retryAfterMs and Retry-After, to that address only', async () => {
    const refused = await exhaust(() => '192.0.2.2');
    expect(refused?.body).to.include({ code: 'rate_limited', status: 429 });
    const seconds = Number(refused?.headers.get('retry-after'));
    expect(seconds).to.be.within(1, 60);
    expect(Number(refused?.body.retryAfterMs) / 1000).to.be.within(seconds - 1, seconds);
    expect((await logInFrom('192.0.2.3')).body.code).to.equal('invalid_credentials');
    expect((await ann.rest('GET', '/api/users/me')).status).to.equal(200);
  });

  it('are not escaped by a client that writes X-Forwarded-For itself', async () => {
    const refused = await exhaust((attempt) => `10.0.0.${attempt}, 192.0.2.4`);
    expect(refused?.status).to.equal(429);
  });

  it('count an IPv6 network as one client', async () => {
    const refused = await exhaust((attempt) => `2001:db8:1:2::${attempt.toString(16)}`);
    expect(refused?.status).to.equal(429);
  });

  it('leave the health checks alone', async () => {
    for (let call = 0; call < 3; call++) {
      const { headers } = await rest(app.url, { method: 'GET', path: '/healthz' });
      expect(headers.get('ratelimit')).to.equal(null);
    }
  });
});

describe('HTTP limits without a proxy', () => {
  it('believe no X-Forwarded-For at all', async () => {
    const app = await startApp({ hasRateLimits: true });
    const attempts = Array.from({ length: 70 }, (_, attempt) =>
      rest(app.url, {
        method: 'POST',
        path: '/api/auth/login',
        body: { email: 'nobody@example.com', password: 'wrong password' },
        headers: { 'x-forwarded-for': `192.0.2.${attempt}` },
      }),
    );
    const statuses = (await Promise.all(attempts)).map(({ status }) => status);
    expect(statuses).to.include(429);
    await app.close();
  });
});
