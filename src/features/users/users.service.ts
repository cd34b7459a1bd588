import { z } from 'zod';
import { type Contact, contactOfText } from '../../core/contact.ts';
import type { Delivery } from '../../core/delivery.ts';
import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import { decodeCursor, encodeCursor } from '../../core/page.ts';
import type { KeyPosition } from './search-keys.store.ts';
import type { UserViews } from './user-views.ts';
import type { Me, Relation, User, usersContract, usersEvents } from './users.contract.ts';
import type { ProfileChange, UserRecord, UserStore } from './users.store.ts';

interface UsersDeps {
  store: UserStore;
  views: UserViews;
  delivery: Delivery<typeof usersEvents>;
  /** How each of these people stands to the viewer. */
  relationsOf(viewerId: string, userIds: readonly string[]): Promise<Map<string, Relation>>;
  /** People whose nickname is found by these words, and where to go on. */
  searchByName(search: {
    query: string;
    limit: number;
    after: KeyPosition | null;
  }): Promise<{ userIds: string[]; next: KeyPosition | null }>;
  /** Lets a person be found by a new nickname while `change` is made, and no more by the old one after it. */
  renaming<T>(userId: string, nickname: string, change: () => Promise<T>): Promise<T>;
  parsePhone(text: string): string | null;
  /** Told when something has changed that others see of this person. Never awaited, never fails. */
  onProfileChanged(userId: string): void;
  /** Somebody shows when they are here, and did not before; or the other way round. */
  onLastSeenShown(userId: string): void;
}

const userId = z.string().regex(/^[0-9a-f]{24}$/);
/** Where a page of a search ended, and whom the first page showed because the words are their e-mail or phone. */
const position = z.object({
  after: z.object({ key: z.string().max(64), userId }).nullable(),
  exactId: userId.nullable(),
});
const usualLimit = 50;
const shownToOthers = ['nickname', 'bio', 'gender', 'region'] as const;

export function createUsersService({ store, views, delivery, ...deps }: UsersDeps) {
  const handlers: Handlers<typeof usersContract> = {
    async getProfile(_input, { actor }) {
      const [record] = await store.findByIds([actor.userId]);
      if (!record) throw new AppError('unauthenticated');
      return views.toMe(record);
    },

    async updateProfile(input, { actor, originSocketId }) {
      const showsLastSeen = input.privacy?.lastSeen;
      const [before] = showsLastSeen === undefined ? [] : await store.findLastSeen([actor.userId]);
      const update = () => store.update(actor.userId, named(input));
      const record =
        input.nickname === undefined
          ? await update()
          : await deps.renaming(actor.userId, input.nickname, update);
      if (!record) throw new AppError('unauthenticated');
      const me = views.toMe(record);
      tellProfile(me, originSocketId);
      if (shownToOthers.some((field) => input[field] !== undefined)) deps.onProfileChanged(me.id);
      if (before && before.showsLastSeen !== showsLastSeen) deps.onLastSeenShown(me.id);
      return me;
    },

    async searchUsers({ q, limit = usualLimit, cursor }, { actor }) {
      const from = cursor === undefined ? null : decodeCursor(cursor, position);
      const exactId = from ? from.exactId : ((await findByText(q))?.id ?? null);
      const first = !from && exactId !== null ? [exactId] : [];
      const room = limit - first.length;
      if (room === 0)
        return {
          items: await viewsInOrder(actor.userId, first),
          nextCursor: encodeCursor({ after: null, exactId }),
        };
      const { userIds, next } = await deps.searchByName({
        query: q,
        limit: room,
        after: from?.after ?? null,
      });
      const named = userIds.filter((id) => id !== exactId);
      const items = await viewsInOrder(actor.userId, [...first, ...named]);
      return { items, nextCursor: next && encodeCursor({ after: next, exactId }) };
    },

    searchFriends: (input, call) => handlers.searchUsers(input, call),

    async listUsers({ ids }, { actor }) {
      return { items: await viewsInOrder(actor.userId, ids), nextCursor: null };
    },

    async getUser({ userId }, { actor }) {
      const view = (await viewsFor(actor.userId, [userId])).get(userId);
      if (!view) throw new AppError('not_found');
      return view;
    },
  };

  /** Whose e-mail or phone this text is, if they let themselves be found by it. */
  async function findByText(text: string): Promise<UserRecord | null> {
    const contact = contactOfText(text, deps.parsePhone);
    const found = contact && (await store.findByContact(contact));
    if (!found) return null;
    return isFoundBy(found, contact) ? found : null;
  }

  /** These people as the viewer sees them; ids that mean nobody are left out. */
  async function viewsFor(viewerId: string, userIds: readonly string[]): Promise<Map<string, User>> {
    const [records, relations] = await Promise.all([
      store.findByIds(userIds),
      deps.relationsOf(viewerId, userIds),
    ]);
    return new Map(
      records.map((record) => [record.id, views.toUser(record, relations.get(record.id) ?? 'none')]),
    );
  }

  async function viewsInOrder(viewerId: string, userIds: readonly string[]): Promise<User[]> {
    const found = await viewsFor(viewerId, userIds);
    return [...new Set(userIds)].flatMap((userId) => found.get(userId) ?? []);
  }

  /** Shows a person's other devices what their profile is now. */
  function tellProfile(me: Me, originSocketId: string | null): void {
    delivery.toUsers({ userIds: [me.id], event: 'profile_updated', data: me, originSocketId });
  }

  function toPerson(record: UserRecord) {
    const { id, privacy, deletedAt } = record;
    const viewAs = (relation: Relation) => views.toUser(record, relation);
    return { id, privacy, isGone: deletedAt !== null, viewAs };
  }

  return {
    handlers,
    viewsFor,
    tellProfile,

    /** What other features may know of people, and how to show them. */
    people: {
      findByIds: async (ids: readonly string[]) => (await store.findByIds(ids)).map(toPerson),
      /** Who has this contact and lets themselves be found by it. */
      async findByContact(contact: Contact) {
        const record = await store.findByContact(contact);
        return record && isFoundBy(record, contact) ? toPerson(record) : null;
      },
    },

    /** Sets or takes away an avatar. Answers the person now and the key before; `null` if they have gone. */
    async setAvatar(userId: string, avatarKey: string | null) {
      const changed = await store.setAvatar(userId, avatarKey);
      if (changed && changed.before !== avatarKey) deps.onProfileChanged(userId);
      const [record] = await store.findByIds([userId]);
      return changed && record ? { me: views.toMe(record), before: changed.before } : null;
    },

    async avatarKeyOf(userId: string): Promise<string | null> {
      const [record] = await store.findByIds([userId]);
      return record?.avatarKey ?? null;
    },

    /** Whether this person's profile changed after a point in time. */
    async profileChangesSince(userId: string, since: Date) {
      const [record] = await store.findByIds([userId]);
      return record && record.updatedAt > since ? [{ id: `profile:${userId}`, at: record.updatedAt }] : [];
    },
  };
}

function isFoundBy({ privacy }: UserRecord, { kind }: Contact): boolean {
  return kind === 'email' ? privacy.findByEmail : privacy.findByPhone;
}

function named<T extends object>(input: T): ProfileChange {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
}
