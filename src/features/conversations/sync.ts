import type { Handlers } from '../../core/operation.ts';
import type { Head, Message, Viewer } from '../messages/messages.contract.ts';
import type { DescribeConversations } from './conversation-views.ts';
import type { conversationsContract, StaleList, SyncItem } from './conversations.contract.ts';
import { type Membership, visibleFrom } from './conversations.rules.ts';
import type { Memberships } from './memberships.ts';
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
import type { Walk } from './walk.ts';

interface SyncDeps {
  memberships: Pick<Memberships, 'findOf' | 'changedSince'>;
  walk: Walk;
  describe: DescribeConversations;
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
  ): Promise<{ messages: Message[]; deletedSeqs: number[]; bytes: number; hasMore: boolean }>;
  /** What a person deleted for themselves from a point in time on. */
  listDeletedSince(userId: string, since: Date): Promise<Deleted[]>;
  /** Changes of what the lists of `stale` show, from a point in time on. */
  listChangesSince(userId: string, since: Date): Promise<Record<StaleList, Change[]>>;
}

interface Deleted {
  conversationId: string;
  seq: number;
  at: Date;
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
  /** What of the entries that the client has was deleted since. */
  deletedBefore: readonly number[];
}

const pageMaxBytes = 256 * 1024;
const resetEntries = 50;
/** Conversations are described in steps of this many, as most pages end before they have told of all. */
const mostDescribed = 20;

/** Brings a client up to date: what it lacks of each log, its own state of conversations, and which lists are stale. */
export function createSync(deps: SyncDeps): Pick<Handlers<typeof conversationsContract>, 'sync'> {
  const { memberships, walk, describe, readLog } = deps;
  const handlers: ReturnType<typeof createSync> = {
    async sync(input, { actor }) {
      const start = decodeSince(input.since);
      const news = await changesAfter(actor.userId, start);
      const cursor = input.cursor === undefined ? null : decodeSyncCursor(input.cursor);
      const page = await fillPage(actor.userId, input, { cursor, ...news });
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
    const after = from.cursor?.within === null ? from.cursor.after : before(from.cursor?.after);
    const describeStep = Math.min(mostDescribed, input.limit);
    for await (const { mine, standing } of walk(viewerId, after)) {
      const plans = mine.flatMap((membership) => planFor({ membership, standing, input, from }) ?? []);
      for (let step = 0; step < plans.length; step += describeStep) {
        const told = { viewerId, plans: plans.slice(step, step + describeStep), standing };
        page.end = await tell(told, page.items, budget);
        if (page.end) return page;
      }
    }
    return page;
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
    for (const { membership, aboveSeq, reset, deletedBefore } of plans) {
      const { conversationId } = membership;
      const view = views.get(conversationId);
      if (!view) continue;
      const ownBytes = Buffer.byteLength(JSON.stringify(view.conversation));
      if (budget.entries <= 0 || budget.bytes < ownBytes) return endBefore(items, conversationId);
      const newestFirst = reset !== undefined;
      const limit = newestFirst ? Math.min(resetEntries, budget.entries) : budget.entries;
      const { messages, deletedSeqs, bytes, hasMore } = await readLog(
        // what came since is pushed live; the page tells of one moment
        { conversationId, aboveSeq, belowSeq: view.conversation.headSeq + 1, limit, newestFirst },
        view.viewer,
        budget.bytes - ownBytes,
      );
      if (newestFirst) messages.reverse();
      const conversation = {
        ...view.conversation,
        deletedSeqs: ascending([...deletedBefore, ...deletedSeqs]),
      };
      items.push({ conversation, entries: messages, ...(reset && { reset }) });
      budget.entries -= Math.max(messages.length, 1);
      budget.bytes -= bytes + ownBytes + bytesPerSeq * conversation.deletedSeqs.length;
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
    const [own, deleted, lists] = await Promise.all([
      memberships.changedSince(userId, from),
      deps.listDeletedSince(userId, from),
      deps.listChangesSince(userId, from),
    ]);
    const ownChanges = [
      ...own.map(({ conversationId, updatedAt: at }) => ({ conversationId, id: conversationId, at })),
      ...deleted.map(({ conversationId, seq, at }) => ({
        conversationId,
        id: `${conversationId}:${seq}`,
        at,
      })),
    ];
    const named = Object.entries(lists) as [StaleList, Change[]][];
    return {
      changed: new Set(
        ownChanges.filter((change) => isNews(start, change)).map(({ conversationId }) => conversationId),
      ),
      deletedSeqs: seqsByConversation(deleted),
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
  /** What was deleted after `since`, by conversation. */
  deletedSeqs: ReadonlyMap<string, readonly number[]>;
}

interface Page {
  items: SyncItem[];
  end: { after: string; within: number | null } | null;
}

/** About what the place of a deleted entry takes in a page. */
const bytesPerSeq = 8;

interface PlanInput {
  membership: Membership;
  standing: ReadonlyMap<string, Head>;
  input: SyncInput;
  from: PageStart;
}

/** What is to be told of one conversation; `null` if there is nothing new. */
function planFor({ membership, standing, input, from }: PlanInput): Plan | null {
  const { conversationId } = membership;
  const head = standing.get(conversationId)?.seq ?? 0;
  const { cursor } = from;
  const pagedTo = cursor?.after === conversationId ? cursor.within : null;
  const known = pagedTo ?? input.conversations[conversationId];
  const floor = visibleFrom(membership) - 1;
  // who drops what they hold has nothing left in which something could be deleted
  const anew = { membership, aboveSeq: floor, deletedBefore: [] };
  if (known === undefined) return input.partial || head === 0 ? null : { ...anew, reset: 'new' };
  // what one may see can begin higher since the last page, and a cursor may be anybody's
  if (known < floor || known > head) return { ...anew, reset: 'cursor_expired' };
  if (pagedTo !== null) return { membership, aboveSeq: pagedTo, deletedBefore: [] };
  if (known === head && !from.changed.has(conversationId)) return null;
  const deletedSeqs = from.deletedSeqs.get(conversationId) ?? [];
  const deletedBefore = deletedSeqs.filter((seq) => seq > floor && seq <= known);
  return { membership, aboveSeq: known, deletedBefore };
}

function seqsByConversation(deleted: readonly Deleted[]): Map<string, number[]> {
  const seqs = new Map<string, number[]>();
  for (const { conversationId, seq } of deleted) {
    const known = seqs.get(conversationId);
    if (known) known.push(seq);
    else seqs.set(conversationId, [seq]);
  }
  return seqs;
}

const ascending = (seqs: readonly number[]) => seqs.toSorted((one, other) => one - other);

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
