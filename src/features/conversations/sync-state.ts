import { createHash } from 'node:crypto';
import { z } from 'zod';
import { decodeCursor, encodeCursor } from '../../core/page.ts';

/** More than these are told again, which harms nobody; a `since` stays below 4 KB and a cursor below 8 KB. */
const mostSeen = 200;
/** The last time that a Date can tell. */
const latestDate = 8.64e15;

/**
 * How far a client has caught up with what is not in a log. Times are set before a write is visible, so a change may
 * appear with a time slightly in the past: changes of the last seconds are asked for again, and those that the client
 * has seen already are told by their digests.
 */
const since = z.object({
  at: z.int().min(0).max(latestDate),
  seen: z.array(z.string().max(16)).max(mostSeen),
});
export type Since = z.output<typeof since>;

const cursor = z.object({
  since: z.string().max(8000),
  after: z.string().regex(/^[0-9a-f]{24}$/),
  within: z.int().min(1).nullable(),
});
/** Where a page of `sync` ended: after a conversation, or within it after one of its entries. */
export type SyncCursor = z.output<typeof cursor>;

/** Longer than any write takes until it is visible. */
const settleMs = 10_000;

export const beginning: Since = { at: 0, seen: [] };

export const encodeSince = (value: Since): string => encodeCursor(value);
export const decodeSince = (text: string | undefined): Since =>
  text === undefined ? beginning : decodeCursor(text, since, 'since');
export const encodeSyncCursor = (value: SyncCursor): string => encodeCursor(value);
export const decodeSyncCursor = (text: string): SyncCursor => decodeCursor(text, cursor);

/** A change of something that has an id, at a time. */
export interface Change {
  id: string;
  at: Date;
}

/** From when on changes have to be read, to know what is new after `since`. */
export function readFrom({ at }: Since): Date {
  return new Date(Math.min(at, Date.now()) - settleMs);
}

export function isNews({ at, seen }: Since, change: Change): boolean {
  return change.at.getTime() > at - settleMs && !seen.includes(digest(change));
}

/** The next `since`: everything up to now, and which of the latest changes it includes. */
export function sinceAfter(now: Date, changes: readonly Change[]): Since {
  const latest = changes.filter((change) => change.at.getTime() > now.getTime() - settleMs);
  return { at: now.getTime(), seen: latest.slice(0, mostSeen).map(digest) };
}

function digest({ id, at }: Change): string {
  return createHash('sha256').update(`${id}:${at.getTime()}`).digest('base64url').slice(0, 11);
}
