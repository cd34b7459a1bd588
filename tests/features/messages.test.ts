import { expect } from 'chai';
import mongoose from 'mongoose';
import type { ContentType, Message } from '../../src/features/messages/messages.contract.ts';
import { buildFriends, buildUser, logInAgain } from '../support/builders.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const nobody = 'ffffffffffffffffffffffff';

describe('messages: private_message', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  it('reaches every device of both sides but the acting one, whose acknowledgement carries it', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const annElsewhere = await logInAgain(app.url, ann);
    const acting = await ann.connect();
    const others = await Promise.all([annElsewhere.connect(), bob.connect(), bob.connect()]);
    const message = { receiverId: bob.id, content: 'hello', clientMessageId: 'first' };
    const sent = await acting.call('private_message', message);
    expect(sent).to.include({
      seq: 1,
      content: 'hello',
      clientMessageId: 'first',
      status: 'sent',
      senderId: ann.id,
    });
    const { clientMessageId: _, ...pushed } = sent;
    for (const socket of others) expect(await socket.next('new_private_message')).to.deep.equal(pushed);

    const { body: marker } = await ann.rest('POST', `/api/messages/private/${bob.id}`, { content: 'marker' });
    expect(await acting.next('new_private_message')).to.deep.equal(marker);
    expect(acting.untaken('new_private_message')).to.deep.equal([]);
    for (const socket of [acting, ...others]) socket.close();
  });

  it('does not reach a third person', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const eve = await buildUser(app.url);
    const ear = await eve.connect();
    await ann.rest('POST', `/api/messages/private/${bob.id}`, { content: 'secret' });
    await eve.rest('PATCH', '/api/users/me', { bio: 'marker' });
    await ear.next('profile_updated');
    expect(ear.untaken('new_private_message')).to.deep.equal([]);
    ear.close();
  });

  it('is refused alike to a stranger, a nobody and oneself, and stores nothing', async () => {
    const [ann, stranger] = await Promise.all([buildUser(app.url), buildUser(app.url)]);
    const socket = await ann.connect();
    const problems = [];
    for (const receiverId of [stranger.id, nobody, ann.id]) {
      const refusal = await socket.refused(
        'private_message',
        { receiverId, content: 'let me in' },
        'not_allowed',
      );
      problems.push({ ...refusal, requestId: '' });
      await socket.refused('message_history', { friendId: receiverId }, 'not_found');
    }
    expect(problems[1]).to.deep.equal(problems[0]);
    expect(problems[2]).to.deep.equal(problems[0]);
    expect((await socket.call('sync', {})).items).to.deep.equal([]);
    socket.close();
  });

  const refusedContents: [string, object][] = [
    ['a blank text', { content: ' \n\t' }],
    ['a text of which nothing is visible', { content: '\u200B\u3164 \u2800' }],
    ['a text of 4,001 characters', { content: 'x'.repeat(4001) }],
    ['a text that is no string', { content: { $ne: null } }],
    ['a location outside the globe', { contentType: 'location', content: { latitude: 91, longitude: 0 } }],
    ['a card of no id', { contentType: 'card', content: { userId: 'somebody' } }],
    ['custom content above 4 KiB', { contentType: 'custom', content: { text: 'x'.repeat(4096) } }],
    ['an unknown contentType', { contentType: 'system', content: 'x' }],
    ['a clientMessageId of 65 characters', { content: 'x', clientMessageId: 'x'.repeat(65) }],
    ['an empty clientMessageId', { content: 'x', clientMessageId: '' }],
  ];
  for (const [what, input] of refusedContents) {
    it(`refuses ${what} and stores nothing`, async () => {
      const [ann, bob] = await buildFriends(app.url);
      const { status, body } = await ann.rest('POST', `/api/messages/private/${bob.id}`, input);
      expect([status, body.code]).to.deep.equal([400, 'validation_failed']);
      expect(body.errors).to.be.an('array').that.is.not.empty;
      const history = await ann.rest('GET', `/api/messages/private/${bob.id}`);
      expect(history.body.items).to.deep.equal([]);
    });
  }

  const contents: [ContentType, Message['content']][] = [
    ['text', 'x'.repeat(4000)],
    ['text', 'multi\nline 👩‍👩‍👧 <b>&amp;</b> $set {"a":1} 中文'],
    ['location', { latitude: -33.9, longitude: 151.2, name: 'Coogee' }],
    ['card', { userId: nobody }],
    ['custom', { $set: { 'a.b': [1, null, 'x'] }, __proto__x: true }],
    ['custom', null],
    ['custom', 2.5],
  ];
  for (const [contentType, content] of contents) {
    it(`gives ${contentType} content back as it was sent: ${JSON.stringify(content).slice(0, 30)}`, async () => {
      const [ann, bob] = await buildFriends(app.url);
      const ear = await bob.connect();
      const mouth = await ann.connect();
      const sent = await mouth.call('private_message', { receiverId: bob.id, contentType, content });
      expect(sent.content).to.deep.equal(content);
      expect((await ear.next('new_private_message')).content).to.deep.equal(content);
      const [stored] = (await ear.call('message_history', { friendId: ann.id })).items;
      expect(stored?.content).to.deep.equal(content);
      mouth.close();
      ear.close();
    });
  }

  it('keeps every key of custom content, __proto__ too', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const body = '{"contentType":"custom","content":{"__proto__":{"x":1},"y":2}}';
    await ann.rest('POST', `/api/messages/private/${bob.id}`, body);
    const answer = await fetch(`${app.url}/api/messages/private/${bob.id}`, {
      headers: { authorization: `Bearer ${ann.token}` },
    });
    expect(await answer.text()).to.contain('"content":{"__proto__":{"x":1},"y":2}');
  });

  it('gives a card the id that clients know', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const socket = await ann.connect();
    const card = {
      receiverId: bob.id,
      contentType: 'card',
      content: { userId: bob.id.toUpperCase() },
    } as const;
    expect((await socket.call('private_message', card)).content).to.deep.equal({ userId: bob.id });
    socket.close();
  });

  it('is stored once under one clientMessageId, whatever the wire, and pushed once', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const [mouth, ear] = await Promise.all([ann.connect(), bob.connect()]);
    const message = { receiverId: bob.id, content: 'once', clientMessageId: 'k' };
    const first = await mouth.call('private_message', message);
    const repeats = await Promise.all([
      mouth.call('private_message', message),
      ann.rest('POST', `/api/messages/private/${bob.id}`, message).then(({ status, body }) => {
        expect(status).to.equal(201);
        return body;
      }),
    ]);
    for (const repeat of repeats) expect(repeat).to.deep.equal(first);
    const marker = await mouth.call('private_message', { receiverId: bob.id, content: 'marker' });
    expect(marker.seq).to.equal(2);
    expect((await ear.next('new_private_message')).id).to.equal(first.id);
    expect((await ear.next('new_private_message')).id).to.equal(marker.id);
    mouth.close();
    ear.close();
  });

  it('refuses one clientMessageId for two messages', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const carol = await buildUser(app.url);
    await ann.rest('POST', '/api/friends/add', { userId: carol.id });
    await carol.rest('POST', `/api/friends/${ann.id}/accept`);
    const socket = await ann.connect();
    const message = { receiverId: bob.id, content: 'one', clientMessageId: 'k' };
    await socket.call('private_message', message);
    await socket.refused('private_message', { ...message, content: 'two' }, 'idempotency_mismatch');
    await socket.refused('private_message', { ...message, receiverId: carol.id }, 'idempotency_mismatch');
    const { items } = await socket.call('message_history', { friendId: bob.id });
    expect(items.map(({ content }) => content)).to.deep.equal(['one']);
    socket.close();
  });

  it('answers a repeat with the stored message where a new send would be refused', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const socket = await ann.connect();
    const message = { receiverId: bob.id, content: 'before', clientMessageId: 'k' };
    const first = await socket.call('private_message', message);
    await endFriendship(app.mongodbUri, first.conversationId);
    expect(await socket.call('private_message', message)).to.deep.equal(first);
    await socket.refused('private_message', { ...message, content: 'other' }, 'idempotency_mismatch');
    await socket.refused('private_message', { ...message, clientMessageId: 'new' }, 'not_allowed');
    await socket.refused('private_message', { receiverId: bob.id, content: 'after' }, 'not_allowed');
    socket.close();
  });
});

/** What removing a friend will do, written straight into the database. */
async function endFriendship(uri: string, pairId: string): Promise<void> {
  const connection = await mongoose.createConnection(uri).asPromise();
  const _id = new mongoose.Types.ObjectId(pairId);
  await connection.collection('relationships').updateOne({ _id }, { $set: { since: null, friendIds: [] } });
  await connection.close();
}
