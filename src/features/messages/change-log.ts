import type { Delivery } from '../../core/delivery.ts';
import { AppError } from '../../core/errors.ts';
import type { InTurn } from '../../core/in-turn.ts';
import type { MessageChangeStore, MessageUpdate } from './message-changes.store.ts';
import { deliverAmong } from './message-delivery.ts';
import { toChangeEvent } from './message-views.ts';
import type { MessageWriter } from './message-writer.ts';
import type { messagesEvents } from './messages.contract.ts';
import { type Change, type Entry, type OutboxItem, otherIn } from './messages.rules.ts';

type About = 'messageId' | 'messageSeq' | 'rev';
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** What is to become of a message, and what the log says of it. */
export interface Decision {
  update: MessageUpdate;
  change: DistributiveOmit<Change, About>;
}

interface ChangeLogDeps {
  store: MessageChangeStore;
  writer: Pick<MessageWriter, 'submit'>;
  delivery: Delivery<typeof messagesEvents>;
  /** Who has come after a place in a group's log, and sees nothing of what was before them. */
  findNewcomers(groupId: string, seq: number): Promise<string[]>;
  /** Lets changes of one message happen one after the other in this process. */
  inTurn: InTurn;
  /** What else follows a change: search terms, files. Called again after a crash, so repeating must be harmless. */
  onChanged(changed: Entry, change: Change): Promise<void>;
}

interface ChangeRequest {
  messageId: string;
  actorId: string;
  /** Answers `null` where nothing is to be changed; throws to refuse. Asked again if another change came first. */
  decide(entry: Entry): Promise<Decision | null>;
}

const attempts = 10;
const unsettledPerTurn = 100;
/** A change that is older is left over from a crash. */
const settlesWithinMs = 10_000;

export type ChangeLog = ReturnType<typeof createChangeLog>;

/**
 * Changes messages: one conditional write of the message makes the change and notes it for the log; its entry, and
 * whatever else follows, is written afterwards by anybody, in the order of the changes (promise 5).
 */
export function createChangeLog(deps: ChangeLogDeps) {
  const { store, writer, delivery, inTurn, onChanged } = deps;

  async function findSettled(messageId: string): Promise<Entry> {
    const entry = await store.find(messageId);
    if (!entry) throw new AppError('not_found');
    if (entry.outbox) await settle(entry, entry.outbox);
    return entry;
  }

  /** Brings a change that is made into the log, and tells it. */
  async function settle(entry: Entry, { entryId, actorId, change }: OutboxItem): Promise<void> {
    await onChanged(entry, change);
    const { conversationId, type } = entry;
    const receiverId = otherIn(entry, actorId);
    const { entry: logged, isRepeat } = await writer.submit({
      id: entryId,
      conversationId,
      type,
      senderId: actorId,
      ...(receiverId !== null && { receiverId }),
      clientMessageId: null,
      requestHash: entryId,
      contentType: 'system',
      content: null,
      change,
      rev: 1,
    });
    await store.settle(entry.id, entryId);
    if (!isRepeat) await tell(entry, logged, change);
  }

  /** Everybody hears the same, but for a new text in a group, which is not for those who came after the message. */
  async function tell(entry: Entry, logged: Entry, change: Change): Promise<void> {
    const { type, conversationId, seq } = entry;
    const push = { ...toChangeEvent(logged, change, entry), originSocketId: null };
    const isNewText = type === 'group' && change.event === 'message_edited';
    const newcomers = isNewText ? await deps.findNewcomers(conversationId, seq) : [];
    if (newcomers.length === 0) return deliverAmong(delivery, entry, push);
    delivery.toConversation({ conversationId, ...push, exceptUserIds: newcomers });
    const withoutText = toChangeEvent(logged, change, undefined);
    delivery.toUsers({ userIds: newcomers, ...withoutText, originSocketId: null });
  }

  return {
    /** Resolves with the message as it is then, when the change is in the log. */
    change: ({ messageId, actorId, decide }: ChangeRequest): Promise<Entry> =>
      inTurn([messageId], async () => {
        for (let attempt = 0; attempt < attempts; attempt++) {
          const before = await findSettled(messageId);
          const decision = await decide(before);
          if (!decision) return before;
          const about = { messageId, messageSeq: before.seq, rev: before.rev + 1 };
          const change: Change = { ...decision.change, ...about };
          const outbox = { entryId: store.newId(), actorId, change };
          const after = await store.commit(before, decision.update, outbox);
          if (!after) continue;
          await settle(after, outbox);
          return after;
        }
        throw new AppError('unavailable');
      }),

    /** Takes up what a crash left over. */
    async resume(): Promise<void> {
      const before = new Date(Date.now() - settlesWithinMs);
      for (const { id } of await store.findUnsettled(before, unsettledPerTurn))
        await inTurn([id], () => findSettled(id));
    },
  };
}
