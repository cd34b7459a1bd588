import { type Connection, mongo, Schema, Types } from 'mongoose';
import type { Contact } from '../../core/contact.ts';
import type { Privacy } from './users.contract.ts';

/** A person, as stored; the password hash is read by `findCredentials` alone. */
export interface UserRecord {
  id: string;
  nickname: string;
  email: string | null;
  emailVerified: boolean;
  phone: string | null;
  /** Names the files of the avatar; `null`: none. */
  avatarKey: string | null;
  bio: string | null;
  gender: 'male' | 'female' | 'other' | null;
  birthday: string | null;
  region: string | null;
  privacy: Privacy;
  createdAt: Date;
  updatedAt: Date;
  lastSeenAt: Date | null;
  /** Once the person has gone: what is left is an anonymous author. */
  deletedAt: Date | null;
}

type UserDocument = Omit<UserRecord, 'id'> &
  Credentials & {
    _id: Types.ObjectId;
    /** As long as features may still hold something of who has gone. */
    isErasing?: boolean;
  };

export interface Credentials {
  passwordHash: string | null;
  /** When the password was chosen; a new hash of the same one leaves it. */
  passwordSetAt: Date | null;
}

export type NewAccount = Pick<UserRecord, 'nickname' | 'emailVerified' | 'privacy'> & {
  contact: Contact;
  passwordHash: string | null;
};

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
    passwordSetAt: Date,
    avatarKey: String,
    bio: String,
    gender: String,
    birthday: String,
    region: String,
    privacy: Object,
    createdAt: Date,
    updatedAt: Date,
    lastSeenAt: Date,
    deletedAt: Date,
    isErasing: Boolean,
  },
  { collection: 'users', versionKey: false },
);
for (const contact of ['email', 'phone'])
  userSchema.index(
    { [contact]: 1 },
    { unique: true, partialFilterExpression: { [contact]: { $type: 'string' } } },
  );
userSchema.index({ isErasing: 1 }, { partialFilterExpression: { isErasing: true } });

const withoutSecret = { passwordHash: 0, passwordSetAt: 0, isErasing: 0 } as const;
const noPassword: Credentials = { passwordHash: null, passwordSetAt: null };
const duplicateKey = 11_000;

export type UserStore = ReturnType<typeof createUserStore>;

export function createUserStore(connection: Connection) {
  const users = connection.model('User', userSchema);

  async function changed(filter: Record<string, unknown>, fields: object): Promise<UserRecord | null> {
    const change = { $set: { ...fields, updatedAt: new Date() } };
    const found = await users
      .findOneAndUpdate(filter, change, { returnDocument: 'after', projection: withoutSecret })
      .lean<UserDocument>();
    return found && toRecord(found);
  }

  return {
    /** Creates an account. Answers `null` if its e-mail or phone is taken. */
    async create({ contact, ...account }: NewAccount): Promise<UserRecord | null> {
      const now = new Date();
      const document: UserDocument = {
        _id: new Types.ObjectId(),
        email: contact.kind === 'email' ? contact.value : null,
        phone: contact.kind === 'phone' ? contact.value : null,
        ...account,
        passwordSetAt: account.passwordHash === null ? null : now,
        avatarKey: null,
        bio: null,
        gender: null,
        birthday: null,
        region: null,
        createdAt: now,
        updatedAt: now,
        lastSeenAt: null,
        deletedAt: null,
      };
      const inserted = await unlessTaken(() => users.collection.insertOne(document));
      return inserted && toRecord(document);
    },

    async findByIds(ids: readonly string[]): Promise<UserRecord[]> {
      const found = await users.find({ _id: { $in: ids } }, withoutSecret).lean<UserDocument[]>();
      return found.map(toRecord);
    },

    /** Whether these people show when they are here, and when they were last; who has gone is left out. */
    async findLastSeen(ids: readonly string[]) {
      const found = await users
        .find({ _id: { $in: ids }, deletedAt: null }, { 'privacy.lastSeen': 1, lastSeenAt: 1 })
        .lean<Pick<UserDocument, '_id' | 'privacy' | 'lastSeenAt'>[]>();
      return found.map(({ _id, privacy, lastSeenAt }) => ({
        id: _id.toHexString(),
        showsLastSeen: privacy.lastSeen,
        lastSeenAt,
      }));
    },

    async findByContact({ kind, value }: Contact): Promise<UserRecord | null> {
      const found = await users.findOne({ [kind]: value }, withoutSecret).lean<UserDocument>();
      return found && toRecord(found);
    },

    /** Who has this contact, with their credentials. */
    async findAccount({ kind, value }: Contact): Promise<(Credentials & { user: UserRecord }) | null> {
      const found = await users.findOne({ [kind]: value }).lean<UserDocument>();
      return found && { ...toCredentials(found), user: toRecord(found) };
    },

    async findCredentials(userId: string): Promise<Credentials | null> {
      const found = await users.findById(userId).lean<UserDocument>();
      return found && toCredentials(found);
    },

    /** Answers whether it was set; not so if the e-mail was proved since, which ends what was begun before. */
    async setPassword(userId: string, passwordHash: string, emailVerified: boolean): Promise<boolean> {
      const change = { $set: { passwordHash, passwordSetAt: new Date() } };
      const filter = { _id: userId, deletedAt: null, emailVerified };
      return (await users.updateOne(filter, change)).matchedCount === 1;
    },

    /** The same password at another cost, if it is still the one with this hash. */
    async replacePasswordHash(userId: string, { from, to }: { from: string; to: string }): Promise<void> {
      await users.updateOne({ _id: userId, passwordHash: from }, { $set: { passwordHash: to } });
    },

    /**
     * Notes that an unproved e-mail was proved, and drops what somebody else may have set before: password and phone.
     * Answers whether it was unproved.
     */
    async proveByCode(userId: string): Promise<boolean> {
      const change = { $set: { emailVerified: true, phone: null, ...noPassword, updatedAt: new Date() } };
      return (
        (await users.updateOne({ _id: userId, emailVerified: false, deletedAt: null }, change))
          .modifiedCount === 1
      );
    },

    /** Notes that the e-mail was proved, if it is still this one. */
    async verifyEmail(userId: string, email: string): Promise<UserRecord | null> {
      return changed({ _id: userId, email }, { emailVerified: true });
    },

    /**
     * Gives a person another, proved contact. Answers `null` if somebody else has it, there is no such person, or the
     * e-mail was proved since, which ends what was begun before.
     */
    async setContact(
      userId: string,
      { kind, value }: Contact,
      emailVerified: boolean,
    ): Promise<UserRecord | null> {
      const fields = { [kind]: value, ...(kind === 'email' && { emailVerified: true }) };
      return unlessTaken(() => changed({ _id: userId, deletedAt: null, emailVerified }, fields));
    },

    /** Sets or takes away the avatar. Answers the key that was there before. */
    async setAvatar(userId: string, avatarKey: string | null): Promise<{ before: string | null } | null> {
      const found = await users
        .findOneAndUpdate(
          { _id: userId, ...(avatarKey !== null && { deletedAt: null }) },
          { $set: { avatarKey, updatedAt: new Date() } },
          { projection: { avatarKey: 1 } },
        )
        .lean<Pick<UserDocument, 'avatarKey'>>();
      return found && { before: found.avatarKey };
    },

    /** Leaves nothing of a person but an id and a time; their contacts are free at once. Harmless when repeated. */
    async anonymise(userId: string, nickname: string): Promise<void> {
      const now = new Date();
      // the key of the avatar is needed to remove its files
      const blank = { email: null, phone: null, ...noPassword, emailVerified: false, lastSeenAt: null };
      const nobody = { nickname, bio: null, gender: null, birthday: null, region: null };
      const $set = { ...blank, ...nobody, updatedAt: now, deletedAt: now, isErasing: true };
      await users.updateOne({ _id: userId, deletedAt: null }, { $set });
    },

    async finishErasure(userId: string): Promise<void> {
      await users.updateOne({ _id: userId }, { $unset: { isErasing: 1 } });
    },

    /** People whose erasure was begun and not finished. */
    async listErasing(limit: number): Promise<string[]> {
      const found = await users
        .find({ isErasing: true }, { _id: 1 })
        .limit(limit)
        .lean<{ _id: Types.ObjectId }[]>();
      return found.map(({ _id }) => _id.toHexString());
    },

    /** Changes what is named and leaves the rest. Answers `null` if there is no such person. */
    async update(userId: string, { privacy, ...fields }: ProfileChange): Promise<UserRecord | null> {
      const privacyFields = Object.entries(privacy ?? {}).map(([name, value]) => [`privacy.${name}`, value]);
      const $set = { ...fields, ...Object.fromEntries(privacyFields) };
      return changed({ _id: userId, deletedAt: null }, $set);
    },

    /** Notes when people were last here; a time never sinks. */
    async touchLastSeen(times: ReadonlyMap<string, Date>): Promise<void> {
      const touches = [...times].map(([userId, at]) => ({
        updateOne: {
          filter: { _id: new Types.ObjectId(userId), deletedAt: null },
          update: { $max: { lastSeenAt: at } },
        },
      }));
      await users.collection.bulkWrite(touches, { ordered: false });
    },
  };
}

/** What a write answers; `null` if an e-mail or a phone of it is somebody else's. */
async function unlessTaken<T>(write: () => Promise<T>): Promise<T | null> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof mongo.MongoServerError && error.code === duplicateKey) return null;
    throw error;
  }
}

function toCredentials({ passwordHash, passwordSetAt }: UserDocument): Credentials {
  return { passwordHash, passwordSetAt };
}

function toRecord({
  _id,
  passwordHash: _,
  passwordSetAt: __,
  isErasing: ___,
  ...rest
}: UserDocument): UserRecord {
  return { id: _id.toHexString(), ...rest };
}
