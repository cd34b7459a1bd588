import type { Memberships } from './memberships.ts';
import { toViewer } from './viewers.ts';

interface ConversationViewDeps {
  memberships: Pick<Memberships, 'findPair' | 'find'>;
  /** Whether a person sees what others have read. */
  seesReads(userId: string): Promise<boolean>;
}

/**
 * What a person sees of a conversation: from where on, their own marks, and of a peer's what they may know; `null` before
 * the first message to the peer, and for who is not in the group.
 */
export function createConversationView({ memberships, seesReads }: ConversationViewDeps) {
  return async (viewerId: string, conversationId: string, peerId: string | null) => {
    if (peerId === null) {
      const own = await memberships.find({ userId: viewerId, conversationId });
      return own?.type === 'group' ? toViewer(own, undefined, false) : null;
    }
    const [pair, isSeeing] = await Promise.all([
      memberships.findPair(conversationId, [viewerId, peerId]),
      seesReads(viewerId),
    ]);
    const own = pair.find(({ userId }) => userId === viewerId);
    const peer = pair.find(({ userId }) => userId === peerId);
    return own && peer ? toViewer(own, peer, isSeeing) : null;
  };
}
