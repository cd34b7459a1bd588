import { expect } from 'chai';
import mongoose from 'mongoose';
import { AppError } from '../../src/core/errors.ts';
import { pairIdOf } from '../../src/features/friends/friends.store.ts';
import { codeOf, describeAttachments, newId, statusOf } from '../support/attachments.ts';
import { buildFriends } from '../support/builders.ts';
import { openVault, upload } from '../support/files.ts';

describe('files: how attachments end', () => {
  const scene = describeAttachments();

  it('is a file of its own in every message; the bytes are kept once and go with the last of them', async () => {
    const { vault, ann, bob, uploadText, sendFile, recall } = scene;
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

  it('released while it is forwarded is kept or not found, never a file without bytes', async () => {
    const { vault, bob, sendFile, recall } = scene;
    for (let round = 0; round < 15; round++) {
      const { file, sent } = await sendFile();
      const forwarded = scene.newSent();
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
    const { app, vault, bob, sendFile, recall } = scene;
    const before = await vault.census();
    const { file, sent } = await sendFile();
    const slow = await openVault(app, (store) => ({
      ...store,
      async insert(...record) {
        await recall(sent);
        await store.insert(...record);
      },
    }));
    expect(await codeOf(slow.attachments.copy({ file, ownerId: bob.id, ...scene.newSent() }))).to.equal(
      'not_found',
    );
    expect(await vault.census()).to.deep.equal(before);
    await slow.close();
  });

  it('made of bytes that are just about to go keeps them', async () => {
    const { app, vault, bob, sendFile } = scene;
    const { file, sent } = await sendFile();
    const original = await vault.store.findById(file.fileId);
    if (!original) throw new Error('not stored');
    const copied = { ...original, id: vault.store.newId(), sent: scene.newSent() };
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

  it('released again, or never sent, is nothing to be released', async () => {
    const { vault, ann, sendFile, recall } = scene;
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
    const { vault, ann, bob, uploadText, claim, sendFile, recall } = scene;
    const before = await vault.census();
    const unsent = await uploadText();
    const refused = await uploadText();
    await claim(refused, scene.newSent());
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
    const { vault, sendFile } = scene;
    const before = await vault.census();
    const { sent } = await sendFile();
    await vault.recallMessage(sent.messageId);
    await vault.passTime();
    await vault.attachments.sweep();
    expect(await vault.census()).to.deep.equal(before);
  });

  it('whose removal was broken off, wherever it was, is finished by itself', async () => {
    const { vault, ann, uploadText } = scene;
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
    const { vault, ann } = scene;
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
    const { app, vault } = scene;
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
