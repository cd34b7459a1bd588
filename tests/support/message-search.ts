import { setTimeout as delay } from 'node:timers/promises';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import type { TestUser } from './builders.ts';
import type { TestSocket } from './clients.ts';

export interface FoundPage {
  items: Message[];
  nextCursor: string | null;
}

type Query = Record<string, string | number | undefined>;

/** One page of a search over REST. */
export async function searchPage(user: TestUser, query: Query): Promise<FoundPage> {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) parameters.set(name, String(value));
  const { status, body } = await user.rest('GET', `/api/messages/search?${parameters}`);
  if (status !== 200) throw new Error(`search answered ${status}: ${JSON.stringify(body)}`);
  return body as unknown as FoundPage;
}

/** What a search finds, over all pages. */
export async function searchAll(user: TestUser, query: Query): Promise<Message[]> {
  const all: Message[] = [];
  let cursor: string | undefined;
  do {
    const page: FoundPage = await searchPage(user, { ...query, cursor });
    all.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return all;
}

const visibleWithinMs = 1000;
let marks = 0;

/** Sends a message of one word that nothing else has, and waits until it is found: then all before it can be. */
export async function untilIndexed(sender: TestUser, socket: TestSocket, receiverId: string): Promise<void> {
  const content = `indexmark${process.pid}x${marks++}`;
  await socket.call('private_message', { receiverId, content });
  const sentAt = Date.now();
  while ((await searchPage(sender, { q: content })).items.length === 0) {
    if (Date.now() - sentAt > visibleWithinMs) throw new Error('not found within a second');
    await delay(20);
  }
}
