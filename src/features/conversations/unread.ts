import { emptyHead, type Head } from '../messages/messages.contract.ts';
import { type Membership, mostUnread, unreadFloor, writtenBetween } from './conversations.rules.ts';

interface UnreadDeps {
  /** Where logs stood with the entries at these places. */
  findHeadsAt(places: ReadonlyMap<string, number>): Promise<Map<string, Head>>;
  /** How many of others' messages above these places are recalled or deleted by the viewer. */
  countRemovedAbove(viewerId: string, places: ReadonlyMap<string, number>): Promise<Map<string, number>>;
}

export type CountUnread = ReturnType<typeof createUnreadCounter>;

/**
 * Counts what a member has not read in each conversation, in three reads for any number of them: others' messages above
 * the mark that are not recalled, deleted or cleared. Counts stop at 1,000.
 */
export function createUnreadCounter({ findHeadsAt, countRemovedAbove }: UnreadDeps) {
  return async (
    viewerId: string,
    mine: readonly Membership[],
    heads: ReadonlyMap<string, Head>,
  ): Promise<Map<string, number>> => {
    const headOf = ({ conversationId }: Membership) => heads.get(conversationId) ?? emptyHead;
    const open = mine.filter((own) => unreadFloor(own) < headOf(own).lastMessageSeq);
    const floors = new Map(open.map((own) => [own.conversationId, unreadFloor(own)]));
    // a log begins with nothing in it, so there is no entry to look at
    const floorHeads = await findHeadsAt(new Map([...floors].filter(([, floor]) => floor > 0)));
    const written = new Map(
      open.map((own) => {
        const floorHead = floorHeads.get(own.conversationId) ?? emptyHead;
        return [own.conversationId, writtenBetween(own, floorHead, headOf(own))];
      }),
    );
    const removed = await countRemovedAbove(
      viewerId,
      new Map([...floors].filter(([id]) => (written.get(id) ?? 0) > 0)),
    );
    const unreadIn = (id: string) => Math.max((written.get(id) ?? 0) - (removed.get(id) ?? 0), 0);
    return new Map(
      mine.map(({ conversationId }) => [conversationId, Math.min(unreadIn(conversationId), mostUnread)]),
    );
  };
}
