import { expect } from 'chai';
import mongoose from 'mongoose';
import { AppError } from '../../src/core/errors.ts';
import { file, type StoredFile, toFile } from '../../src/features/files/files.contract.ts';
import type { Sent } from '../../src/features/files/files.store.ts';
import { pairIdOf } from '../../src/features/friends/friends.store.ts';
import { buildFriends, buildUser, type TestUser } from '../support/builders.ts';
import { openVault, plain, upload, type Vault } from '../support/files.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const newId = () => new mongoose.Types.ObjectId().toHexString();
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'it was taken',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );

describe('files: as messages attach them', () => {
  let app: TestApp;
  let vault: Vault;
  let ann: TestUser;
  let bob: TestUser;
  let eve: TestUser;
  let conversationId: string;
  before(async () => {
    app = await startApp();
    vault = await openVault(app);
    [[ann, bob], eve] = await Promise.all([buildFriends(app.url), buildUser(app.url)]);
    conversationId = pairIdOf(ann.id, bob.id);
    await ann.rest('POST', `/api/messages/private/${bob.id}`, { content: 'the conversation begins' });
  });
  beforeEach(async () => {
    await vault.passTime();
    await vault.attachments.sweep();
  });
  after(async () => {
    expect(vault.failures).to.deep.equal([]);
    await vault.close();
    await app.close();
  });

  const newSent = (): Sent => ({ messageId: newId(), conversationId });
  const uploadText = async (content = `text ${newId()}`) =>
    String((await upload(ann, content, 'a.txt')).body.id);
  const statusOf = async (user: TestUser, fileId: string) =>
    (await user.rest('GET', `/api/files/${fileId}`)).status;
  const claim = (fileId: string, sent: Sent, contentType: 'file' | 'image' | 'audio' | 'video' = 'file') =>
    vault.attachments.claim({ fileId, ownerId: ann.id, contentType, ...sent });
  /** Uploads a file and sends it. */
  async function sendFile(fileId?: string): Promise<{ file: StoredFile; sent: Sent }> {
    const sent = newSent();
    const file = await claim(fileId ?? (await uploadText()), sent);
    await vault.storeMessage(sent);
    return { file, sent };
  }
  async function recall({ messageId }: Sent): Promise<void> {
    await vault.recallMessage(messageId);
    await vault.attachments.release([messageId]);
  }

  it('is the uploader’s until it is sent, then everybody’s who may see the message, and nobody’s after a recall', async () => {
    const fileId = await uploadText();
    expect([await statusOf(ann, fileId), await statusOf(bob, fileId)]).to.deep.equal([200, 404]);
    const { file, sent } = await sendFile(fileId);
    expect(file.fileId).to.equal(fileId);
    expect([await statusOf(ann, fileId), await statusOf(bob, fileId)]).to.deep.equal([200, 200]);
    expect(await statusOf(eve, fileId)).to.equal(404);
    await vault.recallMessage(sent.messageId);
    expect([await statusOf(ann, fileId), await statusOf(bob, fileId)]).to.deep.equal([404, 404]);
  });

  it('is what the message keeps: what it is and how large, as plain JSON that shows as the upload did', async () => {
    const picture = await plain(400, 300, 'red').jpeg().toBuffer();
    const { body } = await upload(ann, picture, 'a.jpg');
    const stored = await claim(String(body.id), newSent(), 'image');
    const { name, size, mimeType, width, height } = body;
    expect(stored).to.deep.equal({
      fileId: body.id,
      name,
      size,
      mimeType,
      width,
      height,
      hasThumbnail: true,
    });
    expect(file.parse(toFile(JSON.parse(JSON.stringify(stored)), app.config.publicUrl))).to.deep.equal(body);
  });

  it('is hidden from a member who sees later messages only', async () => {
    const { file, sent } = await sendFile();
    const memberships = vault.database.collection('memberships');
    const bobs = { userId: new mongoose.Types.ObjectId(bob.id) };
    await memberships.updateOne(bobs, { $set: { clearedSeq: 1_000_000 } });
    expect(await statusOf(bob, file.fileId)).to.equal(404);
    await memberships.updateOne(bobs, { $set: { clearedSeq: 0 } });
    expect(await statusOf(bob, file.fileId)).to.equal(200);
    await recall(sent);
  });

  it('stays the uploader’s when its send was refused, and may be sent then', async () => {
    const fileId = await uploadText();
    await claim(fileId, newSent());
    expect([await statusOf(ann, fileId), await statusOf(bob, fileId)]).to.deep.equal([200, 404]);
    const { file } = await sendFile(fileId);
    expect([await statusOf(ann, file.fileId), await statusOf(bob, file.fileId)]).to.deep.equal([200, 200]);
  });

  it('claimed again for the same message is the same file', async () => {
    const fileId = await uploadText();
    const sent = newSent();
    const [first, second] = await Promise.all([claim(fileId, sent), claim(fileId, sent)]);
    expect(first).to.deep.equal(second);
    expect(first.fileId).to.equal(fileId);
  });

  it('is a file of its own in every message; the bytes are kept once and go with the last of them', async () => {
    const before = await vault.census();
    const fileId = await uploadText('a text of 21 letters.');
    const all = await Promise.all(Array.from({ length: 5 }, () => sendFile(fileId)));
    expect(new Set(all.map(({ file }) => file.fileId)).size).to.equal(5);
    const usage = await vault.usageOf(ann.id);
    expect((await vault.census()).blobs).to.equal((before.blobs ?? 0) + 1);
    for (const [at, { file, sent }] of all.entries()) {
      expect(await statusOf(bob, file.fileId), `attachment ${at}`).to.equal(200);
      await recall(sent);
      expect(await statusOf(bob, file.fileId)).to.equal(404);
    }
    expect(await vault.census()).to.deep.equal(before);
    expect(await vault.usageOf(ann.id)).to.equal(usage - 21);
  });

  it('forwarded by who may see it survives the recall of the original', async () => {
    const { file, sent } = await sendFile();
    const forwarded = newSent();
    const copy = await vault.attachments.copy({ file, ownerId: bob.id, ...forwarded });
    await vault.storeMessage(forwarded);
    await recall(sent);
    expect(copy)
      .to.deep.equal({ ...file, fileId: copy.fileId })
      .and.not.deep.equal(file);
    expect([await statusOf(bob, copy.fileId), await statusOf(bob, file.fileId)]).to.deep.equal([200, 404]);
    expect(await codeOf(vault.attachments.copy({ file, ownerId: bob.id, ...newSent() }))).to.equal(
      'not_found',
    );
    await recall(forwarded);
  });

  it('released while it is forwarded is kept or not found, never a file without bytes', async () => {
    for (let round = 0; round < 15; round++) {
      const { file, sent } = await sendFile();
      const forwarded = newSent();
      const copying = vault.attachments.copy({ file, ownerId: bob.id, ...forwarded });
      const [, outcome] = await Promise.allSettled([recall(sent), copying]);
      if (outcome.status === 'rejected') {
        expect(outcome.reason).to.be.instanceOf(AppError).and.include({ code: 'not_found' });
        continue;
      }
      await vault.storeMessage(forwarded);
      expect(await statusOf(bob, outcome.value.fileId)).to.equal(200);
    }
  });

  it('whose bytes go just before it is made of them is not found, and leaves nothing', async () => {
    const before = await vault.census();
    const { file, sent } = await sendFile();
    const slow = await openVault(app, (store) => ({
      ...store,
      async insert(...record) {
        await recall(sent);
        await store.insert(...record);
      },
    }));
    expect(await codeOf(slow.attachments.copy({ file, ownerId: bob.id, ...newSent() }))).to.equal(
      'not_found',
    );
    expect(await vault.census()).to.deep.equal(before);
    await slow.close();
  });

  it('made of bytes that are just about to go keeps them', async () => {
    const { file, sent } = await sendFile();
    const original = await vault.store.findById(file.fileId);
    if (!original) throw new Error('not stored');
    const copied = { ...original, id: vault.store.newId(), sent: newSent() };
    let looks = 0;
    const slow = await openVault(app, (store) => ({
      ...store,
      async holds(blobId) {
        const isHeld = await store.holds(blobId);
        if (++looks === 1) await store.insert(copied, new Date(Date.now() + 60_000));
        return isHeld;
      },
    }));
    await slow.attachments.release([sent.messageId]);
    expect(looks).to.equal(2);
    await vault.storeMessage(copied.sent);
    expect(await statusOf(bob, copied.id)).to.equal(200);
    await vault.passTime();
    await vault.attachments.sweep();
    expect(await statusOf(bob, copied.id), 'for good').to.equal(200);
    await slow.close();
  });

  it('of another, unknown, released or recalled is not found', async () => {
    const fileId = await uploadText();
    const { file, sent } = await sendFile();
    const { file: other, sent: recalled } = await sendFile();
    await recall(sent);
    await vault.recallMessage(recalled.messageId);
    const claims = [
      vault.attachments.claim({ fileId, ownerId: bob.id, contentType: 'file', ...newSent() }),
      claim(newId(), newSent()),
      claim(file.fileId, newSent()),
      claim(other.fileId, newSent()),
    ];
    expect(await Promise.all(claims.map(codeOf))).to.deep.equal(Array(4).fill('not_found'));
  });

  it('has to be of the kind that the message says', async () => {
    const [text, picture, film] = await Promise.all([
      uploadText(),
      upload(ann, await plain(9, 9, 'red').png().toBuffer(), 'a.png').then(({ body }) => String(body.id)),
      upload(ann, Buffer.from('\0\0\0\x18ftypisom\0\0\0\0isomiso2', 'latin1')).then(({ body }) =>
        String(body.id),
      ),
    ]);
    const taken = 'it was taken';
    const no = 'validation_failed';
    for (const [fileId, expected] of [
      [text, { image: no, audio: no, video: no, file: taken }],
      [picture, { image: taken, audio: no, video: no, file: taken }],
      // what is recorded without a picture looks the same
      [film, { image: no, audio: taken, video: taken, file: taken }],
    ] as const)
      for (const [contentType, code] of Object.entries(expected))
        expect(await codeOf(claim(fileId, newSent(), contentType as 'file')), contentType).to.equal(code);
  });

  it('released again, or never sent, is nothing to be released', async () => {
    const { sent } = await sendFile();
    const before = await vault.usageOf(ann.id);
    await Promise.all([recall(sent), recall(sent), recall(sent)]);
    const after = await vault.usageOf(ann.id);
    expect(after).to.be.lessThan(before);
    await vault.attachments.release([sent.messageId, newId()]);
    await vault.attachments.release([]);
    expect(await vault.usageOf(ann.id)).to.equal(after);
  });

  it('goes by itself when it is not sent for a day, and stays when it is', async () => {
    const before = await vault.census();
    const unsent = await uploadText();
    const refused = await uploadText();
    await claim(refused, newSent());
    const { file, sent } = await sendFile();
    await vault.attachments.sweep();
    expect(await statusOf(ann, unsent), 'before its time').to.equal(200);
    await vault.passTime();
    await vault.attachments.sweep();
    expect([await statusOf(ann, unsent), await statusOf(ann, refused)]).to.deep.equal([404, 404]);
    expect(await statusOf(bob, file.fileId)).to.equal(200);
    await vault.passTime();
    await vault.attachments.sweep();
    expect(await statusOf(bob, file.fileId), 'for good').to.equal(200);
    await recall(sent);
    expect(await vault.census()).to.deep.equal(before);
  });

  it('of a message whose recall was broken off goes by itself', async () => {
    const before = await vault.census();
    const { sent } = await sendFile();
    await vault.recallMessage(sent.messageId);
    await vault.passTime();
    await vault.attachments.sweep();
    expect(await vault.census()).to.deep.equal(before);
  });

  it('whose removal was broken off, wherever it was, is finished by itself', async () => {
    const before = await vault.census();
    const fileId = await uploadText();
    const record = await vault.store.findById(fileId);
    const blobId = new mongoose.Types.ObjectId(record?.blobId);
    const blobs = vault.database.collection('blobs');
    // doubted, its file gone, and the process with it; another one was arriving
    await blobs.updateOne({ _id: blobId }, { $set: { checkAt: new Date(), isGoing: true } });
    await vault.database.collection('attachments').deleteOne({ blobId });
    const ownerId = new mongoose.Types.ObjectId(ann.id);
    await blobs.insertOne({ ownerId, size: 0, checkAt: new Date(0) });
    await vault.attachments.sweep();
    expect(await vault.census()).to.deep.equal(before);
  });

  it('a sum of bytes that a crash left wrong is put right once it is left alone', async () => {
    const usage = vault.database.collection<{ _id: string }>('storage_usage');
    const before = await vault.usageOf(ann.id);
    await usage.updateOne({ _id: ann.id }, { $set: { bytes: 999_999, changedAt: new Date() } });
    await vault.attachments.sweep();
    expect(await vault.usageOf(ann.id), 'something may be under way').to.equal(999_999);
    await usage.updateOne({ _id: ann.id }, { $set: { changedAt: new Date(0) } });
    await vault.attachments.sweep();
    expect(await vault.usageOf(ann.id)).to.equal(before);
  });

  it('goes with the account if it was not sent, and stays with who received it if it was', async () => {
    const [carl, dora] = await buildFriends(app.url);
    await carl.rest('POST', `/api/messages/private/${dora.id}`, { content: 'hello' });
    const [sentId, unsentId] = await Promise.all(
      ['sent', 'unsent'].map(async (text) => String((await upload(carl, text)).body.id)),
    );
    const sent = { messageId: newId(), conversationId: pairIdOf(carl.id, dora.id) };
    const claimed = { fileId: String(sentId), ownerId: carl.id, contentType: 'file', ...sent } as const;
    await vault.attachments.claim(claimed);
    await vault.storeMessage(sent);
    const proof = { currentPassword: carl.password };
    const { body } = await carl.rest('DELETE', '/api/users/me', { proof });
    expect(body.deleted).to.include({ attachments: 1 });
    expect(body.kept).to.include({ attachments: 1 });
    expect(await statusOf(dora, String(sentId))).to.equal(200);
    expect(await vault.store.findById(String(unsentId))).to.equal(null);
    await vault.attachments.release([sent.messageId]);
    expect(await vault.usageOf(carl.id)).to.equal(0);
  });
});
