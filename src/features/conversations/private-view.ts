import { visibleFrom } from './conversations.rules.ts';
import type { Floors } from './floors.ts';
import type { MembershipStore } from './memberships.store.ts';

/** What a person sees of their conversation with a peer, and both sides' marks; `null` before its first message. */
export function createPrivateView(memberships: MembershipStore, floors: Pick<Floors, 'of'>) {
  return async (viewerId: string, conversationId: string, peerId: string) => {
    const [pair, floorSeqs] = await Promise.all([
      memberships.findPair(conversationId, [viewerId, peerId]),
      floors.of([conversationId]),
    ]);
    const floorSeq = floorSeqs.get(conversationId) ?? 0;
    const own = pair.find(({ userId }) => userId === viewerId);
    const peer = pair.find(({ userId }) => userId === peerId);
    return own && peer ? { visibleFrom: visibleFrom(own, floorSeq), marks: { own, peer } } : null;
  };
}
