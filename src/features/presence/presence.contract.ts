import { z } from 'zod';
import { id, timestamp } from '../../core/ids.ts';

/** Whether somebody is here. `lastSeenAt` is `null` while they are, and where it is hidden or unknown. */
export const presence = z.object({
  status: z.enum(['online', 'offline']),
  lastSeenAt: timestamp.nullable(),
});
export type Presence = z.output<typeof presence>;

export const presenceEvents = {
  user_presence: z.object({ userId: id, ...presence.shape }),
};
