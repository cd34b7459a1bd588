import { type Connection, mongo, Schema, Types } from 'mongoose';
import type { Privacy } from './users.contract.ts';

/** A person, as stored; the password hash is read by `findCredentials` alone. */
export interface UserRecord {
  id: string;
  nickname: string;
  email: string | null;
  emailVerified: boolean;
  phone: string | null;
  avatarUrl: string | null;
  bio: string | null;
  gender: 'male' | 'female' | 'other' | null;
  birthday: string | null;
  region: string | null;
  privacy: Privacy;
  createdAt: Date;
  updatedAt: Date;
  lastSeenAt: Date | null;
}

type UserDocument = Omit<UserRecord, 'id'> & { _id: Types.ObjectId; passwordHash: string | null };

export type ProfileChange = Partial<
  Pick<UserRecord, 'nickname' | 'bio' | 'gender' | 'birthday' | 'region'>
> & {
  privacy?: Partial<Privacy>;
};

const userSchema = new Schema<UserDocument>(
  {
    nickname: String,
    email: String,
    emailVerified: Boolean,
    phone: String,
    passwordHash: String,
    avatarUrl: String,
    bio: String,
    gender: String,
    birthday: String,
    region: String,
    privacy: Object,
    createdAt: Date,
    updatedAt: Date,
    lastSeenAt: Date,
  },
  { collection: 'users', versionKey: false },
);
userSchema.index({ email: 1 }, { unique: true, partialFilterExpression: { email: { $type: 'string' } } });

const withoutSecret = { passwordHash: 0 } as const;
const duplicateKey = 11_000;

export type UserStore = ReturnType<typeof createUserStore>;

export function createUserStore(connection: Connection) {
  const users = connection.model('User', userSchema);

  return {
    /** Creates an account. Answers `null` if the e-mail is taken. */
    async create(account: Pick<UserRecord, 'nickname' | 'email' | 'privacy'> & { passwordHash: string }) {
      const now = new Date();
      const document: UserDocument = {
        _id: new Types.ObjectId(),
        ...account,
        emailVerified: false,
        phone: null,
        avatarUrl: null,
        bio: null,
        gender: null,
        birthday: null,
        region: null,
        createdAt: now,
        updatedAt: now,
        lastSeenAt: null,
      };
      try {
        await users.collection.insertOne(document);
      } catch (error) {
        if (error instanceof mongo.MongoServerError && error.code === duplicateKey) return null;
        throw error;
      }
      return toRecord(document);
    },

    async findByIds(ids: readonly string[]): Promise<UserRecord[]> {
      const found = await users.find({ _id: { $in: ids } }, withoutSecret).lean<UserDocument[]>();
      return found.map(toRecord);
    },

    async findByEmail(email: string): Promise<UserRecord | null> {
      const found = await users.findOne({ email }, withoutSecret).lean<UserDocument>();
      return found && toRecord(found);
    },

    async findCredentials(email: string): Promise<{ user: UserRecord; passwordHash: string | null } | null> {
      const found = await users.findOne({ email }).lean<UserDocument>();
      return found && { user: toRecord(found), passwordHash: found.passwordHash };
    },

    /** Changes what is named and leaves the rest. Answers `null` if there is no such person. */
    async update(userId: string, { privacy, ...fields }: ProfileChange): Promise<UserRecord | null> {
      const privacyFields = Object.entries(privacy ?? {}).map(([name, value]) => [`privacy.${name}`, value]);
      const $set = { ...fields, ...Object.fromEntries(privacyFields), updatedAt: new Date() };
      const found = await users
        .findByIdAndUpdate(userId, { $set }, { returnDocument: 'after', projection: withoutSecret })
        .lean<UserDocument>();
      return found && toRecord(found);
    },

    /** Notes when people were last here; a time never sinks. */
    async touchLastSeen(times: ReadonlyMap<string, Date>): Promise<void> {
      const touches = [...times].map(([userId, at]) => ({
        updateOne: { filter: { _id: new Types.ObjectId(userId) }, update: { $max: { lastSeenAt: at } } },
      }));
      await users.collection.bulkWrite(touches, { ordered: false });
    },
  };
}

function toRecord({ _id, passwordHash: _, ...rest }: UserDocument): UserRecord {
  return { id: _id.toHexString(), ...rest };
}
