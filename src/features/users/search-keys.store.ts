import { type Connection, mongo, Schema, Types } from 'mongoose';

/** One key under which a person is found. */
interface SearchKeyDocument {
  _id: Types.ObjectId;
  key: string;
  userId: Types.ObjectId;
}

const searchKeySchema = new Schema<SearchKeyDocument>(
  { key: String, userId: Schema.Types.ObjectId },
  { collection: 'search_keys', versionKey: false },
);
searchKeySchema.index({ key: 1, userId: 1 }, { unique: true });
searchKeySchema.index({ userId: 1 });

const duplicateKey = 11_000;
const lastCodePoint = 0x10_ff_ff;

/** A key of a person, and so a position among all of them, which are ordered by `key`, then `userId`. */
export interface KeyPosition {
  key: string;
  userId: string;
}

interface KeyRange {
  /** As `searchPrefixOf` writes it. */
  prefix: string;
  limit: number;
  after: KeyPosition | null;
}

export type SearchKeyStore = ReturnType<typeof createSearchKeyStore>;

export function createSearchKeyStore(connection: Connection) {
  const searchKeys = connection.model('SearchKey', searchKeySchema);

  async function find(filter: object, limit: number): Promise<KeyPosition[]> {
    const found = await searchKeys
      .find(filter, { _id: 0, key: 1, userId: 1 })
      .sort({ key: 1, userId: 1 })
      .limit(limit)
      .lean<SearchKeyDocument[]>();
    return found.map(({ key, userId }) => ({ key, userId: userId.toHexString() }));
  }

  return {
    /** Lets a person be found under these keys too; those they have are left alone. */
    async add(userId: string, keys: readonly string[]): Promise<void> {
      if (keys.length === 0) return;
      const upserts = keys.map((key) => {
        const row = { key, userId: new Types.ObjectId(userId) };
        return { updateOne: { filter: row, update: { $setOnInsert: row }, upsert: true } };
      });
      try {
        await searchKeys.collection.bulkWrite(upserts, { ordered: false });
      } catch (error) {
        if (!isOnlyDuplicates(error)) throw error;
      }
    },

    /** Removes a person's other keys. */
    async retain(userId: string, keys: readonly string[]): Promise<void> {
      await searchKeys.deleteMany({ userId, key: { $nin: [...keys] } });
    },

    /** Removes all of a person's keys and tells how many they were. */
    async removeAll(userId: string): Promise<number> {
      return (await searchKeys.deleteMany({ userId })).deletedCount;
    },

    /** The keys that begin with a prefix, in order; after a position, if it is one of this prefix. */
    async findByPrefix({ prefix, limit, after }: KeyRange): Promise<KeyPosition[]> {
      const end = endOfPrefix(prefix);
      const below = end === null ? {} : { $lt: end };
      if (!after?.key.startsWith(prefix)) return find({ key: { $gte: prefix, ...below } }, limit);
      // two bounded walks of the index, where one `$or` would walk through everybody of the same key on every page
      const same = await find({ key: after.key, userId: { $gt: after.userId } }, limit);
      if (same.length >= limit) return same;
      return [...same, ...(await find({ key: { $gt: after.key, ...below } }, limit - same.length))];
    },
  };
}

/**
 * The least text above everything that begins with `prefix`, in the order of code points, which is the order of UTF-8
 * bytes that MongoDB sorts by; `null` if nothing is above.
 */
function endOfPrefix(prefix: string): string | null {
  const codePoints = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (codePoints.at(-1) === lastCodePoint) codePoints.pop();
  const last = codePoints.pop();
  if (last === undefined) return null;
  // surrogates are no characters
  const next = last === 0xd7_ff ? 0xe0_00 : last + 1;
  return String.fromCodePoint(...codePoints, next);
}

/** Two upserts of one key at once: the other one has written it. */
function isOnlyDuplicates(error: unknown): boolean {
  if (!(error instanceof mongo.MongoBulkWriteError)) return false;
  const failures = [error.writeErrors].flat();
  return failures.length > 0 && failures.every(({ code }) => code === duplicateKey);
}
