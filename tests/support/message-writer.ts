import { AppError } from '../../src/core/errors.ts';
import { createMessageWriter } from '../../src/features/messages/message-writer.ts';
import type { Head } from '../../src/features/messages/messages.contract.ts';
import { type Entry, headOf } from '../../src/features/messages/messages.rules.ts';
import type { Send } from '../../src/features/messages/pending.ts';

export const soon = () => new Promise((resolve) => setImmediate(resolve));

/** A log with the two unique indexes of the real one, shared by any number of writers. */
export function createSharedLog() {
  const entries: Entry[] = [];
  const isTaken = (entry: Entry) =>
    entries.some(
      (other) =>
        (other.conversationId === entry.conversationId && other.seq === entry.seq) ||
        (other.senderId === entry.senderId && other.clientMessageId === entry.clientMessageId),
    );
  return {
    entries,
    of: (conversationId: string) =>
      entries
        .filter((entry) => entry.conversationId === conversationId)
        .sort((one, other) => one.seq - other.seq),
    async append(batch: readonly Entry[]): Promise<number> {
      await soon();
      for (const [index, entry] of batch.entries()) {
        if (isTaken(entry)) return index;
        entries.push(entry);
      }
      return batch.length;
    },
    async findHead(conversationId: string): Promise<Head | null> {
      await soon();
      const own = entries.filter((entry) => entry.conversationId === conversationId);
      const newest = own.reduce<Entry | null>(
        (top, entry) => (top && top.seq > entry.seq ? top : entry),
        null,
      );
      return newest && headOf(newest);
    },
    async findByKeys(keys: readonly { senderId: string; clientMessageId: string }[]): Promise<Entry[]> {
      await soon();
      return entries.filter((entry) =>
        keys.some((key) => key.senderId === entry.senderId && key.clientMessageId === entry.clientMessageId),
      );
    },
  };
}

type SharedLog = ReturnType<typeof createSharedLog>;

interface Options {
  log: SharedLog;
  findRefused?: (sends: readonly Send[]) => Promise<Map<Send, AppError>>;
  openConversation?: (send: Send) => Promise<void>;
}

export function createWriter({ log, findRefused, openConversation }: Options) {
  return createMessageWriter({
    log,
    findRefused: findRefused ?? (async () => new Map()),
    openConversation: openConversation ?? (async () => {}),
    onAppended: () => {},
  });
}

export function buildSend(overrides: Partial<Send> = {}): Send {
  const content = overrides.content ?? 'hello';
  return {
    id: 'id',
    conversationId: 'c',
    type: 'private',
    senderId: 'ann',
    receiverId: 'bob',
    clientMessageId: String(content),
    requestHash: String(content),
    contentType: 'text',
    content,
    rev: 1,
    ...overrides,
  };
}

export const refusal = () => new AppError('not_allowed');

export async function codeOf(outcome: Promise<unknown>): Promise<string> {
  return outcome.then(
    () => 'stored',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );
}
