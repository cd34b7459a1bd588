import type { GroupChange } from '../groups/groups.contract.ts';
import type { Lane } from './lanes.ts';
import type { Entry, Placement } from './messages.rules.ts';
import type { SendKey } from './messages.store.ts';

/** A message on its way: everything of its entry but its place, which is settled by writing it. */
export type Send = Omit<Entry, keyof Placement>;

/** What happened to a group, on its way to the log. */
export interface GroupEntry {
  id: string;
  groupId: string;
  actorId: string;
  change: GroupChange;
}

export function toGroupEntry({ id, groupId, actorId, change }: GroupEntry): Send {
  return {
    id,
    conversationId: groupId,
    type: 'group',
    senderId: actorId,
    clientMessageId: null,
    requestHash: id,
    contentType: 'system',
    content: null,
    groupChange: change,
    rev: 1,
  };
}

/** `isRepeat`: the message had been stored before, under the same idempotency key. */
export interface Written {
  entry: Entry;
  isRepeat: boolean;
}

/** A message that waits to be written, and who waits for it. */
export interface Pending {
  send: Send;
  lane: Lane;
  /** The lane's epoch when authority was checked; -1 before. */
  checkedEpoch: number;
  isSettled: boolean;
  resolve(written: Written): void;
  reject(error: unknown): void;
}

/** Something changed while the database was asked. */
export function isUnready(pending: Pending): boolean {
  return isUnchecked(pending) || pending.lane.head === null;
}

export function isUnchecked({ checkedEpoch, lane }: Pending): boolean {
  return checkedEpoch !== lane.epoch;
}

/** It goes to a group, and nobody in this process knows where the log of that stands. */
export function isInUnplacedGroup({ send, lane }: Pending): boolean {
  return lane.head === null && send.type === 'group';
}

export function forgetHead(pending: Pending): void {
  pending.lane.head = null;
  pending.checkedEpoch = -1;
}

/** Parts a batch into messages, and those that repeat the key of an earlier one of the same batch. */
export function splitRepeats(batch: readonly Pending[]): [Pending[], Pending[]] {
  const keys = new Set<string>();
  return partition(batch, ({ send }) => {
    const size = keys.size;
    return keys.add(keyTextOf(send)).size > size;
  });
}

export function firstPerLane(batch: readonly Pending[]): Pending[] {
  return [...new Map(batch.toReversed().map((pending) => [pending.lane, pending])).values()];
}

/** What finds an earlier write of the same: its idempotency key, or its own id where it has none. */
export function keyOf({ id, senderId, clientMessageId }: Identified): SendKey {
  return clientMessageId === null ? { entryId: id } : { senderId, clientMessageId };
}

/** The same for every write of the same. */
export function keyTextOf({ id, senderId, clientMessageId }: Identified): string {
  return clientMessageId === null ? id : `${senderId} ${clientMessageId}`;
}

type Identified = Pick<Entry, 'id' | 'senderId' | 'clientMessageId'>;

export function partition<T>(items: readonly T[], belongs: (item: T) => boolean): [T[], T[]] {
  const parts: [T[], T[]] = [[], []];
  for (const item of items) parts[belongs(item) ? 0 : 1].push(item);
  return parts;
}
