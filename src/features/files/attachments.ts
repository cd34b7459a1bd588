import { AppError, invalidField } from '../../core/errors.ts';
import type { Blobs } from './blobs.ts';
import type { AttachmentType, StoredFile } from './files.contract.ts';
import { fits } from './files.rules.ts';
import type { FileRecord, FileStore, Sent } from './files.store.ts';

interface AttachmentsDeps {
  store: FileStore;
  blobs: Pick<Blobs, 'isStaying' | 'release' | 'sweep'>;
  /** How these messages stand; those that were never stored are left out. */
  messageStates(messageIds: readonly string[]): Promise<ReadonlyMap<string, 'kept' | 'recalled'>>;
}

interface Claim extends Sent {
  fileId: string;
  ownerId: string;
  contentType: AttachmentType;
}

interface Copy extends Sent {
  file: StoredFile;
  ownerId: string;
}

const hourMs = 3_600_000;
/** An upload that is not sent goes after a day. */
export const unsentLifetimeMs = 24 * hourMs;
/** No send takes so long: by then its message is stored, or never will be. */
const sendTakesAtMostMs = hourMs;
const mostPerSweep = 500;

const wrongKind = {
  en: 'The file is of another kind than contentType says',
  zh: '文件类型与 contentType 不符',
};

/** Files as messages attach them: each attachment is a file of its own, over bytes that may be shared. */
export function createAttachments({ store, blobs, messageStates }: AttachmentsDeps) {
  const checkAtAfterSend = () => new Date(Date.now() + sendTakesAtMostMs);

  /** Another file over the same bytes. */
  async function duplicate(original: FileRecord, ownerId: string, sent: Sent): Promise<FileRecord> {
    const record = { ...original, id: store.newId(), ownerId, createdAt: new Date(), sent };
    await store.insert(record, checkAtAfterSend());
    // held first and looked at then: who removes bytes does the opposite
    if (await blobs.isStaying(record.blobId)) return record;
    await store.remove([record]);
    throw new AppError('not_found');
  }

  async function end(records: readonly FileRecord[]): Promise<void> {
    if (records.length === 0) return;
    await blobs.release(
      records.map(({ blobId }) => blobId),
      () => store.remove(records),
    );
  }

  return {
    /**
     * Gives an upload to a message that is about to be written, or makes another file of it for that message if it was
     * given away before. Repeating is harmless. Throws `not_found` for another's, unknown and recalled files, and
     * `validation_failed` for one of another kind.
     */
    async claim({ fileId, ownerId, contentType, messageId, conversationId }: Claim): Promise<StoredFile> {
      const sent = { messageId, conversationId };
      const record = await store.findById(fileId);
      if (record?.ownerId !== ownerId) throw new AppError('not_found');
      if (!fits(contentType, record.mimeType)) throw invalidField('content.fileId', wrongKind);
      if (record.sent === null && (await store.bind(fileId, sent, checkAtAfterSend())))
        return toStored(record);
      // given away before, or at this very moment; or it has gone
      const current = record.sent === null ? await store.findById(fileId) : record;
      if (!current?.sent) throw new AppError('not_found');
      if (current.sent.messageId === messageId) return toStored(current);
      const states = await messageStates([current.sent.messageId]);
      if (states.get(current.sent.messageId) === 'recalled') throw new AppError('not_found');
      return toStored(await duplicate(current, ownerId, sent));
    },

    /** Another file over the bytes of one that the caller may see, for a message of theirs. Throws `not_found`. */
    async copy({ file, ownerId, messageId, conversationId }: Copy): Promise<StoredFile> {
      const original = await store.findById(file.fileId);
      if (!original) throw new AppError('not_found');
      return toStored(await duplicate(original, ownerId, { messageId, conversationId }));
    },

    /** Ends the files of these messages, and bytes that nothing else holds. Harmless when repeated. */
    async release(messageIds: readonly string[]): Promise<void> {
      if (messageIds.length > 0) await end(await store.findOfMessages(messageIds));
    },

    /** Ends uploads that were never sent, files of messages that were never stored, and bytes that no file holds. */
    async sweep(): Promise<void> {
      const due = await store.findDue(new Date(), mostPerSweep);
      const states = await messageStates(due.flatMap(({ sent }) => sent?.messageId ?? []));
      const isKept = ({ sent }: FileRecord) => sent !== null && states.get(sent.messageId) === 'kept';
      await store.confirm(due.filter(isKept).map(({ id }) => id));
      await end(due.filter((record) => !isKept(record)));
      await blobs.sweep();
    },
  };
}

/** A file as its message keeps it. */
export function toStored({ id, name, size, mimeType, width, height, thumbnailSize }: FileRecord): StoredFile {
  return {
    fileId: id,
    name,
    size,
    mimeType,
    ...(width !== undefined && height !== undefined && { width, height }),
    hasThumbnail: thumbnailSize !== null,
  };
}
