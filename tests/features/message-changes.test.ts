import { expect } from 'chai';
import mongoose, { type Connection, Types } from 'mongoose';
import { buildFriends, buildUser } from '../support/builders.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { buildTalk, closeAll, logOf, unfriend } from '../support/talk.ts';

const nobody = 'ffffffffffffffffffffffff';

describe('messages: changes', () => {
  let app: TestApp;
  let database: Connection;
  before(async () => {
    app = await startApp();
    database = await mongoose.createConnection(app.mongodbUri).asPromise();
  });
  after(async () => {
    await database.close();
    await app.close();
  });

  async function letMinutesPass(messageId: string, minutes: number): Promise<void> {
    const createdAt = new Date(Date.now() - minutes * 60_000);
    await database
      .collection('messages')
      .updateOne({ _id: new Types.ObjectId(messageId) }, { $set: { createdAt } });
  }

  describe('message_recall', () => {
    it('takes the content from everybody, tells every device and leaves an entry in the log', async () => {
      const { ann, bob, mouth, ear, message } = await buildTalk(app.url);
      const recalled = await mouth.call('message_recall', { messageId: message.id });
      expect(recalled).to.include({ id: message.id, content: null, recalledBy: ann.id, rev: 2 });
      expect(recalled.recalledAt).to.be.a('string');
      const told = await ear.next('message_recalled');
      expect(told).to.deep.equal({
        messageId: message.id,
        conversationId: message.conversationId,
        seq: 2,
        messageSeq: 1,
        rev: 2,
        recalledBy: ann.id,
        at: recalled.recalledAt,
      });
      expect(await mouth.next('message_recalled')).to.deep.equal(told);
      for (const user of [ann, bob]) {
        const [first, second] = await logOf(user);
        expect(first).to.include({ id: message.id, content: null, rev: 2 });
        expect(second).to.deep.include({
          seq: 2,
          contentType: 'system',
          content: { event: 'message_recalled', data: told },
        });
        const peer = user === ann ? bob : ann;
        const { body } = await user.rest('GET', `/api/messages/private/${peer.id}`);
        expect(body.items).to.have.length(1);
        expect(JSON.stringify(body)).not.to.contain('hello');
      }
      closeAll(mouth, ear);
    });

    it('answers the same again, also after two minutes, and writes nothing more', async () => {
      const { bob, mouth, ear, message } = await buildTalk(app.url);
      const first = await mouth.call('message_recall', { messageId: message.id });
      await letMinutesPass(message.id, 3);
      const { createdAt: _, ...again } = await mouth.call('message_recall', { messageId: message.id });
      expect(first).to.deep.include(again);
      expect(await logOf(bob)).to.have.length(2);
      closeAll(mouth, ear);
    });

    it('is refused after two minutes, to the receiver, and alike for what one may not know of', async () => {
      const { bob, mouth, ear, message } = await buildTalk(app.url);
      const eve = await buildUser(app.url);
      await ear.refused('message_recall', { messageId: message.id }, 'not_allowed');
      const hidden = await eve.rest('POST', `/api/messages/${message.id}/recall`);
      const unknown = await eve.rest('POST', `/api/messages/${nobody}/recall`);
      expect([hidden.status, hidden.body.code]).to.deep.equal([404, 'not_found']);
      expect({ ...hidden.body, requestId: '' }).to.deep.equal({ ...unknown.body, requestId: '' });
      await letMinutesPass(message.id, 2.1);
      await mouth.refused('message_recall', { messageId: message.id }, 'recall_expired');
      expect((await logOf(bob)).map(({ content }) => content)).to.deep.equal(['hello']);
      closeAll(mouth, ear);
    });

    it('is still possible after unfriending, and reaches the other one', async () => {
      const { ann, bob, mouth, ear, message } = await buildTalk(app.url);
      await unfriend(ann, bob);
      await mouth.call('message_recall', { messageId: message.id });
      expect(await ear.next('message_recalled')).to.include({ messageId: message.id });
      closeAll(mouth, ear);
    });

    it('leaves no reaction, no quote and nothing in an entry of an edit', async () => {
      const { bob, mouth, ear, message } = await buildTalk(app.url, 'first secret');
      const reply = await mouth.call('private_message', {
        receiverId: bob.id,
        content: 'answer',
        replyTo: message.id,
      });
      await ear.call('message_react', { messageId: message.id, emoji: '👍', active: true });
      await mouth.call('message_edit', { messageId: message.id, content: 'second secret' });
      await mouth.call('message_recall', { messageId: message.id });
      const everything = JSON.stringify([
        await logOf(bob),
        await ear.call('message_history', { friendId: reply.senderId }),
      ]);
      expect(everything).not.to.contain('secret');
      const [original, quoting] = await logOf(bob);
      expect(original).not.to.have.any.keys('reactions', 'replyTo');
      expect(quoting?.replyTo).to.deep.include({ id: message.id, content: null });
      expect(quoting?.replyTo?.recalledAt).to.be.a('string');
      closeAll(mouth, ear);
    });

    it('answers a repeated send of the recalled message with what is left of it', async () => {
      const [ann, bob] = await buildFriends(app.url);
      const send = () =>
        ann.rest('POST', `/api/messages/private/${bob.id}`, { content: 'secret', clientMessageId: 'c' });
      const { body: sent } = await send();
      await ann.rest('POST', `/api/message/recall/${sent.id}`);
      const { status, body } = await send();
      expect(status).to.equal(201);
      expect(body).to.include({ id: sent.id, content: null, clientMessageId: 'c' });
    });
  });

  describe('message_edit', () => {
    it('changes the text for everybody, marked, and leaves an entry without another copy of it', async () => {
      const { ann, bob, mouth, ear, message } = await buildTalk(app.url);
      const edited = await mouth.call('message_edit', { messageId: message.id, content: 'goodbye' });
      expect(edited).to.include({ content: 'goodbye', rev: 2, seq: 1 });
      const told = await ear.next('message_edited');
      expect(told).to.deep.equal({
        messageId: message.id,
        conversationId: message.conversationId,
        seq: 2,
        messageSeq: 1,
        rev: 2,
        content: 'goodbye',
        editedAt: edited.editedAt,
      });
      expect(await mouth.next('message_edited')).to.deep.equal(told);
      await ann.rest('PATCH', `/api/messages/${message.id}`, { content: 'once more' });
      const log = await logOf(bob);
      expect(log.map(({ content }) => content)).to.deep.equal([
        'once more',
        { event: 'message_edited', data: { ...told, content: 'once more' } },
        {
          event: 'message_edited',
          data: { ...told, content: 'once more', seq: 3, rev: 3, editedAt: log[0]?.editedAt },
        },
      ]);
      const stored = await database
        .collection('messages')
        .find({ change: { $exists: true } })
        .toArray();
      expect(JSON.stringify(stored)).not.to.match(/goodbye|once more/);
      closeAll(mouth, ear);
    });

    it('is harmless when repeated', async () => {
      const { bob, mouth, ear, message } = await buildTalk(app.url);
      const edit = () => mouth.call('message_edit', { messageId: message.id, content: 'goodbye' });
      expect(await edit()).to.deep.equal(await edit());
      expect(await logOf(bob)).to.have.length(2);
      closeAll(mouth, ear);
    });

    it('is refused to the receiver, to ex-friends, too late, after a recall, and for what is no text', async () => {
      const { ann, bob, mouth, ear, message } = await buildTalk(app.url);
      const edit = { messageId: message.id, content: 'goodbye' };
      await ear.refused('message_edit', edit, 'not_allowed');
      for (const content of ['', ' ', 'x'.repeat(4001), { $set: 1 }, null])
        await mouth.refused('message_edit', { ...edit, content }, 'validation_failed');
      await mouth.refused('message_edit', { ...edit, seq: 3 }, 'validation_failed');
      await mouth.refused('message_edit', { ...edit, messageId: nobody }, 'not_found');
      const card = await mouth.call('private_message', {
        receiverId: bob.id,
        contentType: 'card',
        content: { userId: bob.id },
      });
      await mouth.refused('message_edit', { ...edit, messageId: card.id }, 'not_allowed');
      await mouth.call('message_recall', { messageId: card.id });
      await mouth.refused('message_edit', { ...edit, messageId: card.id }, 'message_recalled');
      await letMinutesPass(message.id, 16);
      await mouth.refused('message_edit', edit, 'edit_expired');
      await letMinutesPass(message.id, 14);
      await unfriend(ann, bob);
      await mouth.refused('message_edit', edit, 'not_allowed');
      expect((await logOf(bob))[0]).to.include({ content: 'hello', editedAt: null, rev: 1 });
      closeAll(mouth, ear);
    });
  });

  it('finish what a crash left between a change and its entry, in the log and for whoever listens', async () => {
    const { bob, mouth, ear, message } = await buildTalk(app.url);
    const anHourAgo = Types.ObjectId.createFromTime(Date.now() / 1000 - 3600).toHexString();
    const at = new Date();
    const outbox = {
      entryId: anHourAgo,
      actorId: message.senderId,
      change: {
        event: 'message_recalled',
        messageId: message.id,
        messageSeq: 1,
        rev: 2,
        recalledBy: message.senderId,
        at,
      },
    };
    await database.collection('messages').updateOne(
      { _id: new Types.ObjectId(message.id) },
      {
        $set: {
          content: null,
          recalledAt: at,
          recalledBy: message.senderId,
          recalledSeq: 1,
          rev: 2,
          outbox,
        },
      },
    );
    await mouth.call('message_recall', { messageId: message.id });
    expect(await ear.next('message_recalled')).to.include({ messageId: message.id, seq: 2, rev: 2 });
    expect((await logOf(bob)).map(({ id }) => id)).to.deep.equal([message.id, anHourAgo]);
    const stored = await database.collection('messages').findOne({ _id: new Types.ObjectId(message.id) });
    expect(stored).not.to.have.property('outbox');
    closeAll(mouth, ear);
  });

  it('end in one state when the sender recalls while editing and the receiver reacts', async () => {
    for (let round = 0; round < 10; round++) {
      const { ann, bob, mouth, ear, message } = await buildTalk(app.url, 'hello');
      const { id: messageId } = message;
      await Promise.all([
        mouth.emit('message_edit', { messageId, content: 'secret' }),
        ear.emit('message_react', { messageId, emoji: '👍', active: true }),
        mouth.call('message_recall', { messageId }),
        mouth.emit('message_edit', { messageId, content: 'secret again' }),
      ]);
      const logs = await Promise.all([logOf(ann), logOf(bob)]);
      for (const [first] of logs) {
        expect(first).to.include({ content: null });
        expect(first).not.to.have.property('reactions');
      }
      expect(JSON.stringify(logs)).not.to.contain('secret');
      closeAll(mouth, ear);
    }
  });
});
