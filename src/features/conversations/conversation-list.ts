import { z } from 'zod';
import type { Handlers } from '../../core/operation.ts';
import { decodeCursor, encodeCursor, pageSize } from '../../core/page.ts';
import type { Head } from '../messages/messages.contract.ts';
import type { DescribeConversations } from './conversation-views.ts';
import type { conversationsContract } from './conversations.contract.ts';
import { isHidden, type Membership } from './conversations.rules.ts';
import { type CountUnread, nothingUnread } from './unread.ts';
import type { Walk } from './walk.ts';

interface ListDeps {
  walk: Walk;
  describe: DescribeConversations;
  countUnread: CountUnread;
}

type ListHandlers = Pick<Handlers<typeof conversationsContract>, 'list' | 'countUnread'>;

/** Where a conversation stands in the list: pinned or not, time of its latest entry in ms, id. */
const position = z.tuple([z.boolean(), z.int(), z.string().regex(/^[0-9a-f]{24}$/)]);
type Position = z.output<typeof position>;

/** A person's conversations in their order, and what is unread in them. Hidden ones are left out of both. */
export function createConversationList({ walk, describe, countUnread }: ListDeps): ListHandlers {
  return {
    async list(input, { actor }) {
      const limit = pageSize(input);
      const after = input.cursor === undefined ? null : decodeCursor(input.cursor, position);
      const behind: Listed[] = [];
      for await (const { mine, standing } of walk(actor.userId)) {
        const listed = listedOf(mine, standing);
        behind.push(...listed.filter(({ at }) => after === null || byPosition(after, at) < 0));
      }
      const page = behind.sort((one, other) => byPosition(one.at, other.at)).slice(0, limit);
      const heads = new Map(page.map(({ membership, head }) => [membership.conversationId, head]));
      const mine = page.map(({ membership }) => membership);
      const views = await describe(actor.userId, mine, heads);
      const last = page.at(-1);
      return {
        items: mine.flatMap(({ conversationId }) => views.get(conversationId)?.conversation ?? []),
        nextCursor: behind.length > limit && last ? encodeCursor(last.at) : null,
      };
    },

    async countUnread(_input, { actor }) {
      let total = 0;
      const conversations = [];
      for await (const { mine, standing } of walk(actor.userId)) {
        const listed = listedOf(mine, standing).map(({ membership }) => membership);
        const counts = await countUnread(actor.userId, listed, standing);
        for (const { conversationId, muted } of listed) {
          const count = counts.get(conversationId) ?? nothingUnread;
          if (count.unread > 0) conversations.push({ conversationId, ...count });
          if (!muted) total += count.unread;
        }
      }
      return { total, conversations };
    },
  };
}

interface Listed {
  membership: Membership;
  head: Head;
  at: Position;
}

/** Those that have begun and are not hidden. */
function listedOf(mine: readonly Membership[], standing: ReadonlyMap<string, Head>): Listed[] {
  return mine.flatMap((membership) => {
    const head = standing.get(membership.conversationId);
    if (!head || isHidden(membership, head)) return [];
    const at: Position = [membership.pinned, head.at.getTime(), membership.conversationId];
    return [{ membership, head, at }];
  });
}

/** Pinned ones first, then the latest; ids only keep equals apart. */
function byPosition([onePinned, oneAt, oneId]: Position, [otherPinned, otherAt, otherId]: Position): number {
  if (onePinned !== otherPinned) return onePinned ? -1 : 1;
  if (oneAt !== otherAt) return otherAt - oneAt;
  if (oneId === otherId) return 0;
  return oneId < otherId ? -1 : 1;
}
