import type { InTurn } from '../../core/in-turn.ts';
import { createMarkWrites } from './mark-writes.ts';
import type { Ends } from './receipt-privacy.ts';
import type { Rise, TellReceipts } from './receipt-telling.ts';
import type { Marks, Status } from './receipts.contract.ts';

interface OwnMarks {
  readSeq: number;
  deliveredSeq: number;
}

type AllMarks = OwnMarks & { toldReadSeq: number; toldDeliveredSeq: number };

/** What of a mark may be told, or kept to be told on demand. */
interface Pass {
  delivered: boolean;
  read: boolean;
}

export interface MarksDeps {
  /**
   * Raises marks to a seq that the member sees. Answers them as they were before, and from where on the member sees the
   * conversation; `null` if `mark` stands there or higher, or the member does not see it.
   */
  raiseMarks(
    key: { userId: string; conversationId: string; type?: 'group' },
    raise: { mark: keyof OwnMarks; alongside: (keyof AllMarks)[]; seq: number },
  ): Promise<(AllMarks & { visibleFrom: number }) | null>;
  /** Which receipts may pass between two people. */
  mayPass(ends: Ends): Promise<Pass>;
  /** Whether a person lets others see what they have read. */
  seesReads(userId: string): Promise<boolean>;
  tellReceipts: TellReceipts;
  tellUpdated(userId: string, conversationIds: readonly string[], originSocketId: string | null): void;
  inTurn: InTurn;
}

/** How far somebody has come in a conversation. */
export interface Move {
  conversationId: string;
  readerId: string;
  /** The other person of a private conversation; `null` in a group, where nobody is told. */
  senderId: string | null;
  seq: number;
  status: Status;
  originSocketId: string | null;
}

/** Moves members' own marks, which only rise, and tells the senders of private messages as much as they may know. */
export function createMarks(deps: MarksDeps) {
  const write = createMarkWrites({
    keyOf: ({ readerId, conversationId, status }: Move) => `marks:${readerId}:${conversationId}:${status}`,
    merge: (one, other) => ({
      ...one,
      seq: Math.max(one.seq, other.seq),
      // what several devices have moved all of them hear of
      originSocketId: one.originSocketId === other.originSocketId ? one.originSocketId : null,
    }),
    write: raise,
    inTurn: deps.inTurn,
  });

  /** In a group nothing is told, but kept for the senders who ask. */
  async function passOf({ conversationId, readerId, senderId, status }: Move): Promise<Pass> {
    if (senderId !== null) return deps.mayPass({ conversationId, readerId, senderId });
    return { delivered: false, read: status === 'read' && (await deps.seesReads(readerId)) };
  }

  /** What may be told is raised with the marks, or not at all. */
  async function raise(move: Move) {
    const { conversationId, readerId, senderId, seq, status, originSocketId } = move;
    const pass = await passOf(move);
    const isRead = status === 'read';
    const before = await deps.raiseMarks(
      { userId: readerId, conversationId, ...(senderId === null && { type: 'group' }) },
      {
        mark: isRead ? 'readSeq' : 'deliveredSeq',
        alongside: [
          ...(isRead ? (['deliveredSeq'] as const) : []),
          ...(pass.delivered ? (['toldDeliveredSeq'] as const) : []),
          ...(isRead && pass.read ? (['toldReadSeq'] as const) : []),
        ],
        seq,
      },
    );
    if (!before) return null;
    deps.tellUpdated(readerId, [conversationId], originSocketId);
    const rise = senderId === null ? null : riseOf({ ...move, senderId }, before, pass);
    if (rise) deps.tellReceipts(rise);
    const marks: Marks = {
      conversationId,
      readSeq: isRead ? Math.max(before.readSeq, seq) : before.readSeq,
      deliveredSeq: Math.max(before.deliveredSeq, seq),
    };
    return { marks, visibleFrom: before.visibleFrom };
  }

  /** Answers the reader's marks if they rose, by this move or by one together with it; `null` if not. */
  return async (move: Move): Promise<Marks | null> => {
    const moved = await write(move);
    return moved && move.seq >= moved.visibleFrom ? moved.marks : null;
  };
}

/** What of a move the sender is told: that it was read, or only that it was delivered; `null` if nothing new. */
function riseOf(
  { conversationId, readerId, senderId, seq: upToSeq, status }: Move & Ends,
  before: AllMarks,
  pass: Pass,
): Rise | null {
  if (!pass.delivered) return null;
  const isRead = status === 'read' && pass.read;
  const aboveSeq = isRead ? before.toldReadSeq : before.toldDeliveredSeq;
  if (aboveSeq >= upToSeq) return null;
  const event = isRead ? 'message_read' : 'message_delivered';
  return { event, conversationId, readerId, senderId, aboveSeq, upToSeq, at: new Date() };
}
