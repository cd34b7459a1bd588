import { expect } from 'chai';
import mongoose from 'mongoose';
import { AppError } from '../../src/core/errors.ts';
import type { StoredFile } from '../../src/features/files/files.contract.ts';
import type { Sent } from '../../src/features/files/files.store.ts';
import { pairIdOf } from '../../src/features/friends/friends.store.ts';
import { buildFriends, buildUser, type TestUser } from './builders.ts';
import { openVault, upload, type Vault } from './files.ts';
import { startApp, type TestApp } from './start-app.ts';

export const newId = () => new mongoose.Types.ObjectId().toHexString();

/** The code of the error that some work ends with. */
export const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'it was taken',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );

export const statusOf = async (user: TestUser, fileId: string) =>
  (await user.rest('GET', `/api/files/${fileId}`)).status;

/** For a suite a server with two friends who have a conversation and Eve, who has none, and a look at what it keeps. */
export function describeAttachments() {
  const scene = {
    newSent: (): Sent => ({ messageId: newId(), conversationId: pairIdOf(scene.ann.id, scene.bob.id) }),

    uploadText: async (content = `text ${newId()}`) =>
      String((await upload(scene.ann, content, 'a.txt')).body.id),

    claim: (fileId: string, sent: Sent, contentType: 'file' | 'image' | 'audio' | 'video' = 'file') =>
      scene.vault.attachments.claim({ fileId, ownerId: scene.ann.id, contentType, ...sent }),

    /** Uploads a file and sends it. */
    async sendFile(fileId?: string): Promise<{ file: StoredFile; sent: Sent }> {
      const sent = scene.newSent();
      const file = await scene.claim(fileId ?? (await scene.uploadText()), sent);
      await scene.vault.storeMessage(sent);
      return { file, sent };
    },

    async recall({ messageId }: Sent): Promise<void> {
      await scene.vault.recallMessage(messageId);
      await scene.vault.attachments.release([messageId]);
    },
  } as Scene;

  before(async () => {
    scene.app = await startApp();
    scene.vault = await openVault(scene.app);
    [[scene.ann, scene.bob], scene.eve] = await Promise.all([
      buildFriends(scene.app.url),
      buildUser(scene.app.url),
    ]);
    const { ann, bob } = scene;
    await ann.rest('POST', `/api/messages/private/${bob.id}`, { content: 'the conversation begins' });
  });
  beforeEach(async () => {
    await scene.vault.passTime();
    await scene.vault.attachments.sweep();
  });
  after(async () => {
    expect(scene.vault.failures).to.deep.equal([]);
    await scene.vault.close();
    await scene.app.close();
  });
  return scene;
}

interface Scene {
  app: TestApp;
  vault: Vault;
  ann: TestUser;
  bob: TestUser;
  eve: TestUser;
  newSent(): Sent;
  uploadText(content?: string): Promise<string>;
  claim(fileId: string, sent: Sent, contentType?: 'file' | 'image' | 'audio' | 'video'): Promise<StoredFile>;
  sendFile(fileId?: string): Promise<{ file: StoredFile; sent: Sent }>;
  recall(sent: Sent): Promise<void>;
}
