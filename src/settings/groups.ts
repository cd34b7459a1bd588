import { wholeNumber } from './fields.ts';

/** How large groups may be, and how long their codes are good. */
export const groupSettings = {
  GROUP_MAX_MEMBERS: wholeNumber(2, 100_000).default(500),
};

export interface GroupLimits {
  mostMembers: number;
  /** Life of a QR code of a group, and of an invite unless its maker says otherwise. */
  codeLifetimeSeconds: number;
}

const codeLifetimeSeconds = 7 * 86_400;

export function toGroupLimits(set: {
  GROUP_MAX_MEMBERS: number;
  QR_EXPIRES_IN?: number | undefined;
}): GroupLimits {
  return {
    mostMembers: set.GROUP_MAX_MEMBERS,
    codeLifetimeSeconds: set.QR_EXPIRES_IN ?? codeLifetimeSeconds,
  };
}
