import { expect } from 'chai';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import type { TestSocket } from './clients.ts';

/** Reads a whole conversation, with a friend or of a group, by its history pages, ascending. */
export async function readWholeHistory(
  socket: TestSocket,
  place: string | { groupId: string },
): Promise<Message[]> {
  const where = typeof place === 'string' ? { friendId: place } : place;
  const all: Message[] = [];
  let after: number | null = 0;
  while (after !== null) {
    const page: { items: Message[]; nextCursor: number | null } = await socket.call('message_history', {
      ...where,
      after,
      limit: 100,
    });
    all.push(...page.items);
    after = page.nextCursor;
  }
  return all;
}

/** Promises 1 to 4: every acknowledged message once, at its seq; no holes; each sender's messages in sending order. */
export function checkLog(log: readonly Message[], acknowledged: readonly Message[]): void {
  expect(log.map(({ seq }) => seq)).to.deep.equal(log.map((_, index) => index + 1));
  expect(new Set(log.map(({ id }) => id)).size).to.equal(log.length);
  for (const { seq, id, content } of acknowledged) {
    expect(log[seq - 1]?.id, `acknowledged message ${String(content)} at ${seq}`).to.equal(id);
    expect(log[seq - 1]?.content).to.equal(content);
  }
}
