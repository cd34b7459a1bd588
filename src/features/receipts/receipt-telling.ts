import type { Delivery } from '../../core/delivery.ts';
import type { Ends } from './receipt-privacy.ts';
import type { receiptsEvents } from './receipts.contract.ts';
import { mostLookedAt, receiptsFor } from './receipts.rules.ts';

interface TellingDeps {
  /** Messages of one author in a part of a log, the newest first; `upToSeq` inclusive. */
  findSentBetween(range: {
    conversationId: string;
    senderId: string;
    aboveSeq: number;
    upToSeq: number;
    limit: number;
  }): Promise<{ id: string; seq: number }[]>;
  delivery: Delivery<typeof receiptsEvents>;
  /** Whether anybody would hear what is told to a person. */
  isHeard(userId: string, originSocketId: string | null): boolean;
  inTurn<T>(keys: readonly string[], work: () => Promise<T>): Promise<T>;
  onFailure(error: unknown): void;
}

/** A mark that has risen, as far as the sender may know. */
export interface Rise extends Ends {
  event: keyof typeof receiptsEvents;
  aboveSeq: number;
  upToSeq: number;
  at: Date;
}

export type TellReceipts = ReturnType<typeof createReceiptTelling>;

/** Tells senders which of their messages have arrived. Not awaited, never fails, and in the order of the marks. */
export function createReceiptTelling({ findSentBetween, delivery, isHeard, inTurn, onFailure }: TellingDeps) {
  async function tell({ event, at, ...rise }: Rise): Promise<void> {
    const { conversationId, readerId, senderId, aboveSeq, upToSeq } = rise;
    const passed = await findSentBetween({
      conversationId,
      senderId,
      aboveSeq,
      upToSeq,
      limit: mostLookedAt,
    });
    for (const { id, seq } of receiptsFor(passed)) {
      const data = { messageId: id, conversationId, upToSeq: seq, readerId, at: at.toISOString() };
      delivery.toUsers({ userIds: [senderId], event, data, originSocketId: null });
    }
  }

  return (rise: Rise): void => {
    if (!isHeard(rise.senderId, null)) return;
    inTurn([`receipts:${rise.conversationId}:${rise.readerId}`], () => tell(rise)).catch(onFailure);
  };
}
