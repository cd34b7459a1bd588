import type { Head } from '../messages/messages.contract.ts';
import type { Membership } from './conversations.rules.ts';
import type { Heads } from './heads.ts';
import type { Memberships } from './memberships.ts';

interface WalkDeps {
  memberships: Pick<Memberships, 'listAfter'>;
  heads: Pick<Heads, 'of'>;
}

interface Step {
  mine: Membership[];
  standing: Map<string, Head>;
}

const stepLength = 500;

export type Walk = ReturnType<typeof createWalk>;

/** Walks through a person's conversations in the order of their ids, 500 at a time, with where each stands. */
export function createWalk({ memberships, heads }: WalkDeps) {
  return async function* (userId: string, after: string | null = null): AsyncGenerator<Step> {
    let from = after;
    for (;;) {
      const found = await memberships.listAfter(userId, from, stepLength + 1);
      const mine = found.slice(0, stepLength);
      yield { mine, standing: await heads.of(mine.map(({ conversationId }) => conversationId)) };
      if (found.length <= stepLength) return;
      from = mine.at(-1)?.conversationId ?? null;
    }
  };
}
