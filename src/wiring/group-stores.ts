import type { Connection } from 'mongoose';
import { createGroupMembershipChangeStore } from '../features/conversations/group-membership-changes.store.ts';
import { createGroupMembershipStore } from '../features/conversations/group-memberships.store.ts';
import { createAnnouncementStore } from '../features/groups/announcements.store.ts';
import { createGroupStore } from '../features/groups/groups.store.ts';

export type GroupStores = ReturnType<typeof buildGroupStores>;

/** What is kept of groups and of who is in them. */
export function buildGroupStores(connection: Connection) {
  return {
    groups: createGroupStore(connection),
    memberships: createGroupMembershipStore(connection),
    membershipChanges: createGroupMembershipChangeStore(connection),
    announcements: createAnnouncementStore(connection),
  };
}
