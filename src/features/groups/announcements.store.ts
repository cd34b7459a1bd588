import { type Connection, mongo, Schema, type Types } from 'mongoose';
import type { Announcement } from './groups.rules.ts';

interface AnnouncementDocument {
  _id: Types.ObjectId;
  groupId: Types.ObjectId;
  /** The group's with it: the order of its announcements. */
  version: number;
  content: string;
  authorId: Types.ObjectId;
  createdAt: Date;
}

/** That a member has read an announcement; gone when they leave. */
interface ReadDocument {
  _id: Types.ObjectId;
  announcementId: Types.ObjectId;
  groupId: Types.ObjectId;
  userId: Types.ObjectId;
  readAt: Date;
}

interface Reader {
  /** Where they stand among the readers. */
  id: string;
  userId: string;
}

const objectId = Schema.Types.ObjectId;
const announcementSchema = new Schema<AnnouncementDocument>(
  { groupId: objectId, version: Number, content: String, authorId: objectId, createdAt: Date },
  { collection: 'announcements', versionKey: false },
);
announcementSchema.index({ groupId: 1, version: -1 });
announcementSchema.index({ authorId: 1 });

const readSchema = new Schema<ReadDocument>(
  { announcementId: objectId, groupId: objectId, userId: objectId, readAt: Date },
  { collection: 'announcement_reads', versionKey: false },
);
readSchema.index({ announcementId: 1, userId: 1 }, { unique: true });
readSchema.index({ announcementId: 1, _id: -1 });
readSchema.index({ userId: 1, groupId: 1 });

const duplicateKey = 11_000;

export type AnnouncementStore = ReturnType<typeof createAnnouncementStore>;

/** What groups were told, and who has read it. */
export function createAnnouncementStore(connection: Connection) {
  const announcements = connection.model('Announcement', announcementSchema);
  const reads = connection.model('AnnouncementRead', readSchema);

  return {
    /** Repeating is harmless. */
    keep: (groupId: string, version: number, { id, ...announcement }: Announcement): Promise<void> =>
      unlessThere(() => announcements.create({ _id: id, groupId, version, ...announcement })),

    async isOf(groupId: string, announcementId: string): Promise<boolean> {
      return (await announcements.exists({ _id: announcementId, groupId })) !== null;
    },

    /** Those of a group, the latest first, from before a version of it on. */
    async list(
      groupId: string,
      before: number | null,
      limit: number,
    ): Promise<(Announcement & { version: number })[]> {
      const found = await announcements
        .find({ groupId, ...(before !== null && { version: { $lt: before } }) })
        .sort({ version: -1 })
        .limit(limit)
        .lean<AnnouncementDocument[]>();
      return found.map((document) => ({ ...toAnnouncement(document), version: document.version }));
    },

    /** What somebody has written, in all groups; the oldest first. */
    async writtenBy(authorId: string): Promise<(Announcement & { groupId: string })[]> {
      const found = await announcements.find({ authorId }).sort({ _id: 1 }).lean<AnnouncementDocument[]>();
      return found.map((document) => ({
        ...toAnnouncement(document),
        groupId: document.groupId.toHexString(),
      }));
    },

    countWrittenBy: (authorId: string): Promise<number> => announcements.countDocuments({ authorId }).exec(),

    /** Notes that somebody has read one, and when they first did. */
    noteRead: (read: { groupId: string; announcementId: string; userId: string }): Promise<void> =>
      unlessThere(() => reads.create({ ...read, readAt: new Date() })),

    /** When somebody has read these, as far as they have. */
    async readTimesOf(userId: string, announcementIds: readonly string[]): Promise<Map<string, Date>> {
      const found = await reads
        .find({ userId, announcementId: { $in: announcementIds } }, { announcementId: 1, readAt: 1 })
        .lean<ReadDocument[]>();
      return new Map(found.map(({ announcementId, readAt }) => [announcementId.toHexString(), readAt]));
    },

    countReads: (announcementId: string): Promise<number> => reads.countDocuments({ announcementId }).exec(),

    /** Who has read one, the latest first, after a place among them. */
    async listReaders(announcementId: string, after: string | null, limit: number): Promise<Reader[]> {
      const found = await reads
        .find({ announcementId, ...(after !== null && { _id: { $lt: after } }) }, { userId: 1 })
        .sort({ _id: -1 })
        .limit(limit)
        .lean<ReadDocument[]>();
      return found.map(({ _id, userId }) => ({ id: _id.toHexString(), userId: userId.toHexString() }));
    },

    /** Of who is in the group no more. */
    async forgetReads(groupId: string, userId: string): Promise<void> {
      await reads.deleteMany({ userId, groupId });
    },

    async forgetAllReadsOf(userId: string): Promise<number> {
      return (await reads.deleteMany({ userId })).deletedCount;
    },
  };
}

function toAnnouncement({ _id, content, authorId, createdAt }: AnnouncementDocument): Announcement {
  return { id: _id.toHexString(), content, authorId: authorId.toHexString(), createdAt };
}

async function unlessThere(insert: () => Promise<unknown>): Promise<void> {
  try {
    await insert();
  } catch (error) {
    if (!(error instanceof mongo.MongoServerError && error.code === duplicateKey)) throw error;
  }
}
