import type { Memberships } from './memberships.ts';
import { toViewer } from './viewers.ts';

interface PrivateViewDeps {
  memberships: Pick<Memberships, 'findPair'>;
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
    return own && peer ? toViewer(own, peer, isSeeing) : null;
  };
}
