import { expect } from 'chai';
import fc from 'fast-check';
import { operations } from '../../src/contracts.ts';
import type { Operation } from '../../src/core/operation.ts';
import { befriend, buildUser, logInAgain, type TestUser } from '../support/builders.ts';
import { rest, type TestSocket } from '../support/clients.ts';
import { createGroup } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { createWitness, type Witness } from '../support/witness.ts';
import { WsClient } from '../support/ws-client.ts';

/** A group of the caller and who is in it, so that not every id leads nowhere. */
const knownIds = ['f'.repeat(24)];
const knownId = fc.nat().map((n) => knownIds[n % knownIds.length] ?? '');

/** Values that get past a type check, or nearly. */
const spice = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  knownId,
  fc.array(knownId, { maxLength: 3 }),
  fc.constantFrom<unknown>(
    'f'.repeat(24),
    'abcdefghijkl',
    { $ne: null },
    { $gt: '' },
    '__proto__',
    '\ud800',
    'a\0b',
    2 ** 53,
    -1,
    0,
    1,
    1e308,
    true,
    'ann@example.com',
    'W10',
    ['f'.repeat(24)],
    '2024-02-30',
    { ['f'.repeat(24)]: 1 },
    'text',
    'custom',
    'incoming',
  ),
);

/** Any JSON, or an object that has the operation's own fields. */
function inputFor({ input }: Operation): fc.Arbitrary<unknown> {
  const fields = Object.fromEntries(Object.keys(input.shape).map((name) => [name, spice]));
  return fc.oneof(
    { weight: 1, arbitrary: fc.jsonValue() },
    { weight: 4, arbitrary: fc.record(fields, { requiredKeys: [] }) },
    {
      weight: 1,
      arbitrary: fc.record({ ...fields, other: spice, constructor: spice }, { requiredKeys: [] }),
    },
  );
}

const segment = fc.oneof(
  knownId,
  fc.constantFrom('f'.repeat(24), 'abcdefghijkl', '__proto__', '%00', '%E0%A4%A', '%7B%7D', 'me'),
  fc.string({ unit: 'binary' }).map((text) => encodeURIComponent(text.toWellFormed())),
);

const events = operations.filter(({ event }) => event !== undefined);
const anyEvent = fc
  .constantFrom(...events)
  .chain((operation) => fc.tuple(fc.constant(operation.event ?? ''), inputFor(operation)));

const routes = operations.flatMap((operation) => operation.routes.map((route) => ({ operation, route })));
const anyRequest = fc.constantFrom(...routes).chain(({ operation, route }) =>
  fc.record({
    method: fc.constant(route.method),
    path: fc.constant(route.path),
    segments: fc.array(segment, { minLength: 2, maxLength: 2 }),
    query: fc.dictionary(fc.constantFrom('limit', 'cursor', 'before', 'constructor', 'x'), segment),
    body: inputFor(operation),
  }),
);

/** `internal` says that something was not foreseen. */
function expectNamed(code: unknown): void {
  expect(code).to.match(/^[a-z_]+$/);
  expect(code).to.not.be.oneOf(['internal', 'unavailable']);
}

describe('random JSON to every operation', () => {
  let app: TestApp;
  let witness: Witness;
  let user: TestUser;
  let socket: TestSocket;
  let client: WsClient;
  before(async () => {
    app = await startApp();
    [witness, user] = await Promise.all([createWitness(app.url), buildUser(app.url)]);
    const members = await Promise.all([1, 2].map(() => buildUser(app.url)));
    for (const member of members) await befriend(user, member);
    knownIds.push(await createGroup(user, members), user.id, ...members.map(({ id }) => id));
    socket = await user.connect();
    client = await WsClient.withFrame(app.url, user.token);
  });
  afterEach(() => witness.isServed());
  after(async () => {
    socket.close();
    client.close();
    witness.close();
    await app.close();
  });

  /** A random call may log the user out, as it should. */
  async function comeBack(): Promise<void> {
    socket.close();
    user = await logInAgain(app.url, user);
    socket = await user.connect();
  }

  it('is answered on Socket.IO with success or a named error', async () => {
    const property = fc.asyncProperty(anyEvent, async ([event, input]) => {
      const answer = await socket.emit(event, input);
      if (!answer.ok) expectNamed(answer.error.code);
      else if (event.startsWith('logout')) await comeBack();
    });
    await fc.assert(property, { numRuns: 200 });
  });

  it('is answered on /ws with success or a named error', async () => {
    const property = fc.asyncProperty(anyEvent, async ([event, input]) => {
      if (client.socket.readyState !== client.socket.OPEN)
        client = await WsClient.withFrame(app.url, user.token);
      const members = typeof input === 'object' && input !== null ? input : { input };
      const answer = await client.ask({ ...members, type: event });
      if (answer.error) expectNamed(answer.error.code);
      else if (event.startsWith('logout')) {
        await client.closed();
        await comeBack();
      }
    });
    await fc.assert(property, { numRuns: 200 });
  });

  it('is answered over REST with success or a named error', async () => {
    const property = fc.asyncProperty(anyRequest, async ({ method, path, segments, query, body }) => {
      const parts = [...segments];
      const filled = path.replaceAll(/:\w+/g, () => parts.pop() ?? 'x');
      const search = Object.entries(query).map(([name, value]) => `${name}=${value}`);
      const answer = await rest(app.url, {
        method,
        path: `${filled}?${search.join('&')}`,
        token: user.token,
        ...(method !== 'GET' && { body }),
      });
      if (answer.status >= 400) expectNamed(answer.body.code);
      else if (path.includes('logout')) await comeBack();
    });
    await fc.assert(property, { numRuns: 200 });
  });
});
