import { expect } from 'chai';
import { buildUser, type TestUser, toTestUser } from '../support/builders.ts';
import type { TestSocket } from '../support/clients.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

type Act = [method: string, path: (id: string) => string, body?: (id: string) => object];

const ask: Act = ['POST', () => '/api/friends/add', (userId) => ({ userId })];
const accept: Act = ['POST', (id) => `/api/friends/${id}/accept`];
const reject: Act = ['POST', (id) => `/api/friends/${id}/reject`];
const withdraw: Act = ['DELETE', (id) => `/api/friends/requests/${id}`];
const remove: Act = ['DELETE', (id) => `/api/friends/${id}`];
const remark: Act = ['PUT', (id) => `/api/friends/${id}/remark`, () => ({ remark: 'R' })];
const block: Act = ['POST', () => '/api/friends/blacklist', (userId) => ({ userId })];
const unblock: Act = ['DELETE', (id) => `/api/friends/blacklist/${id}`];

const perform = (actor: TestUser, [method, path, body]: Act, id: string) =>
  actor.rest(method, path(id), body?.(id));

/** Everything that one of two people is shown of the other. */
interface Shown {
  friend: unknown;
  incoming: unknown;
  outgoing: unknown;
  blocked: unknown;
}

async function shownTo(viewer: TestUser, other: TestUser): Promise<Shown & { relation: unknown }> {
  const itemsOf = async (path: string) => (await viewer.rest('GET', path)).body.items as unknown[];
  const [incoming, outgoing, friends, blacklist] = await Promise.all(
    ['requests', 'requests?direction=outgoing', '', 'blacklist'].map((path) =>
      itemsOf(`/api/friends/${path}`),
    ),
  );
  const { relation } = (await viewer.rest('GET', `/api/users/${other.id}`)).body;
  const only = (items: unknown[] | undefined) => {
    expect(items).to.have.length.below(2);
    return items?.[0] ?? null;
  };
  return {
    relation,
    friend: only(friends),
    incoming: only(incoming),
    outgoing: only(outgoing),
    blocked: only(blacklist),
  };
}

const relationIn = ({ friend, incoming, outgoing, blocked }: Shown) => {
  const held = { friend, request_received: incoming, request_sent: outgoing, blocked };
  return Object.entries(held)
    .filter(([, item]) => item !== null)
    .map(([name]) => name);
};

/** Both views of the two, once they are found to be one legal state. */
async function legalState(ann: TestUser, bob: TestUser) {
  const views = [await shownTo(ann, bob), await shownTo(bob, ann)] as const;
  for (const view of views)
    expect(relationIn(view), 'the lists say one thing').to.deep.equal(
      view.relation === 'none' ? [] : [view.relation],
    );
  expect(
    views
      .map(({ relation }) => relation)
      .sort()
      .join(),
  ).to.be.oneOf([
    'none,none',
    'friend,friend',
    'request_received,request_sent',
    'blocked,none',
    'blocked,blocked',
    'blocked,request_sent',
  ]);
  return views;
}

/** What a client holds that only listens. */
function replay(socket: TestSocket, shown: Shown): Shown {
  const held = { ...shown };
  for (const { event, data } of socket.heard.splice(0)) {
    const { userId, blocked, from, user } = data as {
      userId?: string;
      blocked?: boolean;
      from?: { relation: string };
      user?: object;
    };
    if (event === 'friend_removed') held.friend = null;
    if (event === 'friend_request_accepted')
      Object.assign(held, { friend: data, incoming: null, outgoing: null });
    if (event === 'friend_updated' && user) held.friend = data;
    if (event === 'friend_request_received') held[from?.relation === 'self' ? 'outgoing' : 'incoming'] = data;
    if (event === 'friend_request_rejected' || event === 'friend_request_withdrawn')
      Object.assign(held, { incoming: null, outgoing: null });
    if (event === 'blacklist_updated') {
      held.blocked = blocked ? userId : null;
      if (blocked) held.incoming = null;
    }
  }
  return held;
}

/** The same choices in every run. */
function createDice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * sides);
  };
}

describe('friends: races', () => {
  let app: TestApp;
  let second: TestApp;
  before(async () => {
    const jwtSecret = 'one secret for both processes, 0123456789';
    app = await startApp({ jwtSecret });
    second = await startApp({ jwtSecret, mongodbUri: app.mongodbUri });
  });
  after(async () => {
    await second.close();
    await app.close();
  });

  const two = () => Promise.all([buildUser(app.url), buildUser(app.url)]);
  /** The same person, served by the other process. */
  const elsewhere = ({ id, email, password, token, refreshToken }: TestUser) =>
    toTestUser(second.url, { email, password, result: { token, refreshToken, user: { id } } as never });

  const prepared: [what: string, before: Act[], ann: Act[], bob: Act[], ends: string[]][] = [
    ['both ask', [], [ask], [ask], ['friend,friend']],
    [
      'one accepts twice while the other withdraws',
      [ask],
      [accept, accept],
      [withdraw],
      ['friend,friend', 'none,none'],
    ],
    ['one accepts and rejects', [ask], [accept, reject], [], ['friend,friend', 'none,none']],
    ['one accepts while the asker blocks', [ask], [accept], [block], ['none,blocked']],
    ['one blocks while accepting', [ask], [accept, block], [], ['blocked,request_sent', 'blocked,none']],
    ['one asks while the other blocks', [], [block], [ask], ['blocked,request_sent', 'blocked,none']],
    ['one removes what the other accepts', [ask], [accept], [remove], ['friend,friend', 'none,none']],
    ['both block', [ask], [block], [block], ['blocked,blocked']],
    ['one blocks and unblocks while asked', [], [block, unblock], [ask], []],
  ];

  for (const [what, before, anns, bobs, ends] of prepared)
    it(`end in one legal state: ${what}`, async () => {
      for (let round = 0; round < 4; round++) {
        const [ann, bob] = await two();
        for (const act of before) await perform(bob, act, ann.id);
        const answers = await Promise.all([
          ...anns.map((act, index) => perform(index % 2 ? elsewhere(ann) : ann, act, bob.id)),
          ...bobs.map((act) => perform(elsewhere(bob), act, ann.id)),
        ]);
        for (const { status } of answers) expect(status).to.be.below(500);
        const [mine, theirs] = await legalState(ann, bob);
        if (ends.length > 0) expect(`${mine.relation},${theirs.relation}`).to.be.oneOf(ends);
      }
    });

  it('end in one legal state whatever both do at once, in two processes', async () => {
    const [ann, bob] = await two();
    const dice = createDice(7);
    const acts = [ask, ask, accept, accept, reject, withdraw, remove, remark, block, unblock, unblock];
    for (let round = 0; round < 40; round++) {
      const calls = Array.from({ length: 6 }, () => {
        const [actor, other] = dice(2) ? [ann, bob] : [bob, ann];
        const act = acts[dice(acts.length)] ?? ask;
        return perform(dice(2) ? actor : elsewhere(actor), act, other.id);
      });
      for (const { status } of await Promise.all(calls)) expect(status).to.be.below(500);
      await legalState(ann, bob);
    }
  });

  it('and are told in their order: who only listens ends with what who asks is shown', async () => {
    const [ann, bob] = await two();
    const sockets = await Promise.all([ann.connect(), bob.connect()]);
    const dice = createDice(11);
    const nothing: Shown = { friend: null, incoming: null, outgoing: null, blocked: null };
    let held = [nothing, nothing];
    const acts = [ask, accept, reject, withdraw, remove, block, unblock, unblock];
    for (let round = 0; round < 30; round++) {
      await Promise.all(
        Array.from({ length: 5 }, () => {
          const [actor, other] = dice(2) ? [ann, bob] : [bob, ann];
          return perform(actor, acts[dice(acts.length)] ?? ask, other.id);
        }),
      );
      // an answer on the socket itself comes after everything that was pushed before it
      for (const socket of sockets) await socket.call('profile_get', {});
      held = held.map((shown, index) => replay(sockets[index] as TestSocket, shown));
      const views = await legalState(ann, bob);
      for (const [index, shown] of held.entries())
        expect(relationIn(shown), `round ${round}`).to.deep.equal(relationIn(views[index] as Shown));
    }
    for (const socket of sockets) socket.close();
  });
});
