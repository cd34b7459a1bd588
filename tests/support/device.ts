import type { EventOutput } from '../../src/contracts.ts';
import type { Conversation } from '../../src/features/conversations/conversations.contract.ts';
import { groupChangeEvents } from '../../src/features/groups/groups.contract.ts';
import type { ChangeEvents, Message } from '../../src/features/messages/messages.contract.ts';
import type { TestUser } from './builders.ts';
import { TestSocket } from './clients.ts';
import { type GroupEntry, type Roster, rosterOf } from './group-roster.ts';

/** An entry as a device keeps it: a change keeps its place only, as its effect is in the message. */
type Held = Message | 'change';

/** What a device holds of one conversation. */
interface HeldLog {
  entries: Map<number, Held>;
  /** Changes that came before the answer which brings their message, by its place. */
  early: Map<number, ChangeEvent[]>;
  /** Places of messages that the person has deleted for themselves. */
  deleted: Set<number>;
  /** What happened to a group, by its place. */
  groupEntries: Map<number, GroupEntry>;
  conversation: Conversation | null;
}

type ChangeEvent = {
  [Name in keyof ChangeEvents]: { event: Name; data: ChangeEvents[Name] };
}[keyof ChangeEvents];

/**
 * A device as an app developer would write it: one reducer for live events and for what `sync` tells. It knows nothing of
 * a message that is not pushed or synchronised, so what it shows is what the server said.
 */
export class Device {
  readonly user: TestUser;
  readonly #url: string;
  readonly #logs = new Map<string, HeldLog>();
  #since: string | undefined;
  #socket: TestSocket | null = null;

  constructor(url: string, user: TestUser) {
    this.#url = url;
    this.user = user;
  }

  get isOnline(): boolean {
    return this.#socket !== null;
  }

  get socket(): TestSocket {
    if (!this.#socket) throw new Error('The device is offline');
    return this.#socket;
  }

  /** Listens first and then catches up, so that the two overlap. */
  async goOnline(limit = 200): Promise<void> {
    const socket = new TestSocket(this.#url, this.user.token);
    socket.socket.on('new_private_message', (message) => this.#hold(message));
    socket.socket.on('new_group_message', (message) => this.#hold(message));
    for (const event of Object.keys(groupChangeEvents) as GroupEntry['event'][])
      socket.socket.on(event, (data: GroupEntry['data']) => this.#change({ event, data } as GroupEntry));
    socket.socket.on('message_recalled', (data) => this.#change({ event: 'message_recalled', data }));
    socket.socket.on('message_edited', (data) => this.#change({ event: 'message_edited', data }));
    socket.socket.on('message_reacted', (data) => this.#change({ event: 'message_reacted', data }));
    socket.socket.on('message_deleted', (data) =>
      this.#logOf(data.conversationId).deleted.add(data.messageSeq),
    );
    socket.socket.on('conversation_updated', (conversation) => {
      this.#logOf(conversation.id).conversation = conversation;
    });
    await socket.connected();
    this.#socket = socket;
    await this.catchUp(limit);
  }

  goOffline(): void {
    this.#socket?.close();
    this.#socket = null;
  }

  /** Makes it ask for a conversation from the beginning, as one that it knows and holds nothing of. */
  know(conversationId: string): void {
    this.#logOf(conversationId);
  }

  /** What this device's own call answered; its socket is not sent it again. */
  holdSent(message: Message): void {
    this.#hold(message);
  }

  holdDeleted({ conversationId, seq }: Message): void {
    this.#logOf(conversationId).deleted.add(seq);
  }

  async catchUp(limit = 200): Promise<void> {
    const conversations = Object.fromEntries([...this.#logs].map(([id, log]) => [id, contiguous(log)]));
    const since = this.#since;
    let cursor: string | null = null;
    do {
      const page: EventOutput<'sync'> = await this.socket.call('sync', {
        conversations,
        limit,
        ...(since !== undefined && { since }),
        ...(cursor !== null && { cursor }),
      });
      for (const { conversation, entries, reset } of page.items) {
        const log = this.#logOf(conversation.id);
        if (reset) {
          log.entries.clear();
          log.deleted.clear();
          log.groupEntries.clear();
        }
        log.conversation = conversation;
        for (const entry of entries) this.#hold(entry);
        for (const seq of conversation.deletedSeqs) log.deleted.add(seq);
      }
      for (const conversationId of page.gone) this.#logs.delete(conversationId);
      this.#since = page.since;
      cursor = page.nextCursor;
    } while (cursor !== null);
  }

  /** The messages that it shows, as far as clients can tell them apart, in their order. */
  shows(conversationId: string): object[] {
    const { entries, deleted } = this.#logOf(conversationId);
    return [...entries]
      .sort(([one], [other]) => one - other)
      .flatMap(([seq, entry]) => (entry === 'change' || deleted.has(seq) ? [] : [essence(entry)]));
  }

  /** The places that it has heard of, whatever stands there. */
  places(conversationId: string): number[] {
    return [...this.#logOf(conversationId).entries.keys()].sort((one, other) => one - other);
  }

  /** A group as it has to be after all that the device has heard; `null` once it is out of it. */
  roster(groupId: string): Roster | null {
    const log = this.#logs.get(groupId);
    if (!log) return null;
    const inOrder = [...log.groupEntries].sort(([one], [other]) => one - other);
    return rosterOf(inOrder.map(([, entry]) => entry));
  }

  conversation(conversationId: string): Conversation | null {
    return this.#logOf(conversationId).conversation;
  }

  #logOf(conversationId: string): HeldLog {
    const known = this.#logs.get(conversationId);
    if (known) return known;
    const log: HeldLog = {
      entries: new Map(),
      early: new Map(),
      deleted: new Set(),
      groupEntries: new Map(),
      conversation: null,
    };
    this.#logs.set(conversationId, log);
    return log;
  }

  #hold(message: Message): void {
    if (message.contentType === 'system') {
      this.#change(message.content as ChangeEvent | GroupEntry);
      return;
    }
    const { entries, early } = this.#logOf(message.conversationId);
    const held = entries.get(message.seq);
    if (held && held !== 'change' && held.rev > message.rev) return;
    entries.set(message.seq, message);
    const changes = early.get(message.seq) ?? [];
    early.delete(message.seq);
    for (const change of changes) this.#change(change);
  }

  #change(change: ChangeEvent | GroupEntry): void {
    if (isGroupEntry(change)) this.#holdGroupEntry(change);
    else this.#changeMessage(change);
  }

  /** Who leaves, is removed, or is in a group that ends has nothing left of it. */
  #holdGroupEntry(entry: GroupEntry): void {
    const { event, data } = entry;
    const isOwnLeaving =
      (event === 'group_member_left' || event === 'group_member_removed') && data.userId === this.user.id;
    if (event === 'group_dissolved' || isOwnLeaving) {
      this.#logs.delete(data.groupId);
      return;
    }
    const { entries, groupEntries } = this.#logOf(data.groupId);
    entries.set(data.seq, 'change');
    groupEntries.set(data.seq, entry);
  }

  #changeMessage(change: ChangeEvent): void {
    const { event, data } = change;
    const { entries, early } = this.#logOf(data.conversationId);
    entries.set(data.seq, 'change');
    const held = entries.get(data.messageSeq);
    if (!held) early.set(data.messageSeq, [...(early.get(data.messageSeq) ?? []), change]);
    if (!held || held === 'change' || held.rev >= data.rev) return;
    const changed = { ...held, rev: data.rev };
    if (event === 'message_edited')
      Object.assign(changed, { content: data.content, editedAt: data.editedAt });
    else if (event === 'message_reacted') changed.reactions = afterReacting(held.reactions ?? [], data);
    else {
      Object.assign(changed, { content: null, recalledAt: data.at, recalledBy: data.recalledBy });
      delete changed.reactions;
    }
    entries.set(data.messageSeq, changed);
  }
}

function isGroupEntry(change: ChangeEvent | GroupEntry): change is GroupEntry {
  return change.event in groupChangeEvents;
}

function contiguous({ entries }: HeldLog): number {
  let seq = 0;
  while (entries.has(seq + 1)) seq++;
  return seq;
}

function afterReacting(
  reactions: NonNullable<Message['reactions']>,
  { userId, emoji, active }: ChangeEvents['message_reacted'],
): NonNullable<Message['reactions']> {
  const found = reactions.find((reaction) => reaction.emoji === emoji) ?? { emoji, count: 0, userIds: [] };
  const userIds = active ? [...found.userIds, userId] : found.userIds.filter((id) => id !== userId);
  const others = reactions.filter((reaction) => reaction.emoji !== emoji);
  return userIds.length > 0 ? [...others, { emoji, count: userIds.length, userIds }] : others;
}

/** What two devices must agree on. */
export function essence({ id, seq, rev, content, recalledAt, editedAt, reactions = [] }: Message): object {
  const sorted = reactions
    .map(({ emoji, userIds }) => ({ emoji, userIds: [...userIds].sort() }))
    .sort((one, other) => one.emoji.localeCompare(other.emoji));
  return { id, seq, rev, content, recalledAt, editedAt, reactions: sorted };
}
