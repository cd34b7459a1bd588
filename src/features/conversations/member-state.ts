import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import type { Message, Viewer } from '../messages/messages.contract.ts';
import type { TellUpdated } from './conversation-news.ts';
import type { DescribeConversations } from './conversation-views.ts';
import type { Conversation, conversationsContract } from './conversations.contract.ts';
import { type Membership, type MembershipKey, mostPinned, visibleFrom } from './conversations.rules.ts';
import type { Heads } from './heads.ts';
import type { Memberships } from './memberships.ts';

interface MemberStateDeps {
  memberships: Pick<Memberships, 'find' | 'set' | 'hide' | 'clear' | 'showInstead' | 'countPinned'>;
  heads: Pick<Heads, 'of'>;
  describe: DescribeConversations;
  tellUpdated: TellUpdated;
  /** Messages of a part of a log, both bounds exclusive, without those that the viewer deleted. */
  readHistory(
    range: {
      conversationId: string;
      aboveSeq: number;
      belowSeq: number;
      limit: number;
      newestFirst: boolean;
    },
    viewer: Viewer,
  ): Promise<{ messages: Pick<Message, 'seq'>[] }>;
  /** Lets what concerns the same things happen one after the other. */
  inTurn<T>(keys: readonly string[], work: () => Promise<T>): Promise<T>;
}

type StateHandlers = Pick<Handlers<typeof conversationsContract>, 'update' | 'hide' | 'clear'>;

/** What members make of a conversation for themselves. The others learn nothing of it. */
export function createMemberState({ memberships, heads, ...deps }: MemberStateDeps) {
  const handlers: StateHandlers = {
    async update({ conversationId, pinned, muted }, { actor: { userId }, originSocketId }) {
      const key = { userId, conversationId };
      const values = {
        ...(pinned !== undefined && { pinned }),
        ...(pinned && { hiddenSeq: 0 }),
        ...(muted !== undefined && { muted }),
      };
      // so that the count holds until what it allows is done
      const change = () => (pinned ? pin(key, values) : memberships.set(key, values));
      const isChanged = await deps.inTurn([`pins:${userId}`], change);
      if (isChanged) deps.tellUpdated(userId, [conversationId], originSocketId);
      return describeNow(key);
    },

    async hide({ conversationId }, { actor: { userId }, originSocketId }) {
      const key = { userId, conversationId };
      await changeOwn(key, originSocketId, async () => {
        const head = await headOf(conversationId);
        // a group begins with an entry that is no message, so that one without any hides up to that
        return head !== undefined && (await memberships.hide(key, Math.max(head.lastMessageSeq, 1)));
      });
    },

    async clear({ conversationId }, { actor: { userId }, originSocketId }) {
      const key = { userId, conversationId };
      await changeOwn(key, originSocketId, async () => {
        const head = await headOf(conversationId);
        return head !== undefined && (await memberships.clear(key, head.seq));
      });
    },
  };

  /** Tells of a change that was made; one that was not is harmless in a conversation of one's own. */
  async function changeOwn(
    key: MembershipKey,
    originSocketId: string | null,
    change: () => Promise<boolean>,
  ): Promise<void> {
    if (await change()) deps.tellUpdated(key.userId, [key.conversationId], originSocketId);
    else await findOwn(key);
  }

  async function pin(key: MembershipKey, values: Partial<Membership>): Promise<boolean> {
    const { pinned: isPinned } = await findOwn(key);
    const isFull = !isPinned && (await memberships.countPinned(key.userId, mostPinned)) >= mostPinned;
    if (isFull) throw new AppError('limit_reached');
    return memberships.set(key, values);
  }

  async function findOwn(key: MembershipKey): Promise<Membership> {
    const own = await memberships.find(key);
    if (!own) throw new AppError('not_found');
    return own;
  }

  async function headOf(conversationId: string) {
    return (await heads.of([conversationId])).get(conversationId);
  }

  async function describeNow(key: MembershipKey): Promise<Conversation> {
    const [own, standing] = await Promise.all([findOwn(key), heads.of([key.conversationId])]);
    const view = (await deps.describe(key.userId, [own], standing)).get(key.conversationId);
    if (!view) throw new AppError('not_found');
    return view.conversation;
  }

  /** The newest message up to a place that the member sees and has not deleted; 0 if there is none. */
  async function newestShown(own: Membership, upToSeq: number): Promise<number> {
    const { userId, conversationId } = own;
    const range = {
      conversationId,
      aboveSeq: visibleFrom(own) - 1,
      belowSeq: upToSeq + 1,
      limit: 1,
      newestFirst: true,
      messagesOnly: true,
    };
    const { joinedFrom } = own;
    const viewer = { userId, marks: { own, peer: own }, joinedFrom, visibleFrom: visibleFrom(own) };
    return (await deps.readHistory(range, viewer)).messages[0]?.seq ?? 0;
  }

  return {
    handlers,

    /**
     * Keeps up with a message that a member has deleted for themselves: what they see as the last one, and that their
     * state has changed. Repeating is harmless.
     */
    noteDeleted(userId: string, conversationId: string, originSocketId: string | null): Promise<void> {
      const key = { userId, conversationId };
      return deps.inTurn([`deleted:${userId}:${conversationId}`], async () => {
        const [own, head] = await Promise.all([memberships.find(key), headOf(conversationId)]);
        if (!own || !head) return;
        const { lastMessageSeq } = head;
        const seq = await newestShown(own, lastMessageSeq);
        await memberships.showInstead(key, seq === lastMessageSeq ? null : { of: lastMessageSeq, seq });
        deps.tellUpdated(userId, [conversationId], originSocketId);
      });
    },
  };
}
