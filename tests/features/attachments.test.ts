import { expect } from 'chai';
import mongoose from 'mongoose';
import { file, toFile } from '../../src/features/files/files.contract.ts';
import { codeOf, describeAttachments, newId, statusOf } from '../support/attachments.ts';
import { plain, upload } from '../support/files.ts';

describe('files: as messages attach them', () => {
  const scene = describeAttachments();

  it('is the uploader’s until it is sent, then everybody’s who may see the message, and nobody’s after a recall', async () => {
    const { vault, ann, bob, eve, uploadText, sendFile } = scene;
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
    const { app, ann, claim } = scene;
    const picture = await plain(400, 300, 'red').jpeg().toBuffer();
    const { body } = await upload(ann, picture, 'a.jpg');
    const stored = await claim(String(body.id), scene.newSent(), 'image');
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
    const { vault, bob, sendFile, recall } = scene;
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
    const { ann, bob, uploadText, claim, sendFile } = scene;
    const fileId = await uploadText();
    await claim(fileId, scene.newSent());
    expect([await statusOf(ann, fileId), await statusOf(bob, fileId)]).to.deep.equal([200, 404]);
    const { file } = await sendFile(fileId);
    expect([await statusOf(ann, file.fileId), await statusOf(bob, file.fileId)]).to.deep.equal([200, 200]);
  });

  it('claimed again for the same message is the same file', async () => {
    const { uploadText, claim } = scene;
    const fileId = await uploadText();
    const sent = scene.newSent();
    const [first, second] = await Promise.all([claim(fileId, sent), claim(fileId, sent)]);
    expect(first).to.deep.equal(second);
    expect(first.fileId).to.equal(fileId);
  });

  it('forwarded by who may see it survives the recall of the original', async () => {
    const { vault, bob, sendFile, recall } = scene;
    const { file, sent } = await sendFile();
    const forwarded = scene.newSent();
    const copy = await vault.attachments.copy({ file, ownerId: bob.id, ...forwarded });
    await vault.storeMessage(forwarded);
    await recall(sent);
    expect(copy)
      .to.deep.equal({ ...file, fileId: copy.fileId })
      .and.not.deep.equal(file);
    expect([await statusOf(bob, copy.fileId), await statusOf(bob, file.fileId)]).to.deep.equal([200, 404]);
    expect(await codeOf(vault.attachments.copy({ file, ownerId: bob.id, ...scene.newSent() }))).to.equal(
      'not_found',
    );
    await recall(forwarded);
  });

  it('of another, unknown, released or recalled is not found', async () => {
    const { vault, bob, uploadText, claim, sendFile, recall } = scene;
    const fileId = await uploadText();
    const { file, sent } = await sendFile();
    const { file: other, sent: recalled } = await sendFile();
    await recall(sent);
    await vault.recallMessage(recalled.messageId);
    const claims = [
      vault.attachments.claim({ fileId, ownerId: bob.id, contentType: 'file', ...scene.newSent() }),
      claim(newId(), scene.newSent()),
      claim(file.fileId, scene.newSent()),
      claim(other.fileId, scene.newSent()),
    ];
    expect(await Promise.all(claims.map(codeOf))).to.deep.equal(Array(4).fill('not_found'));
  });

  it('has to be of the kind that the message says', async () => {
    const { ann, uploadText, claim } = scene;
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
        expect(await codeOf(claim(fileId, scene.newSent(), contentType as 'file')), contentType).to.equal(
          code,
        );
  });
});
