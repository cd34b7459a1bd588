import { expect } from 'chai';
import fc from 'fast-check';
import { AppError } from '../../src/core/errors.ts';
import {
  afterAccepting,
  afterAsking,
  afterBlocking,
  afterLeaving,
  afterRejecting,
  afterRemark,
  afterRemoving,
  afterUnblocking,
  afterWithdrawing,
  areFriends,
  blankPair,
  isBlocking,
  newsOf,
  otherOf,
  type Relationship,
  relationOf,
  requestedOf,
  sideOf,
} from '../../src/features/friends/friends.rules.ts';

const low = 'a'.repeat(24);
const high = 'b'.repeat(24);
const strangers = blankPair('c'.repeat(24), low, high);

const does = {
  ask: (pair: Relationship, askerId: string, now: Date) =>
    afterAsking(pair, { askerId, targetId: otherOf(pair, askerId), message: null, now }),
  accept: afterAccepting,
  reject: afterRejecting,
  withdraw: afterWithdrawing,
  remove: (pair: Relationship, _userId: string, now: Date) => afterRemoving(pair, now),
  remark: (pair: Relationship, userId: string, now: Date) => afterRemark(pair, { userId, remark: 'R', now }),
  clearRemark: (pair: Relationship, userId: string, now: Date) =>
    afterRemark(pair, { userId, remark: null, now }),
  block: afterBlocking,
  unblock: afterUnblocking,
};

interface Step {
  actor: string;
  does: keyof typeof does;
}

const act = fc.constantFrom(...(Object.keys(does) as (keyof typeof does)[]));
const step: fc.Arbitrary<Step> = fc.record({ actor: fc.constantFrom(low, high), does: act });
const steps = fc.array(step, { maxLength: 14 });

/** The pair after a step; a refused one leaves it as it is. */
function take(pair: Relationship, { actor, does: name }: Step, now: Date) {
  try {
    return { pair: does[name](pair, actor, now), code: null };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { pair, code: error.code };
  }
}

const reached = (all: readonly Step[]) =>
  all.reduce((pair, one, index) => take(pair, one, new Date(index + 1)).pair, strangers);

const newsTo = (userId: string, before: Relationship, after: Relationship, actor: string) =>
  after === before ? [] : newsOf(before, after, actor).filter((news) => news.userId === userId);

function expectLegal(pair: Relationship): void {
  expect([relationOf(pair, low), relationOf(pair, high)].sort().join()).to.be.oneOf([
    'none,none',
    'friend,friend',
    'request_received,request_sent',
    'blocked,none',
    'blocked,blocked',
    'blocked,request_sent',
  ]);
  const isBlocked = isBlocking(pair, low) || isBlocking(pair, high);
  if (areFriends(pair))
    expect({ isBlocked, request: pair.request }).to.deep.include({ request: null, isBlocked: false });
  else expect([pair.lowSide.remark, pair.highSide.remark]).to.deep.equal([null, null]);
  if (pair.request) expect(isBlocking(pair, pair.request.by), 'asks whom they block').to.equal(false);
  if (isBlocked) expect(requestedOf(pair), 'sees a request of whom they block').to.equal(null);
}

describe('rules: two people, whatever they do in any order', () => {
  it('are strangers, asker and asked, friends, or blocked; never a mixture', () => {
    fc.assert(
      fc.property(steps, (all) => {
        let pair = strangers;
        for (const [time, one] of all.entries()) {
          ({ pair } = take(pair, one, new Date(time + 1)));
          expectLegal(pair);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('become friends exactly by asking each other, or by accepting what was asked', () => {
    fc.assert(
      fc.property(steps, step, (all, last) => {
        const before = reached(all);
        const after = take(before, last, new Date(99)).pair;
        const wasAsked = requestedOf(before) === last.actor;
        const answers = last.does === 'ask' || last.does === 'accept';
        expect(areFriends(after) && !areFriends(before)).to.equal(wasAsked && answers);
      }),
    );
  });

  it('change nothing by a repeat: the same object, so nobody is told; or it is refused', () => {
    fc.assert(
      fc.property(steps, step, (all, last) => {
        const once = take(reached(all), last, new Date(98)).pair;
        expect(take(once, last, new Date(99)).pair).to.equal(once);
      }),
    );
  });

  it('are refused by a name that says why', () => {
    fc.assert(
      fc.property(steps, step, (all, last) => {
        const before = reached(all);
        const { code } = take(before, last, new Date(99));
        const friends = areFriends(before);
        const wasAsked = requestedOf(before) === last.actor;
        const orNotFound = (isRight: boolean) => (isRight ? null : 'not_found');
        const isBlocker = isBlocking(before, last.actor);
        const expected = {
          ask: friends ? 'already_friends' : isBlocker ? 'not_allowed' : null,
          accept: orNotFound(friends || wasAsked),
          reject: orNotFound(wasAsked),
          withdraw: orNotFound(before.request?.by === last.actor),
          remove: orNotFound(friends),
          remark: orNotFound(friends),
          clearRemark: orNotFound(friends),
          block: null,
          unblock: null,
        };
        expect(code).to.equal(expected[last.does]);
      }),
    );
  });

  it('have nothing left between them when one has gone, and only those are told who knew of something', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(low, high), (all, goneId) => {
        const before = reached(all);
        const after = afterLeaving(before, new Date(99));
        const { since, request, lowSide, highSide } = after;
        expect([
          since,
          request,
          lowSide.remark,
          lowSide.blockedAt,
          highSide.remark,
          highSide.blockedAt,
        ]).to.deep.equal(Array(6).fill(null));
        const otherId = otherOf(before, goneId);
        const knew = relationOf(before, otherId) !== 'none';
        expect(newsTo(otherId, before, after, goneId).length > 0).to.equal(knew);
        expect(afterLeaving(after, new Date(100))).to.equal(after);
      }),
    );
  });
});

describe('rules: what each side hears of a pair', () => {
  const lists = ['friends', 'requests', 'blacklist'] as const;

  it('what makes a list stale is what one is told of, and nothing else', () => {
    fc.assert(
      fc.property(steps, step, (all, last) => {
        const before = reached(all);
        const now = new Date(99);
        const after = take(before, last, now).pair;
        for (const userId of [low, high]) {
          const stale = lists.filter((list) => sideOf(after, userId).changedAt[list] === now);
          const news = newsTo(userId, before, after, last.actor).map(({ event }) => event);
          const told = {
            friends: ['friend_removed', 'friend_request_accepted', 'friend_updated'],
            blacklist: ['blacklist_updated'],
          };
          for (const list of ['friends', 'blacklist'] as const)
            expect(stale.includes(list), list).to.equal(news.some((event) => told[list].includes(event)));
          if (userId !== last.actor) expect(stale.length > 0).to.equal(news.length > 0);
          if (after === before) expect(news).to.deep.equal([]);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('to the other, blocking is removing a friend, or withdrawing a request, or nothing', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(low, high), (all, blockerId) => {
        const before = reached(all);
        const otherId = otherOf(before, blockerId);
        const now = new Date(99);
        const looksLike = areFriends(before) ? 'remove' : 'withdraw';
        const instead = take(before, { actor: blockerId, does: looksLike }, now).pair;
        const after = afterBlocking(before, blockerId, now);
        expect(newsTo(otherId, before, after, blockerId)).to.deep.equal(
          newsTo(otherId, before, instead, blockerId),
        );
        expect(sideOf(after, otherId)).to.deep.equal(sideOf(instead, otherId));
        expect(relationOf(after, otherId)).to.equal(relationOf(instead, otherId));
        const unblocked = afterUnblocking(after, blockerId, now);
        expect(newsTo(otherId, after, unblocked, blockerId)).to.deep.equal([]);
        expect(sideOf(unblocked, otherId)).to.deep.equal(sideOf(after, otherId));
      }),
    );
  });

  it('who is blocked can do nothing that tells it from being a stranger to somebody who does not answer', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 12 }), (acts) => {
        let toBlocker = afterBlocking(strangers, low, new Date(1));
        let toStranger = strangers;
        for (const [index, name] of acts.entries()) {
          const now = new Date(index + 2);
          const one = take(toBlocker, { actor: high, does: name }, now);
          const other = take(toStranger, { actor: high, does: name }, now);
          expect(one.code).to.equal(other.code);
          expect(newsTo(high, toBlocker, one.pair, high)).to.deep.equal(
            newsTo(high, toStranger, other.pair, high),
          );
          expect(newsTo(low, toBlocker, one.pair, high), 'the blocker hears').to.deep.equal([]);
          expect(sideOf(one.pair, low), 'the blocker’s lists').to.deep.equal(sideOf(toBlocker, low));
          [toBlocker, toStranger] = [one.pair, other.pair];
          expect(sideOf(toBlocker, high)).to.deep.equal(sideOf(toStranger, high));
          expect(relationOf(toBlocker, high)).to.equal(relationOf(toStranger, high));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('unblocking brings the sight of a request that waits, and nothing else', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(low, high), (all, blockerId) => {
        const before = afterBlocking(reached(all), blockerId, new Date(98));
        const after = afterUnblocking(before, blockerId, new Date(99));
        const news = newsTo(blockerId, before, after, blockerId).map(({ event }) => event);
        expect(news).to.deep.equal([
          'blacklist_updated',
          ...(before.request ? ['friend_request_received'] : []),
        ]);
        expect(after.request).to.equal(before.request);
        expect(areFriends(after)).to.equal(false);
      }),
    );
  });
});
