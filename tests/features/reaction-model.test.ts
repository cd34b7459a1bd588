import { expect } from 'chai';
import fc from 'fast-check';
import mongoose, { type Connection, Types } from 'mongoose';
import type { Change, Entry } from '../../src/features/messages/messages.rules.ts';
import { createReactionStore } from '../../src/features/messages/reactions.store.ts';
import { createReactions, type Reactions } from '../../src/features/messages/reactions.ts';
import { freshDatabaseUri } from '../support/database.ts';

const emoji = '👍';
const begunWith = 53;
const userIds = Array.from({ length: 58 }, () => new Types.ObjectId().toHexString());

/** Somebody sets or withdraws a reaction; what follows earlier changes may come again before. */
const step = fc.record({ by: fc.nat(userIds.length - 1), active: fc.boolean(), late: fc.option(fc.nat(9)) });

describe('messages: reactions by a simple model', () => {
  let connection: Connection;
  let reactions: Reactions;
  before(async () => {
    connection = await mongoose.createConnection(freshDatabaseUri()).asPromise();
    reactions = createReactions(createReactionStore(connection));
    await connection.model('Reaction').createIndexes();
  });
  after(async () => {
    await connection.dropDatabase();
    await connection.close();
  });

  /** A message as the log of changes leaves it, one change after the other. */
  class Course {
    #entry: Entry = {
      id: new Types.ObjectId().toHexString(),
      conversationId: new Types.ObjectId().toHexString(),
      seq: 1,
      messageCount: 1,
      lowCount: 0,
      type: 'group',
      senderId: userIds[0] ?? '',
      clientMessageId: null,
      requestHash: '',
      contentType: 'text',
      content: 'vote',
      rev: 1,
      createdAt: new Date(),
    };
    readonly #made: { entry: Entry; change: Change }[] = [];
    /** Who has set it, in their order. */
    set: string[] = [];

    async take(userId: string, active: boolean): Promise<void> {
      const after = await reactions.after(this.#entry, { userId, emoji, active });
      expect(after === null).to.equal(this.set.includes(userId) === active);
      if (after === null) return;
      this.set = active ? [...this.set, userId] : this.set.filter((id) => id !== userId);
      this.#entry = { ...this.#entry, rev: this.#entry.rev + 1, reactions: after };
      const { id: messageId, seq: messageSeq, rev } = this.#entry;
      const change = { event: 'message_reacted', messageId, messageSeq, rev, userId, emoji, active } as const;
      this.#made.push({ entry: this.#entry, change });
      await reactions.follow(this.#entry, change);
    }

    /** A process that was slow brings what followed one of the last changes once more. */
    async repeat(back: number): Promise<void> {
      const made = this.#made.at(-1 - back);
      if (made) await reactions.follow(made.entry, made.change);
    }

    get shown() {
      return this.#entry.reactions?.[0];
    }
  }

  it('count everybody once and name the first fifty of those who are left, however late anything comes again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        const course = new Course();
        for (const userId of userIds.slice(0, begunWith)) await course.take(userId, true);
        for (const { by, active, late } of steps) {
          if (late !== null) await course.repeat(late);
          await course.take(userIds[by] ?? '', active);
          expect(course.shown?.count).to.equal(course.set.length);
          expect(course.shown?.userIds).to.deep.equal(course.set.slice(0, 50));
        }
        for (const userId of userIds) await course.take(userId, false);
        expect(course.shown).to.equal(undefined);
      }),
      { numRuns: 8 },
    );
  });
});
