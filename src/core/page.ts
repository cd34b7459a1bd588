import { z } from 'zod';
import { invalidField } from './errors.ts';

const pageLimits = { most: 100, usual: 50, unpaged: 500 } as const;

/** Inputs of a list: `limit` 1–100 (50), opaque `cursor`. */
export const pageInput = {
  limit: z.int().min(1).max(pageLimits.most).optional(),
  cursor: z.string().max(500).optional(),
};

/** A list as clients see it; `nextCursor` is `null` at its end. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}

interface PageInput {
  limit?: number | undefined;
  cursor?: string | undefined;
}

/** How many to give. Asked without `limit` and `cursor`, a list that old clients know whole gives up to 500. */
export function pageSize(input: PageInput): number {
  if (input.limit === undefined && input.cursor === undefined) return pageLimits.unpaged;
  return input.limit ?? pageLimits.usual;
}

/** Hides a position from clients, so that its form can change. */
export function encodeCursor(position: unknown): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** The position behind a cursor that `encodeCursor` made. Throws `validation_failed` for any other text. */
export function decodeCursor<T extends z.ZodType>(cursor: string, position: T, path = 'cursor'): z.output<T> {
  try {
    return position.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
  } catch {
    throw invalidField(path, { en: 'Not a cursor of this list', zh: '游标无效' });
  }
}
