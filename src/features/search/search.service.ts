import { z } from 'zod';
import { AppError, invalidField } from '../../core/errors.ts';
import { id } from '../../core/ids.ts';
import type { Handlers } from '../../core/operation.ts';
import { decodeCursor, encodeCursor } from '../../core/page.ts';
import type { Message, Viewer } from '../messages/messages.contract.ts';
import type { searchContract } from './search.contract.ts';
import {
  isFoundBy,
  parseQuery,
  type SearchQuery,
  searchableText,
  termsOfQuery,
} from './search-terms.rules.ts';
import type { Candidate, SearchPosition, TermStore } from './terms.store.ts';

interface SearchDeps {
  store: Pick<TermStore, 'findCandidates' | 'among'>;
  /** The conversations that somebody is in, or only this one of them, with the first seq that they may see there. */
  conversationsOf(userId: string, conversationId?: string): Promise<Map<string, number>>;
  /** Since when messages are shown; `null` if there is no such limit. */
  shownSince(): Date | null;
  viewersOf(userId: string, conversationIds: readonly string[]): Promise<Map<string, Viewer>>;
  /** Messages as they are shown to these viewers; without those that are not. */
  readShown(messageIds: readonly string[], viewers: ReadonlyMap<string, Viewer>): Promise<Message[]>;
}

const usualLimit = 50;
const pageMaxBytes = 256 * 1024;
/** A look takes up more candidates than the one before, as those did not fill the page; so many for one page. */
const mostLooks = 6;
/** Of several terms, so many are looked for to learn which one is rarest. */
const mostTried = 4;
const lookGrowth = 3;
const mostPerLook = 1000;
/** MongoDB walks up to 200 ranges of an index together; each conversation is two, as there are two terms. */
const conversationsPerRead = 100;

const position = z.tuple([z.int().min(0).max(8.64e15), id]);

/** What one search is about, and where it has to go on. */
interface Search {
  userId: string;
  query: SearchQuery;
  /** The one that is looked for first. */
  terms: readonly string[];
  senderId: string | undefined;
  since: Date | undefined;
  until: Date | undefined;
  /** Where something may still be found, by the first seq that the person may see. */
  places: Map<string, number>;
  viewers: Map<string, Viewer>;
}

interface Page {
  items: Message[];
  bytes: number;
  isFull: boolean;
  /** Of the last item. */
  end: SearchPosition | null;
}

export function createSearchService(deps: SearchDeps): Handlers<typeof searchContract> {
  const { store } = deps;

  /** The newest candidates below a position that have a term, of all places. */
  async function look({ places, since, until }: Search, { term, below, limit }: Look): Promise<Candidate[]> {
    const conversationIds = [...places.keys()];
    let found: Candidate[] = [];
    for (let from = 0; from < conversationIds.length; from += conversationsPerRead) {
      const rows = await store.findCandidates({
        conversationIds: conversationIds.slice(from, from + conversationsPerRead),
        term,
        since: found.length === limit ? found.at(-1)?.at : since,
        until,
        below,
        limit,
      });
      found = from === 0 ? rows : [...found, ...rows].sort(newestFirst).slice(0, limit);
    }
    return found;
  }

  /** Looks for each of the terms that seem rarest: that is it which has the fewest, or goes back furthest with as many. */
  async function firstLook(search: Search, at: Omit<Look, 'term'>): Promise<Candidate[]> {
    const looks = await Promise.all(
      search.terms.slice(0, mostTried).map(async (term) => ({
        term,
        candidates: await look(search, { ...at, term }),
      })),
    );
    const [rarest] = looks.sort(
      (one, other) =>
        one.candidates.length - other.candidates.length ||
        Number(one.candidates.at(-1)?.at) - Number(other.candidates.at(-1)?.at),
    );
    if (!rarest) return [];
    search.terms = [rarest.term, ...search.terms.filter((term) => term !== rarest.term)];
    return rarest.candidates;
  }

  /** Those that the index cannot rule out. */
  async function sift(search: Search, candidates: readonly Candidate[]): Promise<Candidate[]> {
    const { places, senderId, terms } = search;
    const others = terms.slice(1);
    const visible = candidates.filter((candidate) => {
      const isVisible = candidate.seq >= (places.get(candidate.conversationId) ?? Number.POSITIVE_INFINITY);
      // what lies below is not visible either
      if (!isVisible) places.delete(candidate.conversationId);
      return isVisible && (senderId === undefined || candidate.senderId === senderId);
    });
    if (others.length === 0 || visible.length === 0) return visible;
    const having = await store.among(
      visible.map(({ messageId }) => messageId),
      others,
    );
    return visible.filter(({ messageId }) => having.has(messageId));
  }

  /** The messages themselves: what they say now, to this person, decides. */
  async function read({ userId, query, viewers }: Search, candidates: readonly Candidate[]) {
    const unknown = candidates
      .map(({ conversationId }) => conversationId)
      .filter((conversationId) => !viewers.has(conversationId));
    if (unknown.length > 0)
      for (const [conversationId, viewer] of await deps.viewersOf(userId, [...new Set(unknown)]))
        viewers.set(conversationId, viewer);
    const messages = await deps.readShown(
      candidates.map(({ messageId }) => messageId),
      viewers,
    );
    const byId = new Map(messages.map((message) => [message.id, message]));
    return candidates.flatMap((place) => {
      const message = byId.get(place.messageId);
      const isFound = message && isFoundBy(query, searchableText(message.contentType, message.content));
      return isFound ? [{ place, message }] : [];
    });
  }

  /** Adds what is found to the page, until it is full. */
  async function fill(page: Page, search: Search, { candidates, limit }: Fill): Promise<void> {
    for (let from = 0; from < candidates.length && !page.isFull; from += limit + 1) {
      for (const { place, message } of await read(search, candidates.slice(from, from + limit + 1))) {
        const bytes = Buffer.byteLength(JSON.stringify(message));
        page.isFull =
          page.items.length === limit || (page.items.length > 0 && page.bytes + bytes > pageMaxBytes);
        if (page.isFull) return;
        page.items.push(message);
        page.bytes += bytes;
        page.end = place;
      }
    }
  }

  async function findPage(search: Search, start: SearchPosition | undefined, limit: number) {
    const page: Page = { items: [], bytes: 0, isFull: false, end: null };
    let below = start;
    let step = limit + 1;
    for (let looks = 0; looks < mostLooks; looks++) {
      const at = { below, limit: step };
      const [term = ''] = search.terms;
      const candidates = await (looks === 0 ? firstLook(search, at) : look(search, { ...at, term }));
      await fill(page, search, { candidates: await sift(search, candidates), limit });
      if (page.isFull) return { items: page.items, next: page.end };
      if (candidates.length < step) return { items: page.items, next: null };
      below = candidates.at(-1);
      step = Math.min(step * lookGrowth, mostPerLook);
    }
    return { items: page.items, next: below ?? null };
  }

  return {
    async searchMessages({ q, conversationId, senderId, limit = usualLimit, ...input }, { actor }) {
      const query = parseQuery(q);
      if (!query)
        throw invalidField('q', {
          en: 'Must have a letter, a digit or an emoji',
          zh: '须包含文字、数字或表情',
        });
      const start = input.cursor === undefined ? undefined : positionOf(input.cursor);
      const places = await deps.conversationsOf(actor.userId, conversationId);
      if (conversationId !== undefined && places.size === 0) throw new AppError('not_found');
      const search: Search = {
        userId: actor.userId,
        query,
        terms: termsOfQuery(query),
        senderId,
        since: later(input.since, deps.shownSince()),
        until: input.until === undefined ? undefined : new Date(input.until),
        places,
        viewers: new Map(),
      };
      const { items, next } = await findPage(search, start, limit);
      const nextCursor = next && encodeCursor([next.at.getTime(), next.messageId]);
      return { items, nextCursor };
    },
  };
}

interface Look {
  term: string;
  below: SearchPosition | undefined;
  limit: number;
}

interface Fill {
  candidates: readonly Candidate[];
  limit: number;
}

function newestFirst(one: Candidate, other: Candidate): number {
  return other.at.getTime() - one.at.getTime() || (other.messageId < one.messageId ? -1 : 1);
}

function positionOf(cursor: string): SearchPosition {
  const [at, messageId] = decodeCursor(cursor, position);
  return { at: new Date(at), messageId };
}

function later(asked: string | undefined, limit: Date | null): Date | undefined {
  const since = asked === undefined ? undefined : new Date(asked);
  return limit && (!since || limit > since) ? limit : since;
}
