import { setTimeout as delay } from 'node:timers/promises';
import { searchableText, termsOf } from './search-terms.rules.ts';
import type { IndexedMessage, TermStore } from './terms.store.ts';

/** What is read of a log's entry to index it; `content` is `null` of what was recalled. */
export interface IndexableEntry {
  id: string;
  conversationId: string;
  senderId: string;
  seq: number;
  rev: number;
  createdAt: Date;
  contentType: string;
  content: unknown;
}

/** Messages that could not wait to be indexed: since when their ids were made. */
export interface IndexDebt {
  since: Date;
  count: number;
}

interface IndexingDeps {
  store: Pick<TermStore, 'keep'>;
  onFailure(error: unknown): void;
}

/** Well below the second within which a message has to be found, and as few writes as that allows. */
const writeAfterMs = 200;
/** What one write may hold up the messages that are written at the same time. */
const mostPerWrite = 25;
const mostTermsPerWrite = 500;
/** After each write, so long belongs to others, in times of what it took: more where nobody waits, or too many do. */
const pauses = { usual: 1, leisurely: 4 };
/** Above this the database has all to do with the messages themselves. */
const busyFrom = 1000;
/** Messages of 4,000 characters make it 60 MB. */
const mostWaiting = 5000;

export type Indexing = ReturnType<typeof createIndexing>;

/** Keeps the index behind the log: what is noted is indexed together with what comes shortly after. */
export function createIndexing({ store, onFailure }: IndexingDeps) {
  const waiting = new Map<string, IndexableEntry>();
  let timer: NodeJS.Timeout | null = null;
  let run: Promise<void> = Promise.resolve();
  let debt: IndexDebt | null = null;

  async function keep(
    entries: Iterable<IndexableEntry>,
    { pause, onKept }: { pause(): number; onKept?(entry: IndexableEntry): void },
  ): Promise<void> {
    for (const batch of batchesOf(entries)) {
      const startedAt = performance.now();
      await store.keep(batch.map(({ terms, entry }) => toIndexed(entry, terms)));
      if (onKept) for (const { entry } of batch) onKept(entry);
      // messages that wait to be written come first
      await delay(pause() * (performance.now() - startedAt));
    }
  }

  async function write(): Promise<void> {
    try {
      while (waiting.size > 0)
        await keep([...waiting.values()], {
          pause: () => (waiting.size < busyFrom ? pauses.usual : pauses.leisurely),
          onKept(entry) {
            // unless it has changed meanwhile
            if (waiting.get(entry.id) === entry) waiting.delete(entry.id);
          },
        });
    } catch (error) {
      onFailure(error);
    }
  }

  function flush(): Promise<void> {
    if (timer) clearTimeout(timer);
    timer = null;
    run = run.then(write);
    return run;
  }

  return {
    /**
     * Takes a message as it is now, when it is new and after each change: it is found by its words within a second, after a
     * recall by none. Nothing waits for it, as what the index proposes is checked against the message itself.
     */
    note(entry: IndexableEntry): void {
      const { id, rev, contentType, content } = entry;
      if (rev === 1 && searchableText(contentType, content) === '') return;
      if (waiting.size < mostWaiting || waiting.has(id)) {
        if (rev >= (waiting.get(id)?.rev ?? 0)) waiting.set(id, entry);
      } else debt = { since: earlier(debt?.since, timeOfId(id)), count: (debt?.count ?? 0) + 1 };
      timer ??= setTimeout(() => void flush(), writeAfterMs).unref();
    },

    /** Indexes what waits. Never fails: what cannot be written waits on. */
    flush,

    /** Indexes messages that were left out, at leisure. Throws if that fails. */
    index: (entries: readonly IndexableEntry[]): Promise<void> =>
      keep(
        entries.filter(({ contentType, content }) => searchableText(contentType, content) !== ''),
        { pause: () => pauses.leisurely },
      ),

    /** From when on ids of messages may be missing in the index; `null` if none is. */
    pendingSince(): Date | null {
      let since = debt?.since;
      for (const id of waiting.keys()) since = earlier(since, timeOfId(id));
      return since ?? null;
    },

    debt: (): IndexDebt | null => debt,

    /** The debt is worked off, unless it grew meanwhile. */
    settle({ count }: IndexDebt): void {
      if (debt?.count === count) debt = null;
    },
  };
}

interface Termed {
  entry: IndexableEntry;
  terms: readonly string[];
}

/** Parts entries into what one write may carry. */
function* batchesOf(entries: Iterable<IndexableEntry>): Generator<Termed[]> {
  let batch: Termed[] = [];
  let room = mostTermsPerWrite;
  for (const entry of entries) {
    const terms = termsOf(searchableText(entry.contentType, entry.content));
    batch.push({ entry, terms });
    room -= terms.length;
    if (room > 0 && batch.length < mostPerWrite) continue;
    yield batch;
    batch = [];
    room = mostTermsPerWrite;
  }
  if (batch.length > 0) yield batch;
}

function toIndexed(entry: IndexableEntry, terms: readonly string[]): IndexedMessage {
  const { id, conversationId, senderId, seq, rev, createdAt } = entry;
  return { messageId: id, conversationId, senderId, seq, rev, at: createdAt, terms };
}

function earlier(one: Date | undefined, other: Date): Date {
  return one && one < other ? one : other;
}

/** Ids begin with the second in which they were made. */
export function timeOfId(id: string): Date {
  return new Date(Number.parseInt(id.slice(0, 8), 16) * 1000);
}
