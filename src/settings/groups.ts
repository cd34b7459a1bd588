import { wholeNumber } from './fields.ts';

/** How large groups may be. */
export const groupSettings = {
  GROUP_MAX_MEMBERS: wholeNumber(2, 100_000).default(500),
};

export interface GroupLimits {
  mostMembers: number;
}

export function toGroupLimits(set: { GROUP_MAX_MEMBERS: number }): GroupLimits {
  return { mostMembers: set.GROUP_MAX_MEMBERS };
}
