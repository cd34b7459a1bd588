import { type Connection, Schema, Types } from 'mongoose';

/** The message that a file belongs to. */
export interface Sent {
  messageId: string;
  conversationId: string;
}

/** A file: a name and a place for bytes that several files may share. */
export interface FileRecord {
  id: string;
  ownerId: string;
  blobId: string;
  name: string;
  size: number;
  mimeType: string;
  width?: number;
  height?: number;
  /** `null`: it has no thumbnail. */
  thumbnailSize: number | null;
  createdAt: Date;
  /** `null` as long as no send has consumed it. */
  sent: Sent | null;
}

type FileDocument = Omit<FileRecord, 'id' | 'ownerId' | 'blobId' | 'sent'> & {
  _id: Types.ObjectId;
  ownerId: Types.ObjectId;
  blobId: Types.ObjectId;
  messageId: Types.ObjectId | null;
  conversationId: Types.ObjectId | null;
  /** From then on it is to be looked at whether the file is of use; absent once that is sure. */
  checkAt?: Date;
};

const objectId = Schema.Types.ObjectId;
const fileSchema = new Schema<FileDocument>(
  {
    ownerId: objectId,
    blobId: objectId,
    name: String,
    size: Number,
    mimeType: String,
    width: Number,
    height: Number,
    thumbnailSize: Number,
    createdAt: Date,
    messageId: objectId,
    conversationId: objectId,
    checkAt: Date,
  },
  { collection: 'attachments', versionKey: false },
);
fileSchema.index({ messageId: 1 });
fileSchema.index({ blobId: 1 });
fileSchema.index({ ownerId: 1, messageId: 1 });
fileSchema.index({ checkAt: 1 }, { sparse: true });

export type FileStore = ReturnType<typeof createFileStore>;

export function createFileStore(connection: Connection) {
  const files = connection.model('Attachment', fileSchema);

  async function find(filter: Record<string, unknown>, limit = 0): Promise<FileRecord[]> {
    return (await files.find(filter).limit(limit).lean<FileDocument[]>()).map(toRecord);
  }

  return {
    newId: () => new Types.ObjectId().toHexString(),

    async insert(record: FileRecord, checkAt: Date): Promise<void> {
      await files.collection.insertOne(toDocument(record, checkAt));
    },

    async findById(id: string): Promise<FileRecord | null> {
      return (await find({ _id: id }))[0] ?? null;
    },

    /** Gives a file that was not sent yet to a message, and is not looked at before a time. Answers whether it was. */
    async bind(id: string, sent: Sent, checkAt: Date): Promise<boolean> {
      const change = { $set: sent, $max: { checkAt } };
      const result = await files.updateOne({ _id: id, messageId: null }, change);
      return result.modifiedCount === 1;
    },

    findOfMessages: (messageIds: readonly string[]) => find({ messageId: { $in: messageIds } }),

    findUnsentOf: (ownerId: string) => find({ ownerId, messageId: null }),

    countSentOf: (ownerId: string): Promise<number> =>
      files.countDocuments({ ownerId, messageId: { $ne: null } }).exec(),

    findDue: (now: Date, limit: number) => find({ checkAt: { $lte: now } }, limit),

    /** These are of use. */
    async confirm(ids: readonly string[]): Promise<void> {
      await files.updateMany({ _id: { $in: ids } }, { $unset: { checkAt: 1 } });
    },

    /** Removes files as long as they belong to these messages, or to none. */
    async remove(records: readonly FileRecord[]): Promise<void> {
      const messageId = { $in: records.map(({ sent }) => sent?.messageId ?? null) };
      await files.deleteMany({ _id: { $in: records.map(({ id }) => id) }, messageId });
    },

    /** Whether any file is made of these bytes. */
    async holds(blobId: string): Promise<boolean> {
      return (await files.exists({ blobId })) !== null;
    },
  };
}

function toDocument({ id, ownerId, blobId, sent, ...rest }: FileRecord, checkAt: Date): FileDocument {
  return {
    _id: new Types.ObjectId(id),
    ownerId: new Types.ObjectId(ownerId),
    blobId: new Types.ObjectId(blobId),
    messageId: sent && new Types.ObjectId(sent.messageId),
    conversationId: sent && new Types.ObjectId(sent.conversationId),
    checkAt,
    ...rest,
  };
}

function toRecord(document: FileDocument): FileRecord {
  const { _id, ownerId, blobId, messageId, conversationId, checkAt: _, ...rest } = document;
  const sent = messageId &&
    conversationId && { messageId: messageId.toHexString(), conversationId: conversationId.toHexString() };
  return {
    id: _id.toHexString(),
    ownerId: ownerId.toHexString(),
    blobId: blobId.toHexString(),
    ...rest,
    sent: sent ?? null,
  };
}
