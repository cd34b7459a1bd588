import { z } from 'zod';
import { decimal } from './fields.ts';

/** How long somebody without a socket still counts as here, so that reloading a page does not flicker. */
export const presenceSettings = { PRESENCE_GRACE_SECONDS: decimal(0, 3600).default(5) };
const shape = z.object(presenceSettings);

export interface PresenceSettings {
  graceMs: number;
  /** How often a process renews its lease and looks at the others'. */
  renewEveryMs: number;
  /** How long a lease counts as alive; with `renewEveryMs` this is when a process that died is noticed. */
  leaseAliveMs: number;
}

/** Nobody who was on a process that died counts as here for longer than a minute. */
const lease = { renewEveryMs: 10_000, leaseAliveMs: 45_000 } as const;

export function toPresence(set: z.output<typeof shape>): PresenceSettings {
  return { graceMs: set.PRESENCE_GRACE_SECONDS * 1000, ...lease };
}
