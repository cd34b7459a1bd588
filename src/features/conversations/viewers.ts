import type { Marks, Viewer } from '../messages/messages.contract.ts';
import { type Membership, visibleFrom } from './conversations.rules.ts';
import type { Floors } from './floors.ts';
import type { MembershipStore } from './memberships.store.ts';

interface ViewersDeps {
  memberships: Pick<MembershipStore, 'findOf' | 'findPeers' | 'listAfter'>;
  floors: Pick<Floors, 'of'>;
}

const unmarked: Marks = { readSeq: 0, deliveredSeq: 0 };
const membershipsPerRead = 1000;

export function toViewer(
  own: Membership,
  { peer, floorSeq }: { peer: Marks | undefined; floorSeq: number },
): Viewer {
  return {
    userId: own.userId,
    marks: { own, peer: peer ?? unmarked },
    visibleFrom: visibleFrom(own, floorSeq),
  };
}

/** What somebody sees of their conversations, for whoever reads across them. */
export function createViewers({ memberships, floors }: ViewersDeps) {
  async function listAll(userId: string): Promise<Membership[]> {
    const all: Membership[] = [];
    for (;;) {
      const some = await memberships.listAfter(
        userId,
        all.at(-1)?.conversationId ?? null,
        membershipsPerRead,
      );
      all.push(...some);
      if (some.length < membershipsPerRead) return all;
    }
  }

  return {
    /**
     * The conversations that somebody is in, or only this one of them, with the first seq that they may see there, limits in
     * time apart.
     */
    async placesOf(userId: string, conversationId?: string): Promise<Map<string, number>> {
      const mine = await (conversationId === undefined
        ? listAll(userId)
        : memberships.findOf(userId, [conversationId]));
      return new Map(mine.map((own) => [own.conversationId, visibleFrom(own, 0)]));
    },

    async viewersOf(userId: string, conversationIds: readonly string[]): Promise<Map<string, Viewer>> {
      const mine = await memberships.findOf(userId, conversationIds);
      const [peers, floorSeqs] = await Promise.all([
        memberships.findPeers(mine),
        floors.of(mine.map(({ conversationId }) => conversationId)),
      ]);
      const peerById = new Map(peers.map((peer) => [peer.conversationId, peer]));
      return new Map(
        mine.map((own) => {
          const peer = peerById.get(own.conversationId);
          return [
            own.conversationId,
            toViewer(own, { peer, floorSeq: floorSeqs.get(own.conversationId) ?? 0 }),
          ];
        }),
      );
    },
  };
}
