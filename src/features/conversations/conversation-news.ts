import type { Delivery } from '../../core/delivery.ts';
import type { DescribeConversations } from './conversation-views.ts';
import type { Conversation, conversationsEvents } from './conversations.contract.ts';
import type { Heads } from './heads.ts';
import type { Memberships } from './memberships.ts';

interface NewsDeps {
  memberships: Pick<Memberships, 'findOf'>;
  heads: Pick<Heads, 'of'>;
  describe: DescribeConversations;
  delivery: Delivery<typeof conversationsEvents>;
  /** Whether anybody would hear what is told to a person but not to the acting socket. */
  isHeard(userId: string, originSocketId: string | null): boolean;
  inTurn<T>(keys: readonly string[], work: () => Promise<T>): Promise<T>;
  onFailure(error: unknown): void;
}

export type TellUpdated = ReturnType<typeof createConversationNews>['tellUpdated'];

/**
 * Shows a person's devices, but not the acting one, how these conversations stand for them now. A push is a hint: it is
 * not awaited, and never fails. One after the other for each person, so that the last one told is the latest.
 */
export function createConversationNews({ memberships, heads, describe, delivery, ...deps }: NewsDeps) {
  /** What will be told, and be read when its turn comes: saying it again meanwhile adds nothing. */
  const waiting = new Set<string>();

  async function conversationsFor(
    userId: string,
    conversationIds: readonly string[],
  ): Promise<Conversation[]> {
    const [mine, standing] = await Promise.all([
      memberships.findOf(userId, conversationIds),
      heads.of(conversationIds),
    ]);
    return [...(await describe(userId, mine, standing)).values()].map(({ conversation }) => conversation);
  }

  async function tell(
    userId: string,
    conversationIds: readonly string[],
    originSocketId: string | null,
  ): Promise<void> {
    for (const conversation of await conversationsFor(userId, conversationIds))
      delivery.toUsers({
        userIds: [userId],
        event: 'conversation_updated',
        data: conversation,
        originSocketId,
      });
  }

  const tellUpdated = (
    userId: string,
    conversationIds: readonly string[],
    originSocketId: string | null,
  ): void => {
    if (!deps.isHeard(userId, originSocketId)) return;
    const news = [userId, originSocketId, ...conversationIds].join(' ');
    if (waiting.has(news)) return;
    waiting.add(news);
    deps
      .inTurn([`conversation_updated:${userId}`], () => {
        waiting.delete(news);
        return tell(userId, conversationIds, originSocketId);
      })
      .catch(deps.onFailure);
  };

  return {
    tellUpdated,

    /** How a conversation stands for one of its members; `null` if they are in it no more. */
    conversationFor: async (userId: string, conversationId: string): Promise<Conversation | null> =>
      (await conversationsFor(userId, [conversationId]))[0] ?? null,
  };
}
