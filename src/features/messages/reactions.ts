import type { Change, Entry } from './messages.rules.ts';
import {
  afterReacting,
  hasUnnamed,
  keptApart,
  nobodyUnnamed,
  type Reacting,
  type StoredReaction,
} from './reactions.rules.ts';
import type { ReactionStore } from './reactions.store.ts';

export type Reactions = ReturnType<typeof createReactions>;

/**
 * Who has set which reaction. A message counts all and names the first 50 itself, so that most need nothing else; the
 * others are kept apart, and written after the change of the message that decides.
 */
export function createReactions(store: ReactionStore) {
  return {
    /** The reactions of a settled message after somebody has set or withdrawn one; `null` if that changes nothing. */
    async after({ id, reactions = [] }: Entry, reacting: Reacting): Promise<StoredReaction[] | null> {
      const { userId, emoji, active } = reacting;
      const found = reactions.find((reaction) => reaction.emoji === emoji);
      if (!found || !hasUnnamed(found)) return afterReacting(reactions, reacting, nobodyUnnamed);
      const place = { messageId: id, emoji };
      const [isAmong, firstId] = await Promise.all([
        store.has(place, userId),
        active ? null : store.findFirst(place),
      ]);
      return afterReacting(reactions, reacting, { isAmong, firstId });
    },

    /** What follows a change of a message. Repeating is harmless, however late. */
    async follow({ id, type, reactions = [] }: Entry, change: Change): Promise<void> {
      // two people are always named
      if (type === 'private') return;
      if (change.event === 'message_recalled') await store.forget([id]);
      if (change.event !== 'message_reacted') return;
      const { emoji, rev } = change;
      const people = keptApart(
        reactions.find((reaction) => reaction.emoji === emoji),
        change,
      );
      if (people.length > 0)
        await store.write(people.map((person) => ({ messageId: id, emoji, rev, ...person })));
    },

    forget: store.forget,
  };
}
