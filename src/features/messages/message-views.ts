import { type StoredFile, toFile } from '../files/files.contract.ts';
import type { GroupChange } from '../groups/groups.contract.ts';
import {
  type ChangeEvents,
  isAttachment,
  type Marks,
  type Message,
  type Viewer,
} from './messages.contract.ts';
import type { Change, Entry } from './messages.rules.ts';

/** What presenting entries needs besides them: the messages that they quote or change, and which the viewer deleted. */
export interface Surroundings {
  related: ReadonlyMap<string, Entry>;
  hiddenIds: ReadonlySet<string>;
}

/** The messages that an entry shows something of. */
export function relatedIdsOf({ replyTo, change }: Entry): string[] {
  return [replyTo, change?.event === 'message_edited' ? change.messageId : undefined].filter(
    (id) => id !== undefined,
  );
}

export type MessageViews = ReturnType<typeof createMessageViews>;

/** How entries are shown; `publicUrl` is where clients reach the server, and their files. */
export function createMessageViews(publicUrl: string) {
  function contentOf({ contentType, content }: Entry): unknown {
    if (content === null) return null;
    if (contentType === 'custom') return JSON.parse(String(content));
    return isAttachment(contentType) ? toFile(content as StoredFile, publicUrl) : content;
  }

  function toQuote(original: Entry): NonNullable<Message['replyTo']> {
    const { id, senderId, contentType, recalledAt } = original;
    const content = contentOf(original);
    return { id, senderId, contentType, content, recalledAt: recalledAt?.toISOString() ?? null };
  }

  /** A message as it is pushed: the same to everybody, so that it is serialised once. */
  function toPushedMessage(entry: Entry, related: Surroundings['related'] = new Map()): Message {
    const original = entry.replyTo === undefined ? undefined : related.get(entry.replyTo);
    return {
      ...toEmptied(entry),
      content: contentOf(entry),
      ...(entry.mentions && { mentions: entry.mentions }),
      ...(original && { replyTo: toQuote(original) }),
      ...(entry.isForwarded && { forwarded: true }),
      ...(entry.reactions?.length && { reactions: entry.reactions }),
    };
  }

  /** An entry as the viewer sees it. One that they deleted keeps its place, without content. */
  function toMessage(entry: Entry, viewer: Viewer, { related, hiddenIds }: Surroundings): Message {
    const isMine = entry.senderId === viewer.userId;
    const { own, peer } = viewer.marks;
    const target = entry.change && related.get(entry.change.messageId);
    const isTargetShown = target && target.seq >= viewer.visibleFrom && !hiddenIds.has(target.id);
    return {
      ...(hiddenIds.has(entry.id) ? toEmptied(entry) : toPushedMessage(entry, related)),
      ...(entry.change && {
        content: toChangeEvent(entry, entry.change, isTargetShown ? target : undefined),
      }),
      ...(entry.groupChange && { content: toGroupEvent(entry, entry.groupChange) }),
      ...(isMine && entry.clientMessageId !== null && { clientMessageId: entry.clientMessageId }),
      status: entry.type === 'group' ? 'sent' : statusOf(entry.seq, isMine ? peer : own),
    };
  }

  return { toMessage, toPushedMessage };
}

/** A change as it is pushed, and as the content of its entry. Its target is left out for who may not see it. */
export function toChangeEvent<Name extends Change['event']>(
  { conversationId, seq }: Pick<Entry, 'conversationId' | 'seq'>,
  change: Extract<Change, { event: Name }>,
  target: Entry | undefined,
): { event: Name; data: ChangeEvents[Name] };
export function toChangeEvent(
  { conversationId, seq }: Pick<Entry, 'conversationId' | 'seq'>,
  change: Change,
  target: Entry | undefined,
) {
  const { messageId, messageSeq, rev, event } = change;
  const about = { messageId, conversationId, seq, messageSeq, rev };
  switch (event) {
    case 'message_recalled':
      return { event, data: { ...about, recalledBy: change.recalledBy, at: change.at.toISOString() } };
    case 'message_edited':
      return {
        event,
        data: {
          ...about,
          // only a text is ever edited
          content: target?.content ?? null,
          editedAt: change.editedAt.toISOString(),
        },
      };
    case 'message_reacted': {
      const { userId, emoji, active } = change;
      return { event, data: { ...about, userId, emoji, active } };
    }
  }
}

/** What happened to a group as it is pushed, and as the content of its entry. */
function toGroupEvent({ conversationId, seq }: Pick<Entry, 'conversationId' | 'seq'>, change: GroupChange) {
  return { event: change.event, data: { groupId: conversationId, conversationId, seq, ...change.data } };
}

/** What is left of an entry without its content. */
function toEmptied(entry: Entry): Message {
  const { id, conversationId, seq, rev, type, senderId, receiverId, contentType } = entry;
  return {
    id,
    conversationId,
    seq,
    rev,
    type,
    senderId,
    ...(type === 'group' ? { groupId: conversationId } : { receiverId }),
    contentType,
    content: null,
    createdAt: entry.createdAt.toISOString(),
    editedAt: entry.editedAt?.toISOString() ?? null,
    recalledAt: entry.recalledAt?.toISOString() ?? null,
    ...(entry.recalledBy !== undefined && { recalledBy: entry.recalledBy }),
    status: 'sent',
  };
}

function statusOf(seq: number, { readSeq, deliveredSeq }: Marks): Message['status'] {
  if (seq <= readSeq) return 'read';
  return seq <= deliveredSeq ? 'delivered' : 'sent';
}
