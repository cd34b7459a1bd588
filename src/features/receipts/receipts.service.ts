import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import type { User } from '../users/users.contract.ts';
import type { Ends } from './receipt-privacy.ts';
import type { Rise, TellReceipts } from './receipt-telling.ts';
import type { Marks, receiptsContract, Status } from './receipts.contract.ts';

interface OwnMarks {
  readSeq: number;
  deliveredSeq: number;
}

type AllMarks = OwnMarks & { toldReadSeq: number; toldDeliveredSeq: number };

/** One message of a private conversation, or a change of one. */
interface Entry {
  conversationId: string;
  seq: number;
  senderId: string;
  receiverId?: string;
  change?: unknown;
  groupChange?: unknown;
}

interface ReceiptsDeps {
  findEntries(ids: readonly string[]): Promise<Entry[]>;
  findHead(conversationId: string): Promise<{ seq: number } | null>;
  /** From where on a person sees a conversation, and the marks of both sides as they may know them. */
  viewOf(
    viewerId: string,
    conversationId: string,
    peerId: string | null,
  ): Promise<{ visibleFrom: number; marks: { own: OwnMarks; peer: OwnMarks } } | null>;
  /**
   * Raises marks to a seq that the member sees. Answers them as they were before; `null` if `mark` stands there or higher,
   * or the member does not see it.
   */
  raiseMarks(
    key: { userId: string; conversationId: string },
    raise: { mark: keyof OwnMarks; alongside: (keyof AllMarks)[]; seq: number },
  ): Promise<AllMarks | null>;
  mayPass(ends: Ends): Promise<{ delivered: boolean; read: boolean }>;
  tellReceipts: TellReceipts;
  tellUpdated(userId: string, conversationIds: readonly string[], originSocketId: string | null): void;
  privateConversationOf(oneId: string, otherId: string): string;
  areFriends(conversationId: string): Promise<boolean>;
  usersFor(viewerId: string, userIds: readonly string[]): Promise<Map<string, User>>;
}

interface Move extends Ends {
  seq: number;
  status: Status;
  originSocketId: string | null;
}

/** Moves members' own marks, and tells the senders as much of it as they may know. */
export function createReceiptsService(deps: ReceiptsDeps): Handlers<typeof receiptsContract> {
  const handlers: Handlers<typeof receiptsContract> = {
    async updateStatus({ messageId, status }, { actor, originSocketId }) {
      const entry = await findMessage(messageId);
      const { conversationId, senderId, seq } = entry;
      if (senderId === actor.userId) {
        await requireSeen(entry, actor.userId);
        throw new AppError('not_allowed');
      }
      const move = { conversationId, readerId: actor.userId, senderId, seq, status, originSocketId };
      return (await raise(move)) ?? toMarks(entry, (await requireSeen(entry, actor.userId)).marks.own);
    },

    async readConversation({ friendId }, { actor, originSocketId }) {
      // there are no groups yet, so none that the actor is in
      if (friendId === undefined) throw new AppError('not_found');
      const ends = {
        conversationId: deps.privateConversationOf(actor.userId, friendId),
        readerId: actor.userId,
        senderId: friendId,
      };
      const head = await deps.findHead(ends.conversationId);
      if (!head) {
        if (!(await deps.areFriends(ends.conversationId))) throw new AppError('not_found');
        return toMarks(ends, { readSeq: 0, deliveredSeq: 0 });
      }
      const risen = await raise({ ...ends, seq: head.seq, status: 'read', originSocketId });
      return risen ?? toMarks(ends, (await viewOf(ends, actor.userId, friendId)).marks.own);
    },

    async listReaders({ messageId }, { actor }) {
      const entry = await findMessage(messageId);
      const { marks } = await requireSeen(entry, actor.userId);
      if (entry.senderId !== actor.userId) throw new AppError('not_allowed');
      const isRead = entry.receiverId !== undefined && entry.seq <= marks.peer.readSeq;
      const readerIds = isRead ? [entry.receiverId ?? ''] : [];
      const readers = await deps.usersFor(actor.userId, readerIds);
      return { items: [...readers.values()], nextCursor: null, count: readerIds.length };
    },
  };

  async function findMessage(messageId: string): Promise<Entry> {
    const [entry] = await deps.findEntries([messageId]);
    if (!entry || entry.change !== undefined) throw new AppError('not_found');
    return entry;
  }

  async function viewOf(
    { conversationId }: Pick<Entry, 'conversationId'>,
    viewerId: string,
    peerId: string | null,
  ) {
    const view = await deps.viewOf(viewerId, conversationId, peerId);
    if (!view) throw new AppError('not_found');
    return view;
  }

  /** What is not in a conversation of one's own, or below what one sees of it, is as good as nowhere. */
  async function requireSeen(entry: Entry, viewerId: string) {
    const peerId = entry.senderId === viewerId ? entry.receiverId : entry.senderId;
    const view = await viewOf(entry, viewerId, entry.receiverId === undefined ? null : (peerId ?? null));
    if (entry.seq < view.visibleFrom) throw new AppError('not_found');
    return view;
  }

  /** Answers the reader's marks if they rose, else `null`. What may be told is raised with them, or not at all. */
  async function raise(move: Move): Promise<Marks | null> {
    const { conversationId, readerId, seq, status, originSocketId } = move;
    const pass = await deps.mayPass(move);
    const isRead = status === 'read';
    const before = await deps.raiseMarks(
      { userId: readerId, conversationId },
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
    const rise = riseOf(move, before, pass);
    if (rise) deps.tellReceipts(rise);
    return toMarks(move, {
      readSeq: isRead ? Math.max(before.readSeq, seq) : before.readSeq,
      deliveredSeq: Math.max(before.deliveredSeq, seq),
    });
  }

  return handlers;
}

/** What of a move the sender is told: that it was read, or only that it was delivered; `null` if nothing new. */
function riseOf(
  { conversationId, readerId, senderId, seq: upToSeq, status }: Move,
  before: AllMarks,
  pass: { delivered: boolean; read: boolean },
): Rise | null {
  if (!pass.delivered) return null;
  const isRead = status === 'read' && pass.read;
  const aboveSeq = isRead ? before.toldReadSeq : before.toldDeliveredSeq;
  if (aboveSeq >= upToSeq) return null;
  const event = isRead ? 'message_read' : 'message_delivered';
  return { event, conversationId, readerId, senderId, aboveSeq, upToSeq, at: new Date() };
}

function toMarks(
  { conversationId }: Pick<Entry, 'conversationId'>,
  { readSeq, deliveredSeq }: OwnMarks,
): Marks {
  return { conversationId, readSeq, deliveredSeq };
}
