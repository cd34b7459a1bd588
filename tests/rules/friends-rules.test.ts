import { expect } from 'chai';
import fc from 'fast-check';
import { AppError } from '../../src/core/errors.ts';
import {
  afterAccepting,
  afterAsking,
  areFriends,
  blankPair,
  otherOf,
  type Relationship,
  relationOf,
} from '../../src/features/friends/friends.rules.ts';

const low = 'a'.repeat(24);
const high = 'b'.repeat(24);
const strangers = blankPair('c'.repeat(24), low, high);

interface Step {
  actor: string;
  does: 'ask' | 'accept';
}

const step: fc.Arbitrary<Step> = fc.record({
  actor: fc.constantFrom(low, high),
  does: fc.constantFrom('ask' as const, 'accept' as const),
});

/** The pair after a step; a refused one leaves it as it is. */
function take(
  pair: Relationship,
  { actor, does }: Step,
  now: Date,
): { pair: Relationship; code: string | null } {
  try {
    const asking = { askerId: actor, targetId: otherOf(pair, actor), message: null, now };
    return {
      pair: does === 'ask' ? afterAsking(pair, asking) : afterAccepting(pair, actor, now),
      code: null,
    };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { pair, code: error.code };
  }
}

function expectLegal(pair: Relationship): void {
  const relations = [relationOf(pair, low), relationOf(pair, high)].sort().join();
  expect(relations).to.be.oneOf(['none,none', 'friend,friend', 'request_received,request_sent']);
  expect(pair.friendIds).to.have.length(areFriends(pair) ? 2 : 0);
  expect(pair.since !== null).to.equal(areFriends(pair));
  const isPending = pair.requestedBy !== null;
  expect(isPending && areFriends(pair)).to.equal(false);
  expect([pair.requestedTo !== null, pair.requestedAt !== null]).to.deep.equal([isPending, isPending]);
  if (isPending) expect([pair.requestedBy, pair.requestedTo].sort()).to.deep.equal([low, high]);
}

describe('rules: two people asking and accepting in any order', () => {
  it('are strangers, asker and asked, or friends; never a mixture', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let pair = strangers;
        for (const [time, one] of steps.entries()) {
          ({ pair } = take(pair, one, new Date(time + 1)));
          expectLegal(pair);
        }
      }),
    );
  });

  it('become friends exactly when one asked and the other then asked or accepted', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const after = steps.reduce((pair, one) => take(pair, one, new Date()).pair, strangers);
        const first = steps.findIndex(({ does }) => does === 'ask');
        const asker = steps[first]?.actor;
        const isAnswered = steps.slice(first + 1).some(({ actor }) => actor !== asker);
        expect(areFriends(after)).to.equal(first >= 0 && isAnswered);
      }),
    );
  });

  it('change nothing by a repeat: the same object, so nobody is told', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), step, (steps, last) => {
        const before = steps.reduce((pair, one) => take(pair, one, new Date(1)).pair, strangers);
        const once = take(before, last, new Date(2)).pair;
        expect(take(once, last, new Date(3)).pair).to.equal(once);
      }),
    );
  });

  it('are refused by a name that says why', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), step, (steps, last) => {
        const before = steps.reduce((pair, one) => take(pair, one, new Date(1)).pair, strangers);
        const { code } = take(before, last, new Date(2));
        if (last.does === 'ask') expect(code).to.equal(areFriends(before) ? 'already_friends' : null);
        else {
          const mayAccept = areFriends(before) || before.requestedTo === last.actor;
          expect(code).to.equal(mayAccept ? null : 'not_found');
        }
      }),
    );
  });
});
