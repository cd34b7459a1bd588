import type { HiddenMessageStore } from './hidden-messages.store.ts';
import { type MessageViews, relatedIdsOf, type Surroundings } from './message-views.ts';
import type { Message, Viewer } from './messages.contract.ts';
import type { Entry } from './messages.rules.ts';
import type { MessageStore, Range } from './messages.store.ts';

interface ReaderDeps {
  store: Pick<MessageStore, 'findRange' | 'findByIds' | 'findAt' | 'findRecalledAbove'>;
  hidden: Pick<HiddenMessageStore, 'among' | 'near' | 'above'>;
  views: MessageViews;
}

interface Page {
  messages: Message[];
  /** Of the messages, those that the viewer deleted. */
  deletedSeqs: number[];
  /** Of the messages as JSON. */
  bytes: number;
  /** How far the page has read, in its direction. */
  lastSeq: number | null;
  hasMore: boolean;
}

const pageMaxBytes = 256 * 1024;
const mostExcluded = 500;

export type MessageReader = ReturnType<typeof createMessageReader>;

/** Reads logs as their members see them, any number of entries in a constant number of reads. */
export function createMessageReader({ store, hidden, views }: ReaderDeps) {
  async function surroundingsOf(entries: readonly Entry[], userId: string): Promise<Surroundings> {
    const own = new Map(entries.map((entry) => [entry.id, entry]));
    const relatedIds = [...new Set(entries.flatMap(relatedIdsOf))];
    const [others, hiddenIds] = await Promise.all([
      store.findByIds(relatedIds.filter((id) => !own.has(id))),
      hidden.among(userId, [...new Set([...own.keys(), ...relatedIds])]),
    ]);
    return { related: new Map([...own, ...others.map((entry) => [entry.id, entry] as const)]), hiddenIds };
  }

  /** As many entries in their order as one page takes, without those that are left out. */
  async function cut(
    entries: readonly Entry[],
    viewer: Viewer,
    { limit, maxBytes, omitsHidden }: { limit: number; maxBytes: number; omitsHidden: boolean },
  ): Promise<Page> {
    const surroundings = await surroundingsOf(entries.slice(0, limit), viewer.userId);
    const page: Page = {
      messages: [],
      deletedSeqs: [],
      bytes: 0,
      lastSeq: null,
      hasMore: entries.length > limit,
    };
    for (const entry of entries.slice(0, limit)) {
      if (!omitsHidden || !surroundings.hiddenIds.has(entry.id)) {
        const message = views.toMessage(entry, viewer, surroundings);
        const bytes = Buffer.byteLength(JSON.stringify(message));
        if (page.messages.length > 0 && page.bytes + bytes > maxBytes) return { ...page, hasMore: true };
        page.messages.push(message);
        if (surroundings.hiddenIds.has(entry.id)) page.deletedSeqs.push(entry.seq);
        page.bytes += bytes;
      }
      page.lastSeq = entry.seq;
    }
    return page;
  }

  return {
    /** Every entry of a range in its order, as far as one page goes: its limit, or so many bytes of JSON. */
    async readLog(range: Range, viewer: Viewer, maxBytes = pageMaxBytes): Promise<Page> {
      const entries = await store.findRange({ ...range, limit: range.limit + 1 });
      return cut(entries, viewer, { limit: range.limit, maxBytes, omitsHidden: false });
    },

    /** A page of messages as they are now: no changes, and nothing that the viewer deleted. */
    async readHistory(range: Range, viewer: Viewer): Promise<Page> {
      const { conversationId, newestFirst = false, limit } = range;
      let { aboveSeq, belowSeq } = range;
      for (;;) {
        const excludedIds = await hidden.near(
          { userId: viewer.userId, conversationId },
          { aboveSeq, belowSeq },
          { newestFirst, limit: mostExcluded },
        );
        const stretch = { ...range, aboveSeq, belowSeq, excludedIds, isHistory: true, limit: limit + 1 };
        const entries = await store.findRange(stretch);
        const page = await cut(entries, viewer, { limit, maxBytes: pageMaxBytes, omitsHidden: true });
        if (page.messages.length > 0 || !page.hasMore || page.lastSeq === null) return page;
        if (newestFirst) belowSeq = page.lastSeq;
        else aboveSeq = page.lastSeq;
      }
    },

    /** The messages at these places, each in another conversation, as the viewer sees them. */
    async readAt(
      places: ReadonlyMap<string, number>,
      viewers: ReadonlyMap<string, Viewer>,
    ): Promise<Map<string, Message>> {
      const found = await store.findAt(places);
      const userId = viewers.values().next().value?.userId;
      if (userId === undefined) return new Map();
      const surroundings = await surroundingsOf([...found.values()], userId);
      return new Map(
        [...found].flatMap(([conversationId, entry]) => {
          const viewer = viewers.get(conversationId);
          return viewer ? [[conversationId, views.toMessage(entry, viewer, surroundings)]] : [];
        }),
      );
    },

    /** Messages of any logs as their viewers see them, who are one person; without what is not theirs to see. */
    async readShown(ids: readonly string[], viewers: ReadonlyMap<string, Viewer>): Promise<Message[]> {
      const userId = viewers.values().next().value?.userId;
      if (userId === undefined) return [];
      const entries = await store.findByIds(ids);
      const surroundings = await surroundingsOf(entries, userId);
      return entries.flatMap((entry) => {
        const viewer = viewers.get(entry.conversationId);
        const isShown = viewer && entry.seq >= viewer.visibleFrom && !surroundings.hiddenIds.has(entry.id);
        return isShown ? [views.toMessage(entry, viewer, surroundings)] : [];
      });
    },

    /** One message as the viewer sees it. */
    async present(entry: Entry, viewer: Viewer): Promise<Message> {
      return views.toMessage(entry, viewer, await surroundingsOf([entry], viewer.userId));
    },

    /** Messages as they would have been pushed, without those that are recalled, or deleted by the person. */
    async presentMissed(entries: readonly Entry[], userId: string): Promise<Message[]> {
      const { related, hiddenIds } = await surroundingsOf(entries, userId);
      return entries
        .filter(({ id, recalledAt }) => !recalledAt && !hiddenIds.has(id))
        .map((entry) => views.toPushedMessage(entry, related));
    },

    /** Others' messages above these places that are recalled or deleted by the viewer, who has not to read them. */
    async findRemovedAbove(
      viewerId: string,
      places: ReadonlyMap<string, number>,
    ): Promise<Map<string, ReadonlySet<number>>> {
      const [recalled, deleted] = await Promise.all([
        store.findRecalledAbove(places),
        hidden.above(viewerId, places),
      ]);
      const removed = new Map([...deleted].map(([id, seqs]) => [id, new Set(seqs)]));
      for (const { conversationId, senderId, seq } of recalled) {
        if (senderId === viewerId) continue;
        removed.set(conversationId, (removed.get(conversationId) ?? new Set()).add(seq));
      }
      return removed;
    },
  };
}
