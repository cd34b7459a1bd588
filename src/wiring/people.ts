import type { Connection } from 'mongoose';
import { contracts, type pushEvents } from '../contracts.ts';
import { createContactReader } from '../core/contact.ts';
import type { Delivery } from '../core/delivery.ts';
import type { InTurn } from '../core/in-turn.ts';
import { bind } from '../core/operation.ts';
import { friendLimits } from '../features/friends/friends.rules.ts';
import { createFriendsService } from '../features/friends/friends.service.ts';
import { createRelationshipStore } from '../features/friends/friends.store.ts';
import { createRelations } from '../features/friends/relations.ts';
import { createAccounts } from '../features/users/accounts.ts';
import { createNaming } from '../features/users/naming.ts';
import { createPeopleSearch } from '../features/users/people-search.ts';
import { createPersonalProfile } from '../features/users/personal-profile.ts';
import { createSearchKeyStore } from '../features/users/search-keys.store.ts';
import { createUserViews } from '../features/users/user-views.ts';
import { createUsersService } from '../features/users/users.service.ts';
import { createUserStore } from '../features/users/users.store.ts';
import { createTurns } from '../platform/turns.ts';
import { type CommonDeps, dayS } from './common.ts';
import { buildPresence } from './presence.ts';

interface PeopleInput extends CommonDeps {
  connection: Connection;
  delivery: Delivery<typeof pushEvents>;
  /** Whom a QR code leads to; `null` for nobody. */
  ownerOfCode(code: string, address: string): Promise<string | null>;
  /** Told that these two may not write to each other any more. */
  onFriendshipEnded(pairId: string): void;
}

export type People = ReturnType<typeof buildPeople>;

/** Who people are, how they are found, and how they stand to each other. */
export function buildPeople(input: PeopleInput) {
  const { log, connection, delivery, quotaOf, phones } = input;
  const relationshipStore = createRelationshipStore(connection);
  const relations = createRelations(relationshipStore);
  const inTurn = createTurns();
  const { store, views, avatarUrlOf, accounts, users, personalProfile } = buildUsers(input, {
    relations,
    inTurn,
    onProfileChanged: (userId) => friends.profileNews.note(userId),
    onLastSeenShown: (userId) => presence.privacyChanged(userId),
  });
  const presence = buildPresence({ ...input, relations, userStore: store });
  const friends = createFriendsService({
    store: relationshipStore,
    delivery,
    people: users.people,
    readContact: createContactReader(phones.parse),
    ownerOfCode: input.ownerOfCode,
    presence,
    requestQuota: quotaOf({
      name: 'friend_request',
      points: friendLimits.requestsPerDay,
      durationSeconds: dayS,
    }),
    inTurn,
    onFriendshipEnded: input.onFriendshipEnded,
    onFailure: (error) => log.warn({ err: error }, 'friends were not told of a profile'),
  });

  return {
    store,
    views,
    avatarUrlOf,
    accounts,
    users,
    relations,
    presence,
    operations: [
      ...bind('users', contracts.users, users.handlers),
      ...bind('friends', contracts.friends, friends.handlers),
    ],
    holders: [personalProfile, friends.personalData],
    settle: friends.profileNews.flush,
  };
}

interface UsersInput {
  relations: ReturnType<typeof createRelations>;
  inTurn: InTurn;
  onProfileChanged(userId: string): void;
  onLastSeenShown(userId: string): void;
}

function buildUsers(
  { config, connection, delivery, phones }: PeopleInput,
  { relations, inTurn, onProfileChanged, onLastSeenShown }: UsersInput,
) {
  const store = createUserStore(connection);
  const keys = createSearchKeyStore(connection);
  const avatarUrlOf = (key: string) => `${config.publicUrl}/avatars/${key}`;
  const views = createUserViews(avatarUrlOf);
  const naming = createNaming({
    keys,
    nicknameOf: async (userId) => (await store.findByIds([userId]))[0]?.nickname ?? null,
    inTurn,
  });
  const search = createPeopleSearch({
    keys,
    findPeople: async (ids) => (await store.findByIds(ids)).filter(({ deletedAt }) => deletedAt === null),
  });
  return {
    store,
    views,
    avatarUrlOf,
    accounts: createAccounts({ store, views, named: naming.named }),
    users: createUsersService({
      store,
      views,
      delivery,
      relationsOf: relations.relationsOf,
      searchByName: search.search,
      renaming: naming.renaming,
      parsePhone: phones.parse,
      onProfileChanged,
      onLastSeenShown,
    }),
    personalProfile: createPersonalProfile({ store, keys, views }),
  };
}
