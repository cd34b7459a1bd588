import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import { decodeCursor, encodeCursor } from '../../core/page.ts';
import type { User } from '../users/users.contract.ts';
import { createMarks, type MarksDeps } from './marks.ts';
import type { Marks, receiptsContract } from './receipts.contract.ts';
import { mostMembersListed } from './receipts.rules.ts';

interface OwnMarks {
  readSeq: number;
  deliveredSeq: number;
}

/** One entry of a log: a message, a change of one, or what happened to a group. */
interface Entry {
  conversationId: string;
  seq: number;
  senderId: string;
  /** Of private conversations. */
  receiverId?: string;
  change?: unknown;
  groupChange?: unknown;
}

interface ReceiptsDeps extends MarksDeps {
  findEntries(ids: readonly string[]): Promise<Entry[]>;
  findHead(conversationId: string): Promise<{ seq: number } | null>;
  /** From where on a person sees a conversation, and the marks of both sides as they may know them. */
  viewOf(
    viewerId: string,
    conversationId: string,
    peerId: string | null,
  ): Promise<{ visibleFrom: number; marks: { own: OwnMarks; peer: OwnMarks } } | null>;
  privateConversationOf(oneId: string, otherId: string): string;
  areFriends(conversationId: string): Promise<boolean>;
  usersFor(viewerId: string, userIds: readonly string[]): Promise<Map<string, User>>;
  /** How many people are in a group. */
  countMembers(groupId: string): Promise<number>;
  /** Who of a group has read a message as far as they let it be known, without its sender. */
  groupReaders: {
    count(message: Entry): Promise<number>;
    list(message: Entry, after: string | null, limit: number): Promise<{ userId: string; order: string }[]>;
  };
}

const usualLimit = 50;
const position = z.string().max(64);

/** How far members have come, and who has read what. */
export function createReceiptsService(deps: ReceiptsDeps): Handlers<typeof receiptsContract> {
  const move = createMarks(deps);

  const handlers: Handlers<typeof receiptsContract> = {
    async updateStatus({ messageId, status }, { actor, originSocketId }) {
      const entry = await findEntry(messageId);
      const { conversationId, seq } = entry;
      // what somebody did to a group is no message of theirs
      if (entry.senderId === actor.userId && entry.groupChange === undefined) {
        await requireSeen(entry, actor.userId);
        throw new AppError('not_allowed');
      }
      const senderId = entry.receiverId === undefined ? null : entry.senderId;
      const moved = await move({
        conversationId,
        readerId: actor.userId,
        senderId,
        seq,
        status,
        originSocketId,
      });
      return moved ?? toMarks(entry, (await requireSeen(entry, actor.userId)).marks.own);
    },

    async readConversation({ friendId = null, groupId }, { actor, originSocketId }) {
      const readerId = actor.userId;
      // the contract has made sure of one of the two
      const conversationId = groupId ?? deps.privateConversationOf(readerId, friendId ?? readerId);
      const head = await deps.findHead(conversationId);
      if (!head) {
        if (friendId === null || !(await deps.areFriends(conversationId))) throw new AppError('not_found');
        return { conversationId, readSeq: 0, deliveredSeq: 0 };
      }
      const moved = await move({
        conversationId,
        readerId,
        senderId: friendId,
        seq: head.seq,
        status: 'read',
        originSocketId,
      });
      return (
        moved ?? toMarks({ conversationId }, (await viewOf(conversationId, readerId, friendId)).marks.own)
      );
    },

    async listReaders({ messageId, limit = usualLimit, cursor }, { actor }) {
      const entry = await findEntry(messageId);
      if (entry.groupChange !== undefined) throw new AppError('not_found');
      const { marks } = await requireSeen(entry, actor.userId);
      if (entry.senderId !== actor.userId) throw new AppError('not_allowed');
      const after = cursor === undefined ? null : decodeCursor(cursor, position);
      if (entry.receiverId === undefined) return readersInGroup(entry, after, limit);
      const readerIds = entry.seq <= marks.peer.readSeq ? [entry.receiverId] : [];
      const readers = await deps.usersFor(actor.userId, readerIds);
      return { items: [...readers.values()], nextCursor: null, count: readerIds.length };
    },
  };

  /** Changes of messages are no messages themselves, and nobody is shown them as such. */
  async function findEntry(messageId: string): Promise<Entry> {
    const [entry] = await deps.findEntries([messageId]);
    if (!entry || entry.change !== undefined) throw new AppError('not_found');
    return entry;
  }

  async function viewOf(conversationId: string, viewerId: string, peerId: string | null) {
    const view = await deps.viewOf(viewerId, conversationId, peerId);
    if (!view) throw new AppError('not_found');
    return view;
  }

  /** What is not in a conversation of one's own, or below what one sees of it, is as good as nowhere. */
  async function requireSeen(entry: Entry, viewerId: string) {
    const view = await viewOf(entry.conversationId, viewerId, peerOf(entry, viewerId));
    if (entry.seq < view.visibleFrom) throw new AppError('not_found');
    return view;
  }

  /** Reciprocal: who hides what they read does not see what others read. */
  async function readersInGroup(entry: Entry, after: string | null, limit: number) {
    const { senderId, conversationId } = entry;
    if (!(await deps.seesReads(senderId))) return { items: [], nextCursor: null, count: 0 };
    const [count, memberCount] = await Promise.all([
      deps.groupReaders.count(entry),
      deps.countMembers(conversationId),
    ]);
    if (memberCount > mostMembersListed) return { items: [], nextCursor: null, count };
    const found = await deps.groupReaders.list(entry, after, limit + 1);
    const page = found.slice(0, limit);
    const users = await deps.usersFor(
      senderId,
      page.map(({ userId }) => userId),
    );
    const last = page.at(-1);
    return {
      items: page.flatMap(({ userId }) => users.get(userId) ?? []),
      nextCursor: found.length > limit && last ? encodeCursor(last.order) : null,
      count,
    };
  }

  return handlers;
}

/** The other person of a private conversation; `null` in a group. */
function peerOf({ senderId, receiverId }: Entry, viewerId: string): string | null {
  if (receiverId === undefined) return null;
  return senderId === viewerId ? receiverId : senderId;
}

function toMarks(
  { conversationId }: Pick<Entry, 'conversationId'>,
  { readSeq, deliveredSeq }: OwnMarks,
): Marks {
  return { conversationId, readSeq, deliveredSeq };
}
