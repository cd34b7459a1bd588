import type { BothMarks, Marks, Message } from '../messages/messages.contract.ts';
import type { User } from '../users/users.contract.ts';
import type { Conversation } from './conversations.contract.ts';
import { type Membership, mostUnread, unreadWindow, visibleFrom } from './conversations.rules.ts';
import type { Head } from './heads.store.ts';
import type { MembershipStore } from './memberships.store.ts';

interface ViewsDeps {
  memberships: MembershipStore;
  usersFor(viewerId: string, userIds: readonly string[]): Promise<Map<string, User>>;
  readAt(
    places: ReadonlyMap<string, number>,
    viewerId: string,
    marks: ReadonlyMap<string, BothMarks>,
  ): Promise<Map<string, Message>>;
  countOthersAbove(userId: string, seqs: ReadonlyMap<string, number>): Promise<Map<string, number>>;
}

export interface ConversationView {
  conversation: Conversation;
  marks: BothMarks;
}

const unmarked: Marks = { readSeq: 0, deliveredSeq: 0 };

/** Describes conversations to one of their members, any number of them in a constant number of reads. */
export function createConversationViews({ memberships, usersFor, readAt, countOthersAbove }: ViewsDeps) {
  return async (
    viewerId: string,
    mine: readonly Membership[],
    heads: ReadonlyMap<string, Head>,
  ): Promise<Map<string, ConversationView>> => {
    const peers = await memberships.findPeers(mine);
    const peerById = new Map(peers.map((peer) => [peer.conversationId, peer]));
    const marks = new Map(
      mine.map((own) => [own.conversationId, { own, peer: peerById.get(own.conversationId) ?? unmarked }]),
    );
    const [users, lastMessages, unread] = await Promise.all([
      usersFor(
        viewerId,
        mine.map(({ peerId }) => peerId),
      ),
      readAt(lastSeqs(mine, heads), viewerId, marks),
      countOthersAbove(viewerId, unreadFloors(mine, heads)),
    ]);
    return new Map(
      mine.map((own) => {
        const { conversationId } = own;
        const both = marks.get(conversationId) ?? { own, peer: unmarked };
        const parts = {
          peer: users.get(own.peerId),
          head: heads.get(conversationId),
          lastMessage: lastMessages.get(conversationId) ?? null,
          unread: Math.min(unread.get(conversationId) ?? 0, mostUnread),
        };
        return [conversationId, { conversation: toConversation(own, both, parts), marks: both }];
      }),
    );
  };
}

interface Parts {
  peer: User | undefined;
  head: Head | undefined;
  lastMessage: Message | null;
  unread: number;
}

function toConversation(
  own: Membership,
  marks: BothMarks,
  { peer, head, lastMessage, unread }: Parts,
): Conversation {
  return {
    id: own.conversationId,
    type: own.type,
    ...(peer && { peer }),
    lastMessage,
    headSeq: head?.seq ?? 0,
    unread,
    mentioned: 0,
    readSeq: own.readSeq,
    deliveredSeq: own.deliveredSeq,
    peerReadSeq: marks.peer.readSeq,
    peerDeliveredSeq: marks.peer.deliveredSeq,
    clearedSeq: own.clearedSeq,
    pinned: own.pinned,
    muted: own.muted,
    updatedAt: (head?.at ?? own.updatedAt).toISOString(),
  };
}

/** The place of the newest entry that each member sees. */
function lastSeqs(mine: readonly Membership[], heads: ReadonlyMap<string, Head>): Map<string, number> {
  const shown = mine.flatMap((membership) => {
    const seq = heads.get(membership.conversationId)?.seq ?? 0;
    return seq >= visibleFrom(membership) ? [[membership.conversationId, seq] as const] : [];
  });
  return new Map(shown);
}

/** Above which seq each member's unread messages lie; conversations without any are left out. */
function unreadFloors(mine: readonly Membership[], heads: ReadonlyMap<string, Head>): Map<string, number> {
  const open = mine.flatMap((membership) => {
    const head = heads.get(membership.conversationId)?.seq ?? 0;
    const floor = Math.max(membership.readSeq, visibleFrom(membership) - 1, head - unreadWindow);
    return head > floor ? [[membership.conversationId, floor] as const] : [];
  });
  return new Map(open);
}
