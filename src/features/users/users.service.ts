import type { Delivery } from '../../core/delivery.ts';
import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import type { Me, Relation, User, usersContract, usersEvents } from './users.contract.ts';
import { openPrivacy } from './users.rules.ts';
import type { ProfileChange, UserRecord, UserStore } from './users.store.ts';

interface UsersDeps {
  store: UserStore;
  delivery: Delivery<typeof usersEvents>;
  /** How each of these people stands to the viewer. */
  relationsOf(viewerId: string, userIds: readonly string[]): Promise<Map<string, Relation>>;
}

export function createUsersService({ store, delivery, relationsOf }: UsersDeps) {
  const handlers: Handlers<typeof usersContract> = {
    async getProfile(_input, { actor }) {
      const [record] = await store.findByIds([actor.userId]);
      if (!record) throw new AppError('unauthenticated');
      return toMe(record);
    },

    async updateProfile(input, { actor, originSocketId }) {
      const record = await store.update(actor.userId, named(input));
      if (!record) throw new AppError('unauthenticated');
      const profile = toMe(record);
      delivery.toUsers({ userIds: [actor.userId], event: 'profile_updated', data: profile, originSocketId });
      return profile;
    },

    async getUser({ userId }, { actor }) {
      const view = (await viewsFor(actor.userId, [userId])).get(userId);
      if (!view) throw new AppError('not_found');
      return view;
    },
  };

  /** These people as the viewer sees them; ids that mean nobody are left out. */
  async function viewsFor(viewerId: string, userIds: readonly string[]): Promise<Map<string, User>> {
    const [records, relations] = await Promise.all([
      store.findByIds(userIds),
      relationsOf(viewerId, userIds),
    ]);
    return new Map(records.map((record) => [record.id, toUser(record, relations.get(record.id) ?? 'none')]));
  }

  return {
    handlers,
    viewsFor,

    /** What other features may know of people, and how to show them. */
    people: {
      findByIds: async (ids: readonly string[]) => (await store.findByIds(ids)).map(toPerson),
      async findByEmail(email: string) {
        const record = await store.findByEmail(email);
        return record && toPerson(record);
      },
    },

    /** What authentication needs of accounts. */
    accounts: {
      async create(account: { email: string; nickname: string; passwordHash: string }): Promise<Me | null> {
        const record = await store.create({ ...account, privacy: openPrivacy });
        return record && toMe(record);
      },
      async findByEmail(email: string) {
        const found = await store.findCredentials(email);
        return found && { me: toMe(found.user), passwordHash: found.passwordHash };
      },
      async findById(userId: string): Promise<Me | null> {
        const [record] = await store.findByIds([userId]);
        return record ? toMe(record) : null;
      },
    },

    /** Whether this person's profile changed after a point in time. */
    async profileChangesSince(userId: string, since: Date) {
      const [record] = await store.findByIds([userId]);
      return record && record.updatedAt > since ? [{ id: `profile:${userId}`, at: record.updatedAt }] : [];
    },
  };
}

function toPerson(record: UserRecord) {
  const { id, privacy, lastSeenAt } = record;
  return { id, privacy, lastSeenAt, viewAs: (relation: Relation) => toUser(record, relation) };
}

function named<T extends object>(input: T): ProfileChange {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
}

/** A person as they see themselves. */
function toMe({ id, createdAt, ...record }: UserRecord): Me {
  const { nickname, email, phone, emailVerified, avatarUrl, bio, gender, birthday, region, privacy } = record;
  return {
    id,
    nickname,
    email,
    phone,
    emailVerified,
    avatarUrl,
    bio,
    gender,
    birthday,
    region,
    privacy,
    createdAt: createdAt.toISOString(),
  };
}

/** A person as somebody else sees them. */
function toUser({ id, nickname, avatarUrl, bio, gender, region }: UserRecord, relation: Relation): User {
  return { id, nickname, avatarUrl, bio, gender, region, relation };
}
