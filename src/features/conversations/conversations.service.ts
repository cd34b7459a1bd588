import type { Handlers } from '../../core/operation.ts';
import type { Head, Message, Viewer } from '../messages/messages.contract.ts';
import type { ConversationView } from './conversation-views.ts';
import type { conversationsContract, StaleList, SyncItem } from './conversations.contract.ts';
import { type Membership, visibleFrom } from './conversations.rules.ts';
import type { Floors } from './floors.ts';
import type { Heads } from './heads.ts';
import type { MembershipStore } from './memberships.store.ts';
import {
  beginning,
  type Change,
  decodeSince,
  decodeSyncCursor,
  encodeSince,
  encodeSyncCursor,
  isNews,
  readFrom,
  type Since,
  sinceAfter,
} from './sync-state.ts';

interface ConversationsDeps {
  memberships: MembershipStore;
  heads: Pick<Heads, 'of'>;
  floors: Pick<Floors, 'of'>;
  describe(
    viewerId: string,
    memberships: readonly Membership[],
    heads: ReadonlyMap<string, Head>,
  ): Promise<Map<string, ConversationView>>;
  readLog(
    range: {
      conversationId: string;
      aboveSeq: number;
      belowSeq?: number;
      limit: number;
      newestFirst?: boolean;
    },
    viewer: Viewer,
    maxBytes: number,
  ): Promise<{ messages: Message[]; bytes: number; hasMore: boolean }>;
  /** Changes of what the lists of `stale` show, from a point in time on. */
  listChangesSince(userId: string, since: Date): Promise<Record<StaleList, Change[]>>;
}

type SyncInput = Parameters<Handlers<typeof conversationsContract>['sync']>[0];
type SyncReset = SyncItem['reset'];

/** What is left of a page. */
interface Budget {
  entries: number;
  bytes: number;
}

/** One conversation that has something to tell. */
interface Plan {
  membership: Membership;
  aboveSeq: number;
  reset?: SyncReset;
}

const pageMaxBytes = 256 * 1024;
const resetEntries = 50;
/** Conversations are looked at in steps of this many, and described in steps of the other. */
const lookStep = 500;
const mostDescribed = 20;

export function createConversationsService(deps: ConversationsDeps): Handlers<typeof conversationsContract> {
  const { memberships, heads, floors, describe, readLog } = deps;
  const handlers: Handlers<typeof conversationsContract> = {
    async sync(input, { actor }) {
      const start = decodeSince(input.since);
      const news = await changesAfter(actor.userId, start);
      const cursor = input.cursor === undefined ? null : decodeSyncCursor(input.cursor);
      const page = await fillPage(actor.userId, input, { cursor, changed: news.conversations });
      const since = cursor?.since ?? encodeSince(news.next);
      return {
        items: page.items,
        gone: cursor ? [] : await goneFrom(actor.userId, Object.keys(input.conversations)),
        stale: cursor ? [] : news.stale,
        since,
        nextCursor: page.end && encodeSyncCursor({ since, ...page.end }),
      };
    },
  };

  async function fillPage(viewerId: string, input: SyncInput, from: PageStart): Promise<Page> {
    const page: Page = { items: [], end: null };
    const budget: Budget = { entries: input.limit, bytes: pageMaxBytes };
    let after = from.cursor?.within === null ? from.cursor.after : before(from.cursor?.after);
    for (;;) {
      const mine = await memberships.listAfter(viewerId, after, lookStep);
      const ids = mine.map(({ conversationId }) => conversationId);
      const [standing, floorSeqs] = await Promise.all([heads.of(ids), floors.of(ids)]);
      const plans = mine.flatMap(
        (membership) => planFor({ membership, standing, floorSeqs, input, from }) ?? [],
      );
      const describeStep = Math.min(mostDescribed, input.limit);
      for (let step = 0; step < plans.length; step += describeStep) {
        page.end = await tell(
          { viewerId, plans: plans.slice(step, step + describeStep), standing },
          page.items,
          budget,
        );
        if (page.end) return page;
      }
      const last = mine.at(-1);
      if (!last || mine.length < lookStep) return page;
      after = last.conversationId;
    }
  }

  /** Adds conversations to the page as long as it has room. Answers where it ended, or `null` if all were told. */
  async function tell(
    { viewerId, plans, standing }: { viewerId: string; plans: Plan[]; standing: Map<string, Head> },
    items: SyncItem[],
    budget: Budget,
  ): Promise<Page['end']> {
    const views = await describe(
      viewerId,
      plans.map(({ membership }) => membership),
      standing,
    );
    for (const { membership, aboveSeq, reset } of plans) {
      const { conversationId } = membership;
      const view = views.get(conversationId);
      if (!view) continue;
      if (budget.entries <= 0 || budget.bytes <= 0) return endBefore(items, conversationId);
      const newestFirst = reset !== undefined;
      const limit = newestFirst ? Math.min(resetEntries, budget.entries) : budget.entries;
      const { messages, bytes, hasMore } = await readLog(
        // what came since is pushed live; the page tells of one moment
        { conversationId, aboveSeq, belowSeq: view.conversation.headSeq + 1, limit, newestFirst },
        view.viewer,
        budget.bytes,
      );
      if (newestFirst) messages.reverse();
      items.push({ conversation: view.conversation, entries: messages, ...(reset && { reset }) });
      budget.entries -= Math.max(messages.length, 1);
      budget.bytes -= bytes + conversationBytes;
      if (hasMore && !newestFirst) return { after: conversationId, within: messages.at(-1)?.seq ?? null };
    }
    return null;
  }

  async function goneFrom(userId: string, named: readonly string[]): Promise<string[]> {
    const mine = new Set(
      (await memberships.findOf(userId, named)).map(({ conversationId }) => conversationId),
    );
    return named.filter((conversationId) => !mine.has(conversationId));
  }

  /** What changed besides the logs: my own state of conversations, and the lists that `stale` names. */
  async function changesAfter(userId: string, start: Since) {
    const now = new Date();
    const from = readFrom(start);
    const [own, lists] = await Promise.all([
      memberships.changedSince(userId, from),
      deps.listChangesSince(userId, from),
    ]);
    const ownChanges = own.map(({ conversationId, updatedAt }) => ({ id: conversationId, at: updatedAt }));
    const named = Object.entries(lists) as [StaleList, Change[]][];
    return {
      conversations: new Set(ownChanges.filter((change) => isNews(start, change)).map(({ id }) => id)),
      stale: named
        .filter(([, changes]) => start === beginning || changes.some((change) => isNews(start, change)))
        .map(([list]) => list),
      next: sinceAfter(now, [...ownChanges, ...named.flatMap(([, changes]) => changes)]),
    };
  }

  return handlers;
}

interface PageStart {
  cursor: ReturnType<typeof decodeSyncCursor> | null;
  /** Conversations whose own state changed after `since`. */
  changed: ReadonlySet<string>;
}

interface Page {
  items: SyncItem[];
  end: { after: string; within: number | null } | null;
}

/** About what a Conversation takes in a page, in bytes. */
const conversationBytes = 1500;

interface PlanInput {
  membership: Membership;
  standing: ReadonlyMap<string, Head>;
  floorSeqs: ReadonlyMap<string, number>;
  input: SyncInput;
  from: PageStart;
}

/** What is to be told of one conversation; `null` if there is nothing new. */
function planFor({ membership, standing, floorSeqs, input, from }: PlanInput): Plan | null {
  const { conversationId } = membership;
  const head = standing.get(conversationId)?.seq ?? 0;
  const { cursor } = from;
  if (cursor?.within && cursor.after === conversationId) return { membership, aboveSeq: cursor.within };
  const known = input.conversations[conversationId];
  const floor = visibleFrom(membership, floorSeqs.get(conversationId) ?? 0) - 1;
  if (known === undefined) {
    return input.partial || head === 0 ? null : { membership, aboveSeq: floor, reset: 'new' };
  }
  if (known < floor || known > head) return { membership, aboveSeq: floor, reset: 'cursor_expired' };
  return known < head || from.changed.has(conversationId) ? { membership, aboveSeq: known } : null;
}

function endBefore(items: readonly SyncItem[], conversationId: string): Page['end'] {
  const last = items.at(-1);
  return last
    ? { after: last.conversation.id, within: null }
    : { after: before(conversationId) ?? '', within: null };
}

/** The greatest id below this one, so that a page can begin within a conversation. */
function before(conversationId: string | undefined): string | null {
  if (conversationId === undefined) return null;
  const below = BigInt(`0x${conversationId}`) - 1n;
  return below < 0n ? null : below.toString(16).padStart(24, '0');
}
