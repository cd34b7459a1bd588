import type { Head, Message } from '../messages/messages.contract.ts';
import { emptyHead } from '../messages/messages.contract.ts';
import { type Membership, undeliveredFloor, writtenBetween } from './conversations.rules.ts';
import type { Heads } from './heads.ts';
import type { Memberships } from './memberships.ts';

interface UndeliveredDeps {
  memberships: Pick<Memberships, 'listAfter'>;
  heads: Pick<Heads, 'of'>;
  /** Where logs stood with the entries at these places. */
  findHeadsAt(places: ReadonlyMap<string, number>): Promise<Map<string, Head>>;
  /** The oldest messages of these senders in these parts of logs. */
  readOldest(
    stretches: readonly {
      conversationId: string;
      senderId: string;
      aboveSeq: number;
      uptoSeq: number;
      messageCount: number;
    }[],
    reading: { userId: string; limit: number },
  ): Promise<Message[]>;
}

const lookStep = 500;

/** Answers the private messages above a person's delivered marks, the oldest first over all conversations. */
export function createUndelivered({ memberships, heads, findHeadsAt, readOldest }: UndeliveredDeps) {
  return async (userId: string, limit: number): Promise<Message[]> => {
    const stretches = [];
    for (let after: string | null = null; ; ) {
      const mine: Membership[] = await memberships.listAfter(userId, after, lookStep);
      stretches.push(...(await stretchesOf(mine)));
      const last = mine.at(-1);
      if (!last || mine.length < lookStep) return readOldest(stretches, { userId, limit });
      after = last.conversationId;
    }
  };

  async function stretchesOf(mine: readonly Membership[]) {
    const standing = await heads.of(mine.map(({ conversationId }) => conversationId));
    const floors = mine.map((own) => [own.conversationId, undeliveredFloor(own)] as const);
    const stood = await findHeadsAt(new Map(floors.filter(([, floor]) => floor > 0)));
    return mine
      .flatMap((own) => {
        const { conversationId, peerId } = own;
        if (peerId === null) return [];
        const head = standing.get(conversationId) ?? emptyHead;
        return {
          conversationId,
          senderId: peerId,
          aboveSeq: undeliveredFloor(own),
          uptoSeq: head.seq,
          messageCount: writtenBetween(own, stood.get(conversationId) ?? emptyHead, head),
        };
      })
      .filter(({ messageCount }) => messageCount > 0);
  }
}
