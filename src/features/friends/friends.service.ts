import type { Contact, ReadContact } from '../../core/contact.ts';
import type { Delivery } from '../../core/delivery.ts';
import type { Handlers } from '../../core/operation.ts';
import type { Quota } from '../../core/quota.ts';
import { createBlacklist } from './blacklist.service.ts';
import { createFriendRequests } from './friend-requests.service.ts';
import { createFriendViews, type FriendPresence, type Person } from './friend-views.ts';
import type { friendsContract, friendsEvents } from './friends.contract.ts';
import type { RelationshipStore } from './friends.store.ts';
import { createFriendships } from './friendships.service.ts';
import { createPairChanges } from './pair-changes.ts';
import { createPersonalRelations } from './personal-relations.ts';
import { createProfileNews } from './profile-news.ts';

interface FriendsDeps {
  store: RelationshipStore;
  delivery: Delivery<typeof friendsEvents>;
  people: {
    findByIds(ids: readonly string[]): Promise<Person[]>;
    /** Who has this contact and lets themselves be found by it. */
    findByContact(contact: Contact): Promise<Person | null>;
  };
  readContact: ReadContact;
  /** Whom a QR code leads to; `null` for nobody. Throws `rate_limited` after many such codes from one network. */
  ownerOfCode(code: string, address: string): Promise<string | null>;
  presence: FriendPresence;
  /** New requests of one person. */
  requestQuota: Quota;
  /** Lets what concerns the same people happen one after the other, so that counts hold until what they allow is done. */
  inTurn<T>(userIds: readonly string[], work: () => Promise<T>): Promise<T>;
  /** Told before anybody else is that the two may not write to each other any more. */
  onFriendshipEnded(pairId: string): void;
  /** A push that failed behind an answer. */
  onFailure(error: unknown): void;
}

/** Friends, requests and blacklist: three themes over one store, one way of changing a pair and one of showing it. */
export function createFriendsService(deps: FriendsDeps) {
  const views = createFriendViews(deps);
  const changes = createPairChanges({ ...deps, views });
  const parts = { ...deps, views, changes };
  const handlers: Handlers<typeof friendsContract> = {
    ...createFriendRequests(parts),
    ...createFriendships(parts),
    ...createBlacklist(parts),
  };
  return {
    handlers,
    personalData: createPersonalRelations(parts),
    profileNews: createProfileNews(parts),
  };
}
