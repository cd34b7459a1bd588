import {
  type BothMarks,
  emptyHead,
  type Head,
  type Message,
  type Viewer,
} from '../messages/messages.contract.ts';
import type { User } from '../users/users.contract.ts';
import type { Conversation } from './conversations.contract.ts';
import { type Membership, unreadBetween, unreadFloor } from './conversations.rules.ts';
import type { Floors } from './floors.ts';
import type { MembershipStore } from './memberships.store.ts';
import { toViewer } from './viewers.ts';

interface ViewsDeps {
  memberships: MembershipStore;
  floors: Pick<Floors, 'of'>;
  usersFor(viewerId: string, userIds: readonly string[]): Promise<Map<string, User>>;
  readAt(
    places: ReadonlyMap<string, number>,
    viewers: ReadonlyMap<string, Viewer>,
  ): Promise<Map<string, Message>>;
  /** Where logs stood with the entries at these places. */
  findHeadsAt(places: ReadonlyMap<string, number>): Promise<Map<string, Head>>;
}

export interface ConversationView {
  conversation: Conversation;
  viewer: Viewer;
}

/** Describes conversations to one of their members, any number of them in a constant number of reads. */
export function createConversationViews({ memberships, floors, usersFor, readAt, findHeadsAt }: ViewsDeps) {
  return async (
    viewerId: string,
    mine: readonly Membership[],
    heads: ReadonlyMap<string, Head>,
  ): Promise<Map<string, ConversationView>> => {
    const [peers, floorSeqs] = await Promise.all([
      memberships.findPeers(mine),
      floors.of(mine.map(({ conversationId }) => conversationId)),
    ]);
    const peerById = new Map(peers.map((peer) => [peer.conversationId, peer]));
    const floorOf = ({ conversationId }: Membership) => floorSeqs.get(conversationId) ?? 0;
    const viewerIn = (own: Membership) =>
      toViewer(own, { peer: peerById.get(own.conversationId), floorSeq: floorOf(own) });
    const viewers = new Map(mine.map((own) => [own.conversationId, viewerIn(own)]));
    const [users, lastMessages, countsBelow] = await Promise.all([
      usersFor(
        viewerId,
        mine.map(({ peerId }) => peerId),
      ),
      readAt(lastSeqs(viewers, heads), viewers),
      findHeadsAt(unreadFloors(mine, floorOf)),
    ]);
    return new Map(
      mine.map((own) => {
        const { conversationId } = own;
        const viewer = viewers.get(conversationId) ?? viewerIn(own);
        const head = heads.get(conversationId) ?? emptyHead;
        const parts = {
          peer: users.get(own.peerId),
          head,
          lastMessage: lastMessages.get(conversationId) ?? null,
          unread: unreadBetween(own, countsBelow.get(conversationId) ?? emptyHead, head),
        };
        return [conversationId, { conversation: toConversation(own, viewer.marks, parts), viewer }];
      }),
    );
  };
}

interface Parts {
  peer: User | undefined;
  head: Head;
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
    headSeq: head.seq,
    unread,
    mentioned: 0,
    readSeq: own.readSeq,
    deliveredSeq: own.deliveredSeq,
    peerReadSeq: marks.peer.readSeq,
    peerDeliveredSeq: marks.peer.deliveredSeq,
    clearedSeq: own.clearedSeq,
    pinned: own.pinned,
    muted: own.muted,
    updatedAt: (head.seq > 0 ? head.at : own.updatedAt).toISOString(),
  };
}

/** The place of the newest message that each member sees. */
function lastSeqs(
  viewers: ReadonlyMap<string, Viewer>,
  heads: ReadonlyMap<string, Head>,
): Map<string, number> {
  const shown = [...viewers].flatMap(([conversationId, { visibleFrom }]) => {
    const seq = heads.get(conversationId)?.lastMessageSeq ?? 0;
    return seq >= visibleFrom ? [[conversationId, seq] as const] : [];
  });
  return new Map(shown);
}

/** The entries above which unread messages begin; none where they begin with the log. */
function unreadFloors(
  mine: readonly Membership[],
  floorOf: (membership: Membership) => number,
): Map<string, number> {
  const floors = mine.map((own) => [own.conversationId, unreadFloor(own, floorOf(own))] as const);
  return new Map(floors.filter(([, floor]) => floor > 0));
}
