import { expect } from 'chai';
import { operations } from '../../src/contracts.ts';
import type { Frame, Operation } from '../../src/core/operation.ts';
import { buildFriends, buildUser, type TestUser } from '../support/builders.ts';
import { check } from '../support/clients.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { wireCases } from '../support/wire-cases.ts';
import { callFrame, type Wire, type WireAnswer, wiresOf } from '../support/wires.ts';
import { WsClient } from '../support/ws-client.ts';

const withEvent = operations.filter(({ event }) => event !== undefined);
const operationOf = (event: string) => withEvent.find((operation) => operation.event === event) as Operation;

/** Data without what differs from one person to the next: texts are as good as each other. */
function likeness(data: unknown): unknown {
  if (typeof data === 'string') return 'text';
  if (typeof data !== 'object' || data === null) return data;
  if (Array.isArray(data)) return data.map(likeness);
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, likeness(value)]));
}

describe('every operation on every wire', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  /** What each wire answers to somebody new, who prepares their input. */
  async function askAll(
    operation: Operation,
    prepare: (me: TestUser) => Promise<Record<string, unknown>>,
  ): Promise<[Wire, WireAnswer][]> {
    const answers: [Wire, WireAnswer][] = [];
    for (const wire of wiresOf(operation)) {
      const me = await buildUser(app.url, { nickname: 'Me' });
      const input = await prepare(me);
      answers.push([wire, await wire.call({ url: app.url, token: me.token }, operation, input)]);
    }
    return answers;
  }

  for (const { event, title, input, code } of wireCases) {
    it(`${event}, ${title}: ${code ?? 'succeeds'}, alike everywhere`, async () => {
      const operation = operationOf(event);
      const answers = await askAll(operation, (me) => input(me, app.url));
      const [, first] = answers[0] as [Wire, WireAnswer];
      for (const [wire, answer] of answers) {
        expect(answer.code, wire.name).to.equal(code);
        expect(answer.status, wire.name).to.equal(first.status);
        expect(likeness(answer.data), wire.name).to.deep.equal(likeness(first.data));
        if (code === null && operation.output)
          check(operation.output, answer.data, `${event} on ${wire.name}`);
      }
    });
  }

  /** The least that an operation needs to be called at all: what its path says. */
  const leastOf = ({ routes: [route] }: Operation) => {
    const names = [...(route?.path ?? '').matchAll(/:(\w+)/g)].map(([, name = '']) => name);
    const given = names.map((name) => [route?.rename?.[name] ?? name, 'f'.repeat(24)]);
    return { ...Object.fromEntries(given), ...route?.fixed };
  };

  for (const operation of withEvent) {
    it(`${operation.event} with hardly any input answers alike everywhere`, async () => {
      const answers = await askAll(operation, async () => leastOf(operation));
      const [, first] = answers[0] as [Wire, WireAnswer];
      for (const [wire, { code, status }] of answers)
        expect({ code, status }, wire.name).to.deep.equal({ code: first.code, status: first.status });
    });

    it(`${operation.event} refuses what cannot be stored: validation_failed everywhere`, async () => {
      const answers = await askAll(operation, async () => ({ ...leastOf(operation), junk: 'a\0b' }));
      for (const [wire, { code, status }] of answers)
        expect([code, status], wire.name).to.deep.equal(['validation_failed', 400]);
    });

    it(`${operation.event} by nobody is unauthenticated everywhere`, async () => {
      for (const wire of wiresOf(operation)) {
        const nobody = { url: app.url, token: undefined };
        const { code, status } = await wire.call(nobody, operation, leastOf(operation));
        expect([code, status], wire.name).to.deep.equal(['unauthenticated', 401]);
      }
    });
  }

  for (const { operation, frame } of withEvent.flatMap((operation) =>
    (operation.frames ?? []).map((frame) => ({ operation, frame })),
  )) {
    it(`a frame ${frame.type} is ${operation.event}`, async () => {
      const cases = wireCases.filter(({ event }) => event === operation.event);
      let count = 0;
      for (const { input, code, title } of cases) {
        const me = await buildUser(app.url);
        const members = toFrame(frame, await input(me, app.url));
        if (members === null) continue;
        const answer = await callFrame({ url: app.url, token: me.token }, operation, members);
        expect(answer.code, title).to.equal(code);
        if (code === null && operation.output) check(operation.output, answer.data, title);
        count++;
      }
      expect(count, 'cases of this operation').to.be.at.least(1);
    });
  }

  it('has names of its own for the frames of /ws', () => {
    const types = withEvent.flatMap(({ event = '', frames = [] }) => [
      ...new Set([event, ...frames.map(({ type }) => type)]),
    ]);
    expect(types).to.not.include.oneOf(['auth', 'ping']);
    expect(new Set(types).size).to.equal(types.length);
  });
});

/** The frame that says the same as the input; `null` if its type gives something else by itself. */
function toFrame({ type, rename = {}, fixed = {} }: Frame, input: Record<string, unknown>) {
  if (Object.entries(fixed).some(([field, value]) => input[field] !== value)) return null;
  const names = new Map(Object.entries(rename).map(([name, field]) => [field, name]));
  const members = Object.entries(input)
    .filter(([field]) => !Object.hasOwn(fixed, field))
    .map(([field, value]) => [names.get(field) ?? field, value]);
  return { ...Object.fromEntries(members), type };
}

describe('one person on both kinds of sockets', () => {
  it('sees the same pushes on each, and does not see on the acting one what its acknowledgement carries', async () => {
    const app = await startApp();
    const [ann, bob] = await buildFriends(app.url);
    const [plain, socket, peer] = [
      await WsClient.withFrame(app.url, ann.token),
      await ann.connect(),
      await bob.connect(),
    ];
    await plain.call('sync', {});
    const fromPlain = await plain.call('private_message', { receiverId: bob.id, content: 'from /ws' });
    expect(await socket.next('new_private_message')).to.deep.equal(fromPlain);
    const fromSocket = await socket.call('private_message', {
      receiverId: bob.id,
      content: 'from Socket.IO',
    });
    expect(await plain.next('new_private_message')).to.deep.equal(fromSocket);
    const fromPeer = await peer.call('private_message', { receiverId: ann.id, content: 'from the peer' });
    for (const client of [plain, socket])
      expect(await client.next('new_private_message')).to.deep.equal(fromPeer);
    const profile = await plain.call('profile_update', { bio: 'changed on /ws' });
    expect(await socket.next('profile_updated')).to.deep.equal(profile);
    const again = (await ann.rest('PATCH', '/api/users/me', { bio: 'changed over REST' })).body;
    for (const client of [plain, socket]) expect(await client.next('profile_updated')).to.deep.equal(again);
    for (const client of [plain, socket]) expect(client.untaken('new_private_message')).to.deep.equal([]);
    for (const client of [plain, socket, peer]) client.close();
    await app.close();
  });
});
