import { AppError } from '../../core/errors.ts';
import type { HiddenMessageStore } from './hidden-messages.store.ts';
import type { Viewer } from './messages.contract.ts';
import { type Entry, isMessage, otherIn } from './messages.rules.ts';

interface SeenMessagesDeps {
  find(messageId: string): Promise<Entry | null>;
  hidden: Pick<HiddenMessageStore, 'among'>;
  /** `null` if the viewer is not in this conversation, which is a group without a peer. */
  viewOf(
    viewerId: string,
    conversationId: string,
    peerId: string | null,
  ): Promise<Omit<Viewer, 'userId'> | null>;
}

export interface SeenMessage {
  entry: Entry;
  viewer: Viewer;
}

export type SeenMessages = ReturnType<typeof createSeenMessages>;

/** Finds single messages for people. What somebody may not know of is not found, like what never was. */
export function createSeenMessages({ find, hidden, viewOf }: SeenMessagesDeps) {
  /** A message of a conversation that the person is in, and was when it was written. */
  async function findInConversation(messageId: string, userId: string): Promise<SeenMessage> {
    const entry = await find(messageId);
    if (!entry || !isMessage(entry) || !isAmong(entry, userId)) throw new AppError('not_found');
    const view = await viewOf(userId, entry.conversationId, otherIn(entry, userId));
    if (!view || entry.seq < view.joinedFrom) throw new AppError('not_found');
    return { entry, viewer: { userId, ...view } };
  }

  /** A message that the person sees: not cleared and not deleted by them. */
  async function findShown(messageId: string, userId: string): Promise<SeenMessage> {
    const [found, hiddenIds] = await Promise.all([
      findInConversation(messageId, userId),
      hidden.among(userId, [messageId]),
    ]);
    const isShown = found.entry.seq >= found.viewer.visibleFrom && !hiddenIds.has(messageId);
    if (!isShown) throw new AppError('not_found');
    return found;
  }

  return {
    find: findInConversation,
    findShown,

    /** Whether the person sees the message with its content. */
    async canSee(messageId: string, userId: string): Promise<boolean> {
      try {
        return !(await findShown(messageId, userId)).entry.recalledAt;
      } catch (error) {
        if (error instanceof AppError && error.code === 'not_found') return false;
        throw error;
      }
    },
  };
}

/** Whether a private message is theirs; of a group their membership tells. */
function isAmong({ type, senderId, receiverId }: Entry, userId: string): boolean {
  return type === 'group' || userId === senderId || userId === receiverId;
}
