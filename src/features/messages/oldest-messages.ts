import type { Entry } from './messages.rules.ts';
import type { MessageStore } from './messages.store.ts';

/** A part of a log, and whose messages are looked for in it. */
export interface Stretch {
  conversationId: string;
  senderId: string;
  /** Exclusive. */
  aboveSeq: number;
  uptoSeq: number;
  /** How many messages of the sender are in it. */
  messageCount: number;
}

const entriesPerRead = 500;

/**
 * Reads the oldest messages of all these stretches together, in their order of time. Time never sinks within a log, so each
 * is read from below, some at a time, until it ends or is younger than what was found. Hardly more than the limit is held
 * at once.
 */
export function createOldestMessages({ findWithin }: Pick<MessageStore, 'findWithin'>) {
  return async (stretches: readonly Stretch[], limit: number): Promise<Entry[]> => {
    let oldest: Entry[] = [];
    let open = stretches;
    while (open.length > 0) {
      const step = Math.max(1, Math.floor(entriesPerRead / open.length));
      const parts = open.map((stretch) => cut(stretch, step));
      const reads: Read[] = [];
      for (let at = 0; at < parts.length; at += entriesPerRead) {
        const some = parts.slice(at, at + entriesPerRead);
        const entries = await findWithin(some.map(({ part }) => part));
        const read = some.map((each) => toRead(each, entries));
        oldest = [...oldest, ...read.flatMap(({ messages }) => messages)].sort(byAge).slice(0, limit);
        reads.push(...read);
      }
      const latest = oldest.length < limit ? undefined : oldest.at(-1)?.createdAt;
      open = reads.flatMap(({ rest, readUpTo }) =>
        rest && (latest === undefined || readUpTo < latest) ? [rest] : [],
      );
    }
    return oldest;
  };
}

interface Cut {
  part: Stretch;
  /** What lies above the part. */
  rest: Stretch;
}

function cut(stretch: Stretch, step: number): Cut {
  const uptoSeq = Math.min(stretch.uptoSeq, stretch.aboveSeq + step);
  return { part: { ...stretch, uptoSeq }, rest: { ...stretch, aboveSeq: uptoSeq } };
}

interface Read {
  messages: Entry[];
  /** `null`: there is nothing more. */
  rest: Stretch | null;
  readUpTo: Date;
}

function toRead({ part, rest }: Cut, entries: readonly Entry[]): Read {
  const own = entries.filter(({ conversationId }) => conversationId === part.conversationId);
  const messages = own.filter(
    ({ senderId, contentType }) => senderId === part.senderId && isMessage(contentType),
  );
  const messageCount = rest.messageCount - messages.length;
  const isOver = rest.aboveSeq >= rest.uptoSeq || messageCount <= 0;
  const readUpTo = new Date(Math.max(0, ...own.map(({ createdAt }) => createdAt.getTime())));
  return { messages, rest: isOver ? null : { ...rest, messageCount }, readUpTo };
}

/** Entries of `system` tell of changes. */
function isMessage(contentType: string): boolean {
  return contentType !== 'system';
}

function byAge(one: Entry, other: Entry): number {
  return (
    one.createdAt.getTime() - other.createdAt.getTime() ||
    one.conversationId.localeCompare(other.conversationId) ||
    one.seq - other.seq
  );
}
