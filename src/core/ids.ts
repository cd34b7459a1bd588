import { z } from 'zod';

/** An id as clients see it: 24 hexadecimal digits. */
export const id = z
  .string()
  .regex(/^[0-9a-fA-F]{24}$/)
  .toLowerCase()
  .meta({ description: '24 hexadecimal digits' });

/** A point in time as clients see it: ISO 8601 in UTC. */
export const timestamp = z.iso.datetime().meta({ description: 'ISO 8601, UTC' });
