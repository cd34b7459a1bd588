import type { Me, Relation, User } from './users.contract.ts';
import type { UserRecord } from './users.store.ts';

export type UserViews = ReturnType<typeof createUserViews>;

/** How people are shown: to themselves and to others. */
export function createUserViews(avatarUrlOf: (key: string) => string) {
  const avatarUrl = ({ avatarKey }: UserRecord) => (avatarKey === null ? null : avatarUrlOf(avatarKey));

  return {
    /** A person as they see themselves. */
    toMe(record: UserRecord): Me {
      const { id, nickname, email, phone, emailVerified, bio, gender, birthday, region, privacy } = record;
      return {
        id,
        nickname,
        email,
        phone,
        emailVerified,
        avatarUrl: avatarUrl(record),
        bio,
        gender,
        birthday,
        region,
        privacy,
        createdAt: record.createdAt.toISOString(),
      };
    },

    /** A person as somebody else sees them. */
    toUser(record: UserRecord, relation: Relation): User {
      const { id, nickname, bio, gender, region } = record;
      if (record.deletedAt) return { id, nickname, avatarUrl: null, deleted: true };
      return { id, nickname, avatarUrl: avatarUrl(record), bio, gender, region, relation };
    },
  };
}
