import { AppError } from '../../core/errors.ts';
import type { HiddenMessageStore } from './hidden-messages.store.ts';
import type { Viewer } from './messages.contract.ts';
import type { Entry } from './messages.rules.ts';

interface SeenMessagesDeps {
  find(messageId: string): Promise<Entry | null>;
  hidden: Pick<HiddenMessageStore, 'among'>;
  /** `null` if the viewer is not in this conversation. */
  viewOf(viewerId: string, conversationId: string, peerId: string): Promise<Omit<Viewer, 'userId'> | null>;
}

export interface SeenMessage {
  entry: Entry;
  viewer: Viewer;
}

export type SeenMessages = ReturnType<typeof createSeenMessages>;

/** Finds single messages for people. What somebody may not know of is not found, like what never was. */
export function createSeenMessages({ find, hidden, viewOf }: SeenMessagesDeps) {
  /** A message of a conversation that the person is in. */
  async function findInConversation(messageId: string, userId: string): Promise<SeenMessage> {
    const entry = await find(messageId);
    const peerId = entry && otherIn(entry, userId);
    if (!entry || entry.change || peerId === null) throw new AppError('not_found');
    const view = await viewOf(userId, entry.conversationId, peerId);
    if (!view) throw new AppError('not_found');
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

/** The other person of a private conversation; `null` for who is not in it. */
function otherIn({ senderId, receiverId }: Entry, userId: string): string | null {
  if (userId === senderId) return receiverId;
  return userId === receiverId ? senderId : null;
}
