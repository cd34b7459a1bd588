import mongoose, { type Connection, Types } from 'mongoose';
import sharp from 'sharp';
import { createAttachments } from '../../src/features/files/attachments.ts';
import { createBlobStore } from '../../src/features/files/blobs.store.ts';
import { createBlobs } from '../../src/features/files/blobs.ts';
import { createFileStore, type FileStore, type Sent } from '../../src/features/files/files.store.ts';
import { createUsageStore } from '../../src/features/files/usage.store.ts';
import { createFileStorage } from '../../src/platform/file-storage/file-storage.ts';
import type { TestUser } from './builders.ts';
import type { TestApp } from './start-app.ts';

let messages = 0;

/** A multipart body with one file. */
export function fileForm(bytes: Buffer | string, name = 'a.txt', mimeType = ''): FormData {
  const data = new FormData();
  const content = typeof bytes === 'string' ? bytes : new Uint8Array(bytes);
  data.append('file', new Blob([content], { type: mimeType }), name);
  return data;
}

/** Uploads a file as this person. */
export function upload(user: TestUser, ...file: Parameters<typeof fileForm>) {
  return user.rest('POST', '/api/files', fileForm(...file));
}

export const plain = (width: number, height: number, background: string | object) =>
  sharp({ create: { width, height, channels: 3, background } });

export type Vault = Awaited<ReturnType<typeof openVault>>;

/**
 * A look at what a server keeps, and the interface that messages use, on that server's database. `disturb` may let
 * something else happen between two steps.
 */
export async function openVault(
  { mongodbUri, config }: TestApp,
  disturb = (store: FileStore): FileStore => store,
) {
  const database = await mongoose.createConnection(mongodbUri).asPromise();
  const store = disturb(createFileStore(database));
  const blobStore = createBlobStore(database);
  const failures: unknown[] = [];
  const blobs = createBlobs({
    store: blobStore,
    usage: createUsageStore(database),
    storage: createFileStorage({ s3: config.s3, connection: database }),
    isHeld: store.holds,
    quotaBytes: config.uploads.quotaBytes,
    onFailure: (error) => failures.push(error),
  });
  const attachments = createAttachments({
    store,
    blobs,
    async messageStates(ids) {
      const _id = { $in: ids.map((id) => new Types.ObjectId(id)) };
      const sent = await database.collection('messages').find({ _id }).toArray();
      return new Map(sent.map((message) => [String(message._id), message.recalledAt ? 'recalled' : 'kept']));
    },
  });
  return { database, store, attachments, failures, ...inspector(database), close: () => database.close() };
}

function inspector(database: Connection) {
  const countOf = (name: string) => database.collection(name).countDocuments({});
  return {
    /** How much of everything there is: what an upload that failed must leave as it was. */
    async census() {
      const names = ['attachments', 'blobs', 'files.files', 'files.chunks'];
      const counts = await Promise.all(names.map(countOf));
      return Object.fromEntries(names.map((name, at) => [name, counts[at]]));
    },
    /** What the storage keeps, by name. */
    async storedNames(): Promise<string[]> {
      const files = await database.collection<{ filename: string }>('files.files').find().toArray();
      return files.map(({ filename }) => filename);
    },
    /** What somebody's uploads count. */
    async usageOf(userId: string): Promise<number> {
      const found = await database.collection<{ _id: string; bytes: number }>('storage_usage').findOne({
        _id: userId,
      });
      return found?.bytes ?? 0;
    },
    /** Stores a message with this id, between the two of the conversation's first one. */
    async storeMessage({ messageId, conversationId }: Sent, more: object = {}): Promise<void> {
      const ids = { _id: new Types.ObjectId(messageId), conversationId: new Types.ObjectId(conversationId) };
      const first = await database.collection('messages').findOne({ conversationId: ids.conversationId });
      const seq = ++messages + 1000;
      await database
        .collection('messages')
        .insertOne({ ...first, ...ids, clientMessageId: ids._id, seq, ...more });
    },
    async recallMessage(messageId: string): Promise<void> {
      const filter = { _id: new Types.ObjectId(messageId) };
      await database.collection('messages').updateOne(filter, { $set: { recalledAt: new Date() } });
    },
    /** Makes what is to be looked at later due now. */
    async passTime(): Promise<void> {
      const past = { $set: { checkAt: new Date(0) } };
      for (const name of ['attachments', 'blobs'])
        await database.collection(name).updateMany({ checkAt: { $exists: true } }, past);
    },
  };
}
