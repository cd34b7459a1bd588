import { emptyHead, type Head } from '../messages/messages.contract.ts';
import { type Membership, mostUnread, unreadFloor, writtenBetween } from './conversations.rules.ts';

/** A part of the log of a group, up to and including `upToSeq`. */
interface Stretch {
  conversationId: string;
  aboveSeq: number;
  upToSeq: number;
  messageCount: number;
}

interface UnreadDeps {
  /** Where logs stood with the entries at these places. */
  findHeadsAt(places: ReadonlyMap<string, number>): Promise<Map<string, Head>>;
  /** Which of others' messages above these places are recalled or deleted by the viewer. */
  findRemovedAbove(
    viewerId: string,
    places: ReadonlyMap<string, number>,
  ): Promise<Map<string, ReadonlySet<number>>>;
  /** How many messages the viewer has written in parts of groups. */
  countOwn(viewerId: string, stretches: readonly Stretch[]): Promise<Map<string, number>>;
  /** Which of others' messages in parts of groups mention the viewer or everybody. */
  findMentions(viewerId: string, stretches: readonly Stretch[]): Promise<Map<string, readonly number[]>>;
}

/** What a member has not read, and how much of it calls them; 1000 means that or more. */
export interface Unread {
  unread: number;
  mentioned: number;
}

export const nothingUnread: Unread = { unread: 0, mentioned: 0 };

export type CountUnread = ReturnType<typeof createUnreadCounter>;

/**
 * Counts what a member has not read in each conversation, in five reads for any number of them: others' messages above
 * the mark that are not recalled, deleted or cleared. Counts stop at 1,000. Conversations without any are left out, and
 * nothing is read for them.
 */
export function createUnreadCounter({ findHeadsAt, findRemovedAbove, countOwn, findMentions }: UnreadDeps) {
  /** Where something was written above the floor, by the viewer or by others. */
  async function findWritten(
    mine: readonly Membership[],
    heads: ReadonlyMap<string, Head>,
  ): Promise<(Stretch & Pick<Membership, 'type'>)[]> {
    const headOf = ({ conversationId }: Membership) => heads.get(conversationId) ?? emptyHead;
    const open = mine.filter((own) => unreadFloor(own) < headOf(own).lastMessageSeq);
    const floors = new Map(open.map((own) => [own.conversationId, unreadFloor(own)]));
    // a log begins with nothing in it, so there is no entry to look at
    const floorHeads = await findHeadsAt(new Map([...floors].filter(([, floor]) => floor > 0)));
    return open
      .map((own) => {
        const { conversationId, type } = own;
        const head = headOf(own);
        const floorHead = floorHeads.get(conversationId) ?? emptyHead;
        return {
          conversationId,
          type,
          aboveSeq: unreadFloor(own),
          upToSeq: head.seq,
          messageCount: writtenBetween(own, floorHead, head),
        };
      })
      .filter(({ messageCount }) => messageCount > 0);
  }

  return async (
    viewerId: string,
    mine: readonly Membership[],
    heads: ReadonlyMap<string, Head>,
  ): Promise<Map<string, Unread>> => {
    const written = await findWritten(mine, heads);
    const inGroups = written.filter(({ type }) => type === 'group');
    const [removed, own, mentions] = await Promise.all([
      findRemovedAbove(
        viewerId,
        new Map(written.map(({ conversationId, aboveSeq }) => [conversationId, aboveSeq])),
      ),
      countOwn(viewerId, inGroups),
      findMentions(viewerId, inGroups),
    ]);
    return new Map(
      written.map(({ conversationId, messageCount, upToSeq }) => {
        const gone = new Set([...(removed.get(conversationId) ?? [])].filter((seq) => seq <= upToSeq));
        const unread = messageCount - (own.get(conversationId) ?? 0) - gone.size;
        const mentioned = (mentions.get(conversationId) ?? []).filter((seq) => !gone.has(seq)).length;
        return [conversationId, { unread: atMost(unread), mentioned: atMost(mentioned) }];
      }),
    );
  };
}

const atMost = (count: number): number => Math.min(Math.max(count, 0), mostUnread);
