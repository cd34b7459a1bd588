import type { Group } from '../groups/groups.contract.ts';
import {
  type BothMarks,
  emptyHead,
  type Head,
  type Message,
  type Viewer,
} from '../messages/messages.contract.ts';
import type { User } from '../users/users.contract.ts';
import type { Conversation } from './conversations.contract.ts';
import { isHidden, lastShownSeq, type Membership } from './conversations.rules.ts';
import type { Memberships } from './memberships.ts';
import { type CountUnread, nothingUnread, type Unread } from './unread.ts';
import { toViewer } from './viewers.ts';

interface ViewsDeps {
  memberships: Pick<Memberships, 'findPeers'>;
  usersFor(viewerId: string, userIds: readonly string[]): Promise<Map<string, User>>;
  /** Groups as these members of them see them; without those that have ended. */
  groupsFor(mine: readonly Membership[]): Promise<Map<string, Group>>;
  /** Whether a person sees what others have read. */
  seesReads(userId: string): Promise<boolean>;
  readAt(
    places: ReadonlyMap<string, number>,
    viewers: ReadonlyMap<string, Viewer>,
  ): Promise<Map<string, Message>>;
  countUnread: CountUnread;
}

export interface ConversationView {
  conversation: Conversation;
  viewer: Viewer;
}

export type DescribeConversations = ReturnType<typeof createConversationViews>;

/** Describes conversations to one of their members, any number of them in a constant number of reads. */
export function createConversationViews(deps: ViewsDeps) {
  return async (
    viewerId: string,
    mine: readonly Membership[],
    heads: ReadonlyMap<string, Head>,
  ): Promise<Map<string, ConversationView>> => {
    if (mine.length === 0) return new Map();
    const peerIds = mine.flatMap(({ peerId }) => peerId ?? []);
    const [peers, users, groups, seesReads, unread] = await Promise.all([
      deps.memberships.findPeers(mine),
      deps.usersFor(viewerId, peerIds),
      deps.groupsFor(mine.filter(({ type }) => type === 'group')),
      deps.seesReads(viewerId),
      deps.countUnread(viewerId, mine, heads),
    ]);
    const peerById = new Map(peers.map((peer) => [peer.conversationId, peer]));
    const viewerIn = (own: Membership) => toViewer(own, peerById.get(own.conversationId), seesReads);
    const viewers = new Map(mine.map((own) => [own.conversationId, viewerIn(own)]));
    const lastMessages = await deps.readAt(lastSeqs(mine, heads), viewers);
    const alive = mine.filter(({ type, conversationId }) => type === 'private' || groups.has(conversationId));
    return new Map(
      alive.map((own) => {
        const { conversationId } = own;
        const viewer = viewers.get(conversationId) ?? viewerIn(own);
        const parts = {
          peer: own.peerId === null ? undefined : users.get(own.peerId),
          group: groups.get(conversationId),
          head: heads.get(conversationId) ?? emptyHead,
          lastMessage: lastMessages.get(conversationId) ?? null,
          counts: unread.get(conversationId) ?? nothingUnread,
        };
        return [conversationId, { conversation: toConversation(own, viewer.marks, parts), viewer }];
      }),
    );
  };
}

interface Parts {
  peer: User | undefined;
  group: Group | undefined;
  head: Head;
  lastMessage: Message | null;
  counts: Unread;
}

function toConversation(
  own: Membership,
  marks: BothMarks,
  { peer, group, head, lastMessage, counts }: Parts,
): Conversation {
  return {
    id: own.conversationId,
    type: own.type,
    ...(peer && { peer }),
    ...(group && { group }),
    lastMessage,
    headSeq: head.seq,
    ...counts,
    readSeq: own.readSeq,
    deliveredSeq: own.deliveredSeq,
    ...(own.type === 'private' && {
      peerReadSeq: marks.peer.readSeq,
      peerDeliveredSeq: marks.peer.deliveredSeq,
    }),
    clearedSeq: own.clearedSeq,
    pinned: own.pinned,
    muted: own.muted,
    ...(isHidden(own, head) && { hidden: true as const }),
    updatedAt: (head.seq > 0 ? head.at : own.updatedAt).toISOString(),
  };
}

/** The place of the newest message that each member sees. */
function lastSeqs(mine: readonly Membership[], heads: ReadonlyMap<string, Head>): Map<string, number> {
  const shown = mine.map(
    (own) => [own.conversationId, lastShownSeq(own, heads.get(own.conversationId) ?? emptyHead)] as const,
  );
  return new Map(shown.filter(([, seq]) => seq > 0));
}
