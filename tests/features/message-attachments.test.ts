import { expect } from 'chai';
import type { File } from '../../src/features/files/files.contract.ts';
import { befriend, buildFriends, buildUser, type TestUser } from '../support/builders.ts';
import { openVault, plain, upload, type Vault } from '../support/files.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const nobody = 'ffffffffffffffffffffffff';

describe('messages: attachments', () => {
  let app: TestApp;
  let vault: Vault;
  before(async () => {
    app = await startApp();
    vault = await openVault(app);
  });
  after(async () => {
    await vault.close();
    await app.close();
  });

  async function uploadOf(user: TestUser, text = 'some text'): Promise<File> {
    return (await upload(user, text, '报告.txt')).body as unknown as File;
  }

  const statusFor = async (user: TestUser, { id }: File) =>
    (await user.rest('GET', `/api/files/${id}`)).status;

  function send(from: TestUser, to: TestUser, message: object) {
    return from.rest('POST', `/api/messages/private/${to.id}`, message);
  }

  it('carry an upload as the whole File, in ack, push, history and last message', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const ear = await bob.connect();
    const picture = await plain(800, 400, 'red').png().toBuffer();
    const uploaded = (await upload(ann, picture, 'red.png')).body as unknown as File;
    expect(uploaded.thumbnailUrl).to.be.a('string');
    const message = { contentType: 'image', content: { fileId: uploaded.id } };
    const { status, body } = await send(ann, bob, message);
    expect([status, body.content]).to.deep.equal([201, uploaded]);
    expect((await ear.next('new_private_message')).content).to.deep.equal(uploaded);
    const history = await ear.call('message_history', { friendId: ann.id });
    expect(history.items[0]?.content).to.deep.equal(uploaded);
    const { items } = await ear.call('conversation_list', {});
    expect(items[0]?.lastMessage?.content).to.deep.equal(uploaded);
    ear.close();
  });

  it('are fetched by the two of the conversation, and by nobody else', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const eve = await buildUser(app.url);
    await befriend(ann, eve);
    const file = await uploadOf(ann);
    expect([await statusFor(ann, file), await statusFor(bob, file)]).to.deep.equal([200, 404]);
    await send(ann, bob, { contentType: 'file', content: { fileId: file.id } });
    const statuses = await Promise.all([ann, bob, eve].map((user) => statusFor(user, file)));
    expect(statuses).to.deep.equal([200, 200, 404]);
    await ann.rest('DELETE', `/api/friends/${bob.id}`);
    expect(await statusFor(bob, file)).to.equal(200);
  });

  it('are gone with the recall, bytes and all, and for me with a deletion for me', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const before = await vault.census();
    const file = await uploadOf(ann);
    const { body: message } = await send(ann, bob, { contentType: 'file', content: { fileId: file.id } });
    await bob.rest('DELETE', `/api/messages/${message.id}`);
    expect([await statusFor(ann, file), await statusFor(bob, file)]).to.deep.equal([200, 404]);
    await ann.rest('POST', `/api/messages/${message.id}/recall`);
    expect([await statusFor(ann, file), await statusFor(bob, file)]).to.deep.equal([404, 404]);
    expect(await vault.census()).to.deep.equal(before);
    const again = await send(ann, bob, { contentType: 'file', content: { fileId: file.id } });
    expect([again.status, again.body.code]).to.deep.equal([404, 'not_found']);
  });

  it('sent again and forwarded are files of their own over the same bytes', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const cid = await buildUser(app.url);
    await befriend(bob, cid);
    const file = await uploadOf(ann);
    const first = await send(ann, bob, { contentType: 'file', content: { fileId: file.id } });
    const second = await send(ann, bob, { contentType: 'file', content: { fileId: file.id } });
    const forwarded = await send(bob, cid, { forwardOf: first.body.id });
    expect(forwarded.body).to.deep.include({ contentType: 'file', forwarded: true });
    const [one, two, three] = [first, second, forwarded].map(({ body }) => body.content as File) as [
      File,
      File,
      File,
    ];
    expect(new Set([one.id, two.id, three.id]).size).to.equal(3);
    expect(three).to.deep.include({ name: '报告.txt', size: file.size, mimeType: file.mimeType });
    await ann.rest('POST', `/api/messages/${first.body.id}/recall`);
    expect(await statusFor(bob, one)).to.equal(404);
    expect(await statusFor(bob, two)).to.equal(200);
    expect(await statusFor(cid, three)).to.equal(200);
    expect(await statusFor(ann, three)).to.equal(404);
  });

  it('refuse what is another’s, unknown, of another kind or no file, and write nothing', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const file = await uploadOf(ann);
    const refusals: [TestUser, TestUser, object, string][] = [
      [bob, ann, { contentType: 'file', content: { fileId: file.id } }, 'not_found'],
      [ann, bob, { contentType: 'file', content: { fileId: nobody } }, 'not_found'],
      [ann, bob, { contentType: 'image', content: { fileId: file.id } }, 'validation_failed'],
      [ann, bob, { contentType: 'file', content: { fileId: 'x' } }, 'validation_failed'],
      [ann, bob, { contentType: 'file', content: 'text' }, 'validation_failed'],
      [ann, bob, { contentType: 'file' }, 'validation_failed'],
    ];
    for (const [from, to, message, code] of refusals) {
      const { body } = await send(from, to, message);
      expect(body.code, JSON.stringify(message)).to.equal(code);
    }
    const { body } = await bob.rest('GET', `/api/messages/private/${ann.id}`);
    expect(body.items).to.deep.equal([]);
    expect((await send(ann, bob, { contentType: 'file', content: { fileId: file.id } })).status).to.equal(
      201,
    );
  });

  it('stay the sender’s upload when the send is refused', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const stranger = await buildUser(app.url);
    const file = await uploadOf(ann);
    const message = { contentType: 'file', content: { fileId: file.id } };
    expect((await send(ann, stranger, message)).body.code).to.equal('not_allowed');
    const sent = await send(ann, bob, message);
    expect(sent.status).to.equal(201);
    expect(await statusFor(bob, sent.body.content as File)).to.equal(200);
  });

  it('are sent once however often the send is repeated, also after the recall', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const file = await uploadOf(ann);
    const message = { contentType: 'file', content: { fileId: file.id }, clientMessageId: 'f-1' };
    const answers = await Promise.all([1, 2, 3].map(() => send(ann, bob, message)));
    const ids = new Set(answers.map(({ body }) => `${body.id} ${(body.content as File).id}`));
    expect(ids.size).to.equal(1);
    await ann.rest('POST', `/api/messages/${answers[0]?.body.id}/recall`);
    const late = await send(ann, bob, message);
    expect([late.status, late.body.id, late.body.content]).to.deep.equal([201, answers[0]?.body.id, null]);
    const { body } = await bob.rest('GET', `/api/messages/private/${ann.id}`);
    expect(body.items).to.have.length(1);
  });
});
