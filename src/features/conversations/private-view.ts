import { visibleFrom } from './conversations.rules.ts';
import type { MembershipStore } from './memberships.store.ts';

/** What a person sees of their conversation with a peer, and both sides' marks; `null` before its first message. */
export function createPrivateView(memberships: MembershipStore) {
  return async (viewerId: string, conversationId: string, peerId: string) => {
    const pair = await memberships.findPair(conversationId, [viewerId, peerId]);
    const own = pair.find(({ userId }) => userId === viewerId);
    const peer = pair.find(({ userId }) => userId === peerId);
    return own && peer ? { visibleFrom: visibleFrom(own), marks: { own, peer } } : null;
  };
}
