import { expect } from 'chai';
import { buildUser, type TestUser } from '../support/builders.ts';
import { rest } from '../support/clients.ts';
import { codeOf, forgetTries, inviteOf } from '../support/group-codes.ts';
import { buildGroup, type TestGroup } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

describe('codes that lead nowhere', () => {
  let app: TestApp;
  let group: TestGroup;
  let ann: TestUser;
  before(async () => {
    app = await startApp({ trustedProxyHops: 1, hasRateLimits: true });
    group = await buildGroup(app.url);
    ann = await buildUser(app.url);
  });
  beforeEach(() => forgetTries(app));
  after(() => app.close());

  const doors = {
    resolve: ['POST', '/api/qrcodes/resolve', 'code'],
    join: ['POST', '/api/groups/join-by-qrcode', 'code'],
    befriend: ['POST', '/api/friends/add', 'qrCode'],
    page: ['GET', '/q/', null],
  } as const;
  type Door = keyof typeof doors;

  /** Tries a code at a door, as a client of an address that the proxy tells. */
  async function tryAt(door: Door, code: string, address = '198.51.100.1') {
    const [method, path, field] = doors[door];
    const { status, body } = await rest(app.url, {
      method,
      path: field === null ? path + code : path,
      ...(field !== null && { body: { [field]: code } }),
      token: ann.token,
      headers: { 'x-forwarded-for': address },
    });
    return { status, retryAfterMs: body.retryAfterMs };
  }

  let count = 0;
  const wrong = () => `wrong-code-${count++}`;
  async function useUp(address?: string): Promise<void> {
    for (const door of ['resolve', 'join', 'befriend', 'page', 'resolve'] as const)
      for (let time = 0; time < 2; time++)
        expect((await tryAt(door, wrong(), address)).status, door).to.equal(404);
  }

  it('are counted over all doors together: after ten none is weighed for a minute, not even a good one', async () => {
    const good = await codeOf(group, group.owner);
    await useUp();
    for (const door of Object.keys(doors) as Door[])
      for (const code of [wrong(), good]) {
        const { status, retryAfterMs } = await tryAt(door, code);
        expect(status, door).to.equal(429);
        expect(retryAfterMs, door).to.be.within(1, 60_000);
      }
    expect((await tryAt('resolve', good, '198.51.100.2')).status, 'from elsewhere').to.equal(200);
  });

  it('are counted on sockets too', async () => {
    const socket = await ann.connect();
    for (let time = 0; time < 10; time++)
      await socket.refused('qrcode_resolve', { code: wrong() }, 'not_found');
    for (const event of ['qrcode_resolve', 'group_join_by_qrcode'])
      await socket.refused(event, { code: wrong() }, 'rate_limited');
    socket.close();
  });

  it('count for the network that one customer has of IPv6', async () => {
    await useUp('2001:db8:1:100::1');
    expect((await tryAt('page', wrong(), '2001:db8:1:1ff::2')).status).to.equal(429);
    expect((await tryAt('page', wrong(), '2001:db8:1:200::1')).status).to.equal(404);
  });

  it('are no more for being tried at once', async () => {
    const doorsInTurn = Object.keys(doors) as Door[];
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, index) => tryAt(doorsInTurn[index % 4] ?? 'page', wrong())),
    );
    expect(answers.filter(({ status }) => status === 404)).to.have.length(10);
    expect(answers.filter(({ status }) => status === 429)).to.have.length(14);
  });

  it('keep a good one behind them from being weighed, though they were tried at once', async () => {
    const good = await codeOf(group, group.owner);
    const socket = await ann.connect();
    const answers = await Promise.all(
      [...Array.from({ length: 20 }, wrong), good].map((code) => socket.emit('qrcode_resolve', { code })),
    );
    expect(answers.at(-1)).to.have.nested.property('error.code', 'rate_limited');
    socket.close();
  });

  it('leave room for good ones, however many at once', async () => {
    const [code, { url }] = [await codeOf(group, group.owner), await inviteOf(group, group.owner)];
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => tryAt(index % 2 === 0 ? 'resolve' : 'page', code)),
    );
    expect(answers.map(({ status }) => status)).to.deep.equal(Array(30).fill(200));
    expect((await tryAt('resolve', url)).status).to.equal(200);
    await useUp();
  });
});
