import type { Privacy } from './users.contract.ts';

/** What a new account shows. */
export const openPrivacy: Privacy = {
  findByEmail: true,
  findByPhone: true,
  friendRequests: 'everyone',
  groupInvites: 'friends',
  lastSeen: true,
  readReceipts: true,
};
