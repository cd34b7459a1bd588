import { Readable } from 'node:stream';
import type { PersonalData } from '../../core/personal-data.ts';
import type { HiddenMessageStore } from './hidden-messages.store.ts';
import type { MessageViews } from './message-views.ts';
import type { MessageStore } from './messages.store.ts';

interface PersonalMessagesDeps {
  store: Pick<MessageStore, 'sentBy' | 'countSentBy'>;
  hidden: Pick<HiddenMessageStore, 'forgetAllOf'>;
  views: Pick<MessageViews, 'toPushedMessage'>;
}

/** What a person has written: exported line by line, and kept for those who received it when its author has gone. */
export function createPersonalMessages({ store, hidden, views }: PersonalMessagesDeps): PersonalData {
  async function* linesOf(userId: string): AsyncGenerator<string> {
    for await (const entry of store.sentBy(userId)) {
      const { status: _, ...message } = views.toPushedMessage(entry);
      yield `${JSON.stringify(message)}\n`;
    }
  }

  return {
    async exportOf(userId) {
      return [{ name: 'messages.ndjson', content: Readable.from(linesOf(userId), { objectMode: false }) }];
    },
    async erase(userId) {
      const hiddenCount = await hidden.forgetAllOf(userId);
      return {
        deleted: { hidden_messages: hiddenCount },
        kept: { messages: await store.countSentBy(userId) },
      };
    },
  };
}
