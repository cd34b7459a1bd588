import { expect } from 'chai';
import { befriend, buildFriends, buildUser } from '../support/builders.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const nobody = 'ffffffffffffffffffffffff';

describe('messages: replies and forwards', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  /** Ann, her friends Bob and Cid, and a message from her to Bob. */
  async function buildThree(message: object = { content: 'hello' }) {
    const [ann, bob] = await buildFriends(app.url);
    const cid = await buildUser(app.url);
    await befriend(ann, cid);
    const mouth = await ann.connect();
    const original = await mouth.call('private_message', {
      receiverId: bob.id,
      content: undefined,
      ...message,
    });
    return { ann, bob, cid, mouth, original };
  }

  it('a reply carries its original, as it is now, in ack, push, history, sync and list of devices', async () => {
    const { ann, bob, mouth, original } = await buildThree();
    const ear = await bob.connect();
    const quote = {
      id: original.id,
      senderId: ann.id,
      contentType: 'text',
      content: 'hello',
      recalledAt: null,
    };
    const reply = await ear.call('private_message', {
      receiverId: ann.id,
      content: 'yes',
      replyTo: original.id,
    });
    expect(reply.replyTo).to.deep.equal(quote);
    expect((await mouth.next('new_private_message')).replyTo).to.deep.equal(quote);
    await mouth.call('message_edit', { messageId: original.id, content: 'hello there' });
    const edited = { ...quote, content: 'hello there' };
    const history = await mouth.call('message_history', { friendId: bob.id, limit: 1 });
    expect(history.items[0]?.replyTo).to.deep.equal(edited);
    const { items } = await ear.call('sync', {});
    expect(items[0]?.entries[1]?.replyTo).to.deep.equal(edited);
    expect(items[0]?.conversation.lastMessage?.replyTo).to.deep.equal(edited);
    await mouth.call('message_recall', { messageId: original.id });
    const after = await mouth.call('message_history', { friendId: bob.id, limit: 1 });
    expect(after.items[0]?.replyTo).to.deep.include({ content: null });
    mouth.close();
    ear.close();
  });

  it('a reply finds messages of its own conversation alone, and none that is recalled or deleted by me', async () => {
    const { bob, cid, mouth, original } = await buildThree();
    const elsewhere = await mouth.call('private_message', { receiverId: cid.id, content: 'other' });
    for (const replyTo of [elsewhere.id, nobody])
      await mouth.refused('private_message', { receiverId: bob.id, content: 'x', replyTo }, 'not_found');
    const ear = await bob.connect();
    await ear.refused(
      'private_message',
      { receiverId: cid.id, content: 'x', replyTo: elsewhere.id },
      'not_found',
    );
    for (const replyTo of ['x', 5, null, { $ne: 1 }])
      await mouth.refused(
        'private_message',
        { receiverId: bob.id, content: 'x', replyTo },
        'validation_failed',
      );
    const reply = { content: 'x', replyTo: original.id };
    await ear.call('message_delete', { messageId: original.id });
    await ear.refused('private_message', { receiverId: original.senderId, ...reply }, 'not_found');
    await mouth.call('message_recall', { messageId: original.id });
    await mouth.refused('private_message', { receiverId: bob.id, ...reply }, 'message_recalled');
    expect((await ear.call('message_history', { friendId: original.senderId })).items).to.be.empty;
    mouth.close();
    ear.close();
  });

  it('a repeated reply is answered with the stored one, also when its original is recalled meanwhile', async () => {
    const { ann, bob, mouth, original } = await buildThree();
    const send = (more = {}) =>
      ann.rest('POST', `/api/messages/private/${bob.id}`, {
        content: 'yes',
        replyTo: original.id,
        clientMessageId: 'r',
        ...more,
      });
    const { body: sent } = await send();
    await mouth.call('message_recall', { messageId: original.id });
    const { status, body } = await send();
    expect([status, body.id]).to.deep.equal([201, sent.id]);
    expect((await send({ replyTo: undefined })).body.code).to.equal('idempotency_mismatch');
    expect((await send({ content: 'no' })).body.code).to.equal('idempotency_mismatch');
    mouth.close();
  });

  const originals = [
    { content: 'hello' },
    { contentType: 'custom', content: { a: [1, { b: null }] } },
    { contentType: 'location', content: { latitude: 1, longitude: 2, name: 'here' } },
  ];
  for (const message of originals) {
    it(`a forward takes the content, names no source and survives the recall: ${message.contentType ?? 'text'}`, async () => {
      const { cid, mouth, original } = await buildThree(message);
      const ear = await cid.connect();
      const forwarded = await mouth.call('private_message', { receiverId: cid.id, forwardOf: original.id });
      expect(forwarded).to.deep.include({
        forwarded: true,
        contentType: original.contentType,
        content: message.content,
      });
      expect(JSON.stringify(await ear.next('new_private_message'))).not.to.contain(original.id);
      await mouth.call('message_recall', { messageId: original.id });
      const [seen] = (await ear.call('message_history', { friendId: original.senderId })).items;
      expect(seen).to.deep.include({ content: message.content, forwarded: true });
      mouth.close();
      ear.close();
    });
  }

  it('a forward is of a message that I see, not recalled, in place of content', async () => {
    const { ann, bob, cid, mouth, original } = await buildThree();
    const eve = await buildUser(app.url);
    await befriend(ann, eve);
    const stranger = await eve.connect();
    const forward = { receiverId: cid.id, forwardOf: original.id };
    await stranger.refused('private_message', { ...forward, receiverId: ann.id }, 'not_found');
    await mouth.refused('private_message', { ...forward, forwardOf: nobody }, 'not_found');
    await mouth.refused('private_message', { ...forward, content: 'both' }, 'validation_failed');
    await mouth.refused('private_message', { receiverId: cid.id }, 'validation_failed');
    const { body: missing } = await bob.rest('POST', `/api/messages/private/${cid.id}`, {
      forwardOf: original.id,
    });
    expect(missing.code).to.equal('not_allowed');
    await mouth.call('message_recall', { messageId: original.id });
    await mouth.refused('private_message', forward, 'message_recalled');
    mouth.close();
    stranger.close();
  });
});
