import { toldMarks, visibleFrom } from './conversations.rules.ts';
import type { MembershipStore } from './memberships.store.ts';

interface PrivateViewDeps {
  memberships: Pick<MembershipStore, 'findPair'>;
  /** Whether a person sees what others have read. */
  seesReads(userId: string): Promise<boolean>;
}

/**
 * What a person sees of their conversation with a peer: from where on, their own marks, and of the peer's what they may
 * know; `null` before its first message.
 */
export function createPrivateView({ memberships, seesReads }: PrivateViewDeps) {
  return async (viewerId: string, conversationId: string, peerId: string) => {
    const [pair, isSeeing] = await Promise.all([
      memberships.findPair(conversationId, [viewerId, peerId]),
      seesReads(viewerId),
    ]);
    const own = pair.find(({ userId }) => userId === viewerId);
    const peer = pair.find(({ userId }) => userId === peerId);
    return own && peer
      ? { visibleFrom: visibleFrom(own), marks: { own, peer: toldMarks(peer, isSeeing) } }
      : null;
  };
}
