import type { Viewer } from '../messages/messages.contract.ts';
import { type Membership, toldMarks, visibleFrom } from './conversations.rules.ts';
import type { MembershipStore, StoredMembership } from './memberships.store.ts';
import type { Memberships } from './memberships.ts';

interface ViewersDeps {
  memberships: Pick<Memberships, 'findOf' | 'findPeers'>;
  /** The same without floors. */
  store: Pick<MembershipStore, 'findOf' | 'listAfter'>;
  /** Whether a person sees what others have read. */
  seesReads(userId: string): Promise<boolean>;
}

const membershipsPerRead = 1000;

/** Somebody as the viewer of a conversation of theirs. */
export function toViewer(own: Membership, peer: StoredMembership | undefined, seesReads: boolean): Viewer {
  return {
    userId: own.userId,
    marks: { own, peer: toldMarks(peer, seesReads) },
    joinedFrom: own.joinedFrom,
    visibleFrom: visibleFrom(own),
  };
}

/** What somebody sees of their conversations, for whoever reads across them. */
export function createViewers({ memberships, store, seesReads }: ViewersDeps) {
  async function listAll(userId: string): Promise<StoredMembership[]> {
    const all: StoredMembership[] = [];
    for (;;) {
      const some = await store.listAfter(userId, all.at(-1)?.conversationId ?? null, membershipsPerRead);
      all.push(...some);
      if (some.length < membershipsPerRead) return all;
    }
  }

  return {
    /**
     * The conversations that somebody is in, or only this one of them, with the first seq that they may see there, floors
     * apart: those of all of them would be dear, and most of them have nothing to show.
     */
    async placesOf(userId: string, conversationId?: string): Promise<Map<string, number>> {
      const mine = await (conversationId === undefined
        ? listAll(userId)
        : store.findOf(userId, [conversationId]));
      return new Map(mine.map((own) => [own.conversationId, visibleFrom({ ...own, floorSeq: 0 })]));
    },

    async viewersOf(userId: string, conversationIds: readonly string[]): Promise<Map<string, Viewer>> {
      const mine = await memberships.findOf(userId, conversationIds);
      const [peers, isSeeing] = await Promise.all([memberships.findPeers(mine), seesReads(userId)]);
      const peerById = new Map(peers.map((peer) => [peer.conversationId, peer]));
      return new Map(
        mine.map((own) => {
          const { conversationId } = own;
          return [conversationId, toViewer(own, peerById.get(conversationId), isSeeing)];
        }),
      );
    },
  };
}
