import { Readable } from 'node:stream';
import type { PersonalData } from '../../core/personal-data.ts';
import { toPushedMessage } from './message-views.ts';
import type { MessageStore } from './messages.store.ts';

/** What a person has written: exported line by line, and kept for those who received it when its author has gone. */
export function createPersonalMessages(store: Pick<MessageStore, 'sentBy' | 'countSentBy'>): PersonalData {
  async function* linesOf(userId: string): AsyncGenerator<string> {
    for await (const entry of store.sentBy(userId)) {
      const { status: _, ...message } = toPushedMessage(entry);
      yield `${JSON.stringify(message)}\n`;
    }
  }

  return {
    async exportOf(userId) {
      return [{ name: 'messages.ndjson', content: Readable.from(linesOf(userId), { objectMode: false }) }];
    },
    async erase(userId) {
      return { kept: { messages: await store.countSentBy(userId) } };
    },
  };
}
