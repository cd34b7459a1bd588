import { z } from 'zod';
import { decodeCursor, encodeCursor } from '../../core/page.ts';
import type { Relationship } from './friends.rules.ts';
import type { PagePosition } from './friends.store.ts';

const position = z.tuple([z.iso.datetime(), z.string().regex(/^[0-9a-f]{24}$/)]);

/** Where a page of pairs begins; `null`: with the latest. */
export function positionOf(cursor: string | undefined): PagePosition | null {
  if (cursor === undefined) return null;
  const [at, id] = decodeCursor(cursor, position);
  return { at: new Date(at), id };
}

/** One page of pairs, and where to go on; `pairs` holds one more than the page if there is more. */
export function pageOfPairs(
  pairs: readonly Relationship[],
  limit: number,
  timeOf: (pair: Relationship) => Date | null | undefined,
): { shown: Relationship[]; nextCursor: string | null } {
  const shown = pairs.slice(0, limit);
  const last = shown.at(-1);
  return { shown, nextCursor: pairs.length > limit && last ? encodeCursor([timeOf(last), last.id]) : null };
}
