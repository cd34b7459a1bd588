import { expect } from 'chai';
import fc from 'fast-check';
import {
  afterSaying,
  afterTime,
  nextChangeAt,
  notTyping,
  type Step,
  typingLimits,
} from '../../src/features/typing/typing.rules.ts';
import { createTyping } from '../../src/features/typing/typing.service.ts';
import { createTurns } from '../../src/platform/turns.ts';

interface Heard {
  at: number;
  isTyping: boolean;
}

/** What the others hear of somebody who says these things at these times, with time itself at work in between. */
function heardOf(said: readonly (readonly [atMs: number, isTyping: boolean])[]): Heard[] {
  const heard: Heard[] = [];
  let state = notTyping;
  const take = (step: Step, at: number) => {
    state = step.state;
    if (step.told !== null) heard.push({ at, isTyping: step.told });
  };
  const passUntil = (end: number) => {
    let now = 0;
    for (;;) {
      const next = nextChangeAt(state, now);
      if (next === null || next > end) return;
      now = next;
      take(afterTime(state, now), now);
    }
  };
  for (const [at, isTyping] of said) {
    passUntil(at);
    take(afterSaying(state, isTyping, at), at);
  }
  passUntil(Number.POSITIVE_INFINITY);
  expect(state.isShown, 'somebody who says nothing more is not shown for ever').to.equal(false);
  return heard;
}

describe('typing rules', () => {
  for (const [what, said, heard] of [
    [
      'typing ends by itself after 6 s',
      [[0, true]],
      [
        [0, true],
        [6000, false],
      ],
    ],
    [
      'a renewal within 3 s only puts the end off',
      [
        [0, true],
        [2999, true],
      ],
      [
        [0, true],
        [8999, false],
      ],
    ],
    [
      'a renewal after 3 s is passed on',
      [
        [0, true],
        [3000, true],
      ],
      [
        [0, true],
        [3000, true],
        [9000, false],
      ],
    ],
    [
      'the end passes at once',
      [
        [0, true],
        [1, false],
      ],
      [
        [0, true],
        [1, false],
      ],
    ],
    [
      'who does not type ends nothing',
      [
        [0, false],
        [5, false],
      ],
      [],
    ],
    [
      'who begins again within 3 s is shown when they are over',
      [
        [0, true],
        [10, false],
        [20, true],
      ],
      [
        [0, true],
        [10, false],
        [3000, true],
        [6020, false],
      ],
    ],
    [
      'who begins and ends again meanwhile is not',
      [
        [0, true],
        [10, false],
        [20, true],
        [30, false],
      ],
      [
        [0, true],
        [10, false],
      ],
    ],
  ] as const)
    it(what, () => {
      expect(heardOf(said)).to.deep.equal(heard.map(([at, isTyping]) => ({ at, isTyping })));
    });

  it('whatever is said: true at most once in 3 s, false only after true, and the end is always told', () => {
    const saying = fc.tuple(fc.integer({ min: 0, max: 4000 }), fc.boolean());
    fc.assert(
      fc.property(fc.array(saying, { maxLength: 50 }), (steps) => {
        let at = 0;
        const said = steps.map(([afterMs, isTyping]) => {
          at += afterMs;
          return [at, isTyping] as const;
        });
        const heard = heardOf(said);
        const shown = heard.filter(({ isTyping }) => isTyping);
        shown.reduce(
          (before, next) => {
            expect(next.at - before.at).to.be.at.least(typingLimits.passedOnEveryMs);
            return next;
          },
          { at: Number.NEGATIVE_INFINITY, isTyping: true },
        );
        heard.forEach(({ isTyping }, index) => {
          if (!isTyping) expect(heard[index - 1]?.isTyping).to.equal(true);
        });
        expect(heard.at(-1)?.isTyping ?? false).to.equal(false);
      }),
    );
  });
});

describe('typing: what is said at once', () => {
  /** Every question about friendship is answered when the test says so. */
  function open() {
    const questions: (() => void)[] = [];
    const told: [readonly string[], unknown][] = [];
    const typing = createTyping({
      delivery: {
        toUsers: ({ userIds, data }) => void told.push([userIds, data]),
        toConversation: () => {},
      },
      privateConversationOf: (one, other) => `${one}-${other}`,
      areFriends: () => new Promise((resolve) => questions.push(() => resolve(true))),
      requireMayWrite: async () => {},
      countMembers: async () => 1,
      inTurn: createTurns(),
      onFailure: (error) => {
        throw error;
      },
    });
    const say = (to: string, isTyping: boolean) =>
      typing.handlers.setStatus(
        { to, isTyping },
        {
          actor: { userId: 'ann', sessionId: 'session' },
          requestId: 'request',
          locale: 'en',
          address: '127.0.0.1',
          file: null,
          originSocketId: 'socket',
        },
      );
    /** Answers what was asked, the latest first, until nobody asks any more. */
    const answerAll = async () => {
      do {
        for (const answer of questions.splice(0).reverse()) answer();
        await new Promise((resolve) => setImmediate(resolve));
      } while (questions.length > 0);
    };
    return { say, answerAll, told };
  }

  it('takes its turn, however long each look takes', async () => {
    const { say, answerAll, told } = open();
    const all = Promise.all([say('bob', true), say('bob', false)]);
    await answerAll();
    await all;
    expect(told.map(([, data]) => data)).to.deep.equal([
      { from: 'ann', isTyping: true },
      { from: 'ann', isTyping: false },
    ]);
  });

  it('is passed on in 20 conversations of one person and remembered in no more', async () => {
    const { say, answerAll, told } = open();
    const all = Promise.all(Array.from({ length: 50 }, (_, index) => say(`friend ${index}`, true)));
    await answerAll();
    await all;
    expect(told).to.have.length(typingLimits.conversationsAtOnce);
  });
});
