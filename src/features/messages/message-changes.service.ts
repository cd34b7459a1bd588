import type { Delivery } from '../../core/delivery.ts';
import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import type { Role } from '../groups/groups.contract.ts';
import type { ChangeLog, Decision } from './change-log.ts';
import type { HiddenMessageStore } from './hidden-messages.store.ts';
import type { messageChangesContract, messageChangesEvents } from './message-changes.contract.ts';
import type { MessageReader } from './message-reader.ts';
import type { Message } from './messages.contract.ts';
import { type Entry, isEditable, isRecallable, outranks } from './messages.rules.ts';
import { mostEmojis } from './reactions.rules.ts';
import type { Reactions } from './reactions.ts';
import type { SeenMessage, SeenMessages } from './seen-messages.ts';

interface MessageChangesDeps {
  changeLog: ChangeLog;
  reader: MessageReader;
  seen: SeenMessages;
  hidden: Pick<HiddenMessageStore, 'hide'>;
  reactions: Pick<Reactions, 'after'>;
  delivery: Delivery<typeof messageChangesEvents>;
  /** Throws unless the person may write in the conversation of this entry now. */
  requireMayWrite(userId: string, entry: Entry): Promise<void>;
  /** What these people are in a group; without who is not in it. */
  rolesIn(groupId: string, userIds: readonly string[]): Promise<ReadonlyMap<string, Role>>;
  editWithinMs: number;
  /** Told after a person has deleted a message for themselves. */
  onDeleted(deleted: {
    userId: string;
    conversationId: string;
    originSocketId: string | null;
  }): Promise<void>;
}

/** What people do to messages that are sent. */
export function createMessageChanges(deps: MessageChangesDeps): Handlers<typeof messageChangesContract> {
  const { changeLog, reader, seen, hidden, delivery } = deps;

  /** Whether a member of a group may recall what others wrote there. */
  async function isModerating(actorId: string, { type, conversationId, senderId }: Entry): Promise<boolean> {
    if (type === 'private') return false;
    const roles = await deps.rolesIn(conversationId, [actorId, senderId]);
    return outranks({ actor: roles.get(actorId), author: roles.get(senderId) });
  }

  /** Makes a change and answers the message as its actor sees it then. */
  async function change(
    { entry, viewer }: SeenMessage,
    decide: (entry: Entry) => Promise<Decision | null>,
  ): Promise<Message> {
    const changed = await changeLog.change({ messageId: entry.id, actorId: viewer.userId, decide });
    return reader.present(changed, viewer);
  }

  return {
    async recall({ messageId }, { actor }) {
      return change(await seen.find(messageId, actor.userId), async (entry) => {
        const isOwn = entry.senderId === actor.userId;
        const at = new Date();
        const isFree = isOwn && (entry.recalledAt !== undefined || isRecallable(entry, at));
        if (!isFree && !(await isModerating(actor.userId, entry)))
          throw new AppError(isOwn ? 'recall_expired' : 'not_allowed');
        if (entry.recalledAt) return null;
        const recalledBy = actor.userId;
        return {
          update: {
            content: null,
            recalledAt: at,
            recalledBy,
            recalledSeq: entry.seq,
            reactions: undefined,
            replyTo: undefined,
            mentions: undefined,
          },
          change: { event: 'message_recalled', recalledBy, at },
        };
      });
    },

    async edit({ messageId, content }, { actor }) {
      return change(await seen.findShown(messageId, actor.userId), async (entry) => {
        if (entry.senderId !== actor.userId) throw new AppError('not_allowed');
        if (entry.recalledAt) throw new AppError('message_recalled');
        if (entry.contentType !== 'text') throw new AppError('not_allowed');
        // a repeat of an edit that came through
        if (entry.content === content) return null;
        const editedAt = new Date();
        if (!isEditable(entry, deps.editWithinMs, editedAt)) throw new AppError('edit_expired');
        await deps.requireMayWrite(actor.userId, entry);
        return { update: { content, editedAt }, change: { event: 'message_edited', editedAt } };
      });
    },

    async react({ messageId, emoji, active }, { actor }) {
      const { userId } = actor;
      return change(await seen.findShown(messageId, userId), async (entry) => {
        if (entry.recalledAt) throw new AppError('message_recalled');
        await deps.requireMayWrite(userId, entry);
        const reactions = await deps.reactions.after(entry, { userId, emoji, active });
        if (reactions === null) return null;
        if (reactions.length > mostEmojis) throw new AppError('limit_reached');
        return {
          update: { reactions: reactions.length > 0 ? reactions : undefined },
          change: { event: 'message_reacted', userId, emoji, active },
        };
      });
    },

    async delete({ messageId }, { actor, originSocketId }) {
      const { userId } = actor;
      const { entry } = await seen.find(messageId, userId);
      const { conversationId, seq } = entry;
      await hidden.hide({ userId, conversationId, messageId, seq, isOwn: entry.senderId === userId });
      delivery.toUsers({
        userIds: [userId],
        event: 'message_deleted',
        data: { messageId, conversationId, messageSeq: seq },
        originSocketId,
      });
      await deps.onDeleted({ userId, conversationId, originSocketId });
    },
  };
}
