import { expect } from 'chai';
import mongoose from 'mongoose';
import { createHiddenMessageStore } from '../../src/features/messages/hidden-messages.store.ts';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { befriend, buildFriends, buildUser, type TestUser } from '../support/builders.ts';
import { rest, type TestSocket } from '../support/clients.ts';
import { searchAll, searchPage, untilIndexed } from '../support/message-search.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const { ObjectId } = mongoose.Types;

describe('messages: message_search', () => {
  let app: TestApp;
  let ann: TestUser;
  let bob: TestUser;
  let annSocket: TestSocket;
  let bobSocket: TestSocket;
  let database: mongoose.Connection;

  before(async () => {
    app = await startApp();
    [ann, bob] = await buildFriends(app.url);
    annSocket = await ann.connect();
    bobSocket = await bob.connect();
    database = await mongoose.createConnection(app.mongodbUri).asPromise();
  });
  after(async () => {
    annSocket.close();
    bobSocket.close();
    await database.close();
    await app.close();
  });

  const say = (content: unknown, rest: object = {}): Promise<Message> =>
    annSocket.call('private_message', { receiverId: bob.id, content, ...rest });
  const indexed = () => untilIndexed(ann, annSocket, bob.id);
  const contentsOf = (messages: readonly Message[]) => messages.map(({ content }) => content);
  const found = async (q: string, user = ann) => contentsOf(await searchAll(user, { q }));
  const messages = () => database.collection('messages');

  it('finds words whole and in any case, newest first, for both people and on every wire', async () => {
    const first = await say('Meeting at noon in Zurich');
    await say('meetings are not one');
    const second = await bobSocket.call('private_message', { receiverId: ann.id, content: 'MEETING moved' });
    await indexed();
    const over = await searchPage(ann, { q: 'meeting' });
    expect(over.items.map(({ id }) => id)).to.deep.equal([second.id, first.id]);
    expect(over.nextCursor).to.equal(null);
    expect(await annSocket.call('message_search', { q: 'meeting' })).to.deep.equal(over);
    expect(await found('zurich noon', bob)).to.deep.equal(['Meeting at noon in Zurich']);
    expect(await found('zurich midnight')).to.deep.equal([]);
  });

  it('finds Chinese by any part, and together with words', async () => {
    await say('明天在三楼会议室开 planning 会');
    await say('会议很长，室内很热');
    await indexed();
    expect(await found('会议室')).to.deep.equal(['明天在三楼会议室开 planning 会']);
    expect(await found('热')).to.deep.equal(['会议很长，室内很热']);
    expect(await found('会议', bob)).to.deep.equal(['会议很长，室内很热', '明天在三楼会议室开 planning 会']);
    expect(await found('Planning 三楼')).to.deep.equal(['明天在三楼会议室开 planning 会']);
    expect(await found('三楼 热')).to.deep.equal([]);
  });

  it('finds the names of places, and nothing in what is no text', async () => {
    await say({ latitude: 1, longitude: 2, name: 'Harbourfront Café' }, { contentType: 'location' });
    await say({ harbourfront: 'harbourfront' }, { contentType: 'custom' });
    await indexed();
    const items = await searchAll(ann, { q: 'harbourfront' });
    expect(items.map(({ contentType }) => contentType)).to.deep.equal(['location']);
  });

  it('gives messages as history does: marks, and the key of my own only', async () => {
    await say('quokka', { clientMessageId: 'search-key' });
    await indexed();
    const { body } = await ann.rest('GET', `/api/messages/private/${bob.id}?limit=100`);
    const shown = (body.items as Message[]).find(({ content }) => content === 'quokka');
    expect((await searchPage(ann, { q: 'quokka' })).items).to.deep.equal([shown]);
    expect((await searchPage(bob, { q: 'quokka' })).items[0]).not.to.have.property('clientMessageId');
  });

  it('takes quotes, operators and patterns for what they are', async () => {
    await say('costs (about) $5.00');
    await say('costs about 5x00');
    await indexed();
    expect(await found('"$5.00"')).to.deep.equal(['costs (about) $5.00']);
    for (const q of ['$ne', 'c.sts', '^costs$ -about OR nothing', '\\w+'])
      expect(await found(q)).to.deep.equal([]);
  });

  it('narrows by conversation, sender and time', async () => {
    const carol = await buildUser(app.url);
    await befriend(carol, ann);
    const carolSocket = await carol.connect();
    const one = await say('wombat one');
    const two = await bobSocket.call('private_message', { receiverId: ann.id, content: 'wombat two' });
    const three = await carolSocket.call('private_message', { receiverId: ann.id, content: 'wombat three' });
    await indexed();
    const idsOf = async (query: object) =>
      (await searchAll(ann, { q: 'wombat', ...query })).map(({ id }) => id);
    expect(await idsOf({})).to.deep.equal([three.id, two.id, one.id]);
    expect(await idsOf({ conversationId: one.conversationId })).to.deep.equal([two.id, one.id]);
    expect(await idsOf({ senderId: ann.id })).to.deep.equal([one.id]);
    expect(await idsOf({ senderId: carol.id, conversationId: one.conversationId })).to.deep.equal([]);
    expect(await idsOf({ since: two.createdAt, until: two.createdAt })).to.include(two.id);
    expect(await idsOf({ since: three.createdAt }))
      .to.include(three.id)
      .and.not.include(one.id);
    expect(await idsOf({ until: '2020-01-01T00:00:00Z' })).to.deep.equal([]);
    carolSocket.close();
  });

  it('shows a stranger nothing, and knows a conversation of others as little as one that is none', async () => {
    const message = await say('secret numbat');
    await indexed();
    const stranger = await buildUser(app.url);
    expect(await found('numbat', stranger)).to.deep.equal([]);
    expect(await found('secret', stranger)).to.deep.equal([]);
    const answers = await Promise.all(
      [message.conversationId, 'ffffffffffffffffffffffff'].map((conversationId) =>
        stranger.rest('GET', `/api/messages/search?q=numbat&conversationId=${conversationId}`),
      ),
    );
    for (const { status, body } of answers) {
      expect(status).to.equal(404);
      expect({ ...body, requestId: '' }).to.deep.equal({ ...answers[0]?.body, requestId: '' });
    }
  });

  it('never finds what was recalled, by its content at least', async () => {
    const message = await say('echidna');
    await indexed();
    const changes = { content: null, recalledAt: new Date(), recalledSeq: message.seq, rev: 2 };
    await messages().updateOne({ _id: new ObjectId(message.id) }, { $set: changes });
    expect(await found('echidna')).to.deep.equal([]);
  });

  it('never finds an edited text by its old words', async () => {
    const message = await say('bandicoot early');
    await indexed();
    const changes = { content: 'bandicoot late', editedAt: new Date(), rev: 2 };
    await messages().updateOne({ _id: new ObjectId(message.id) }, { $set: changes });
    expect(await found('bandicoot early')).to.deep.equal([]);
  });

  it('never finds what I deleted for myself, and still finds it for the other', async () => {
    const { id: messageId, conversationId, seq } = await say('potoroo');
    await indexed();
    const hidden = createHiddenMessageStore(database);
    await hidden.hide({ userId: bob.id, messageId, conversationId, seq, isOwn: false });
    expect(await found('potoroo', bob)).to.deep.equal([]);
    expect(await found('potoroo')).to.deep.equal(['potoroo']);
  });

  it('never finds what I cleared, however much it was', async () => {
    const [carol, dan] = await buildFriends(app.url);
    const socket = await carol.connect();
    const sent = await Promise.all(
      Array.from({ length: 120 }, (_, index) =>
        socket.call('private_message', { receiverId: dan.id, content: `bilby ${index}` }),
      ),
    );
    await untilIndexed(carol, socket, dan.id);
    await database
      .collection('memberships')
      .updateOne({ userId: new ObjectId(carol.id) }, { $set: { clearedSeq: 118 } });
    expect(await found('bilby', carol)).to.deep.equal(['bilby 119', 'bilby 118']);
    expect(await found('bilby', dan)).to.have.length(sent.length);
    socket.close();
  });

  it('leads through all pages without doubles or holes while messages arrive', async () => {
    const [carol, dan] = await buildFriends(app.url);
    const erin = await buildUser(app.url);
    await befriend(erin, carol);
    const sockets = await Promise.all([dan.connect(), erin.connect()]);
    const sent: Message[] = [];
    // many at once, so that several have the same time
    for (let round = 0; round < 5; round++)
      await Promise.all(
        sockets.flatMap((socket) =>
          Array.from({ length: 10 }, async () => {
            sent.push(await socket.call('private_message', { receiverId: carol.id, content: 'koala' }));
          }),
        ),
      );
    const [socket] = sockets as [TestSocket, TestSocket];
    await untilIndexed(dan, socket, carol.id);
    const seen: Message[] = [];
    let cursor: string | undefined;
    do {
      const page = await searchPage(carol, { q: 'koala', limit: 7, cursor });
      seen.push(...page.items);
      cursor = page.nextCursor ?? undefined;
      await socket.call('private_message', { receiverId: carol.id, content: 'koala' });
      await untilIndexed(dan, socket, carol.id);
    } while (cursor !== undefined);
    expect(seen.map(({ id }) => id)).to.have.members(sent.map(({ id }) => id));
    const times = seen.map(({ createdAt }) => createdAt);
    expect(times).to.deep.equal(times.toSorted().reverse());
    for (const open of sockets) open.close();
  });

  it('ends a page at 256 KiB', async () => {
    const [carol, dan] = await buildFriends(app.url);
    const socket = await carol.connect();
    const content = `numbat ${'字'.repeat(3990)}`;
    for (let count = 0; count < 30; count++)
      await socket.call('private_message', { receiverId: dan.id, content });
    await untilIndexed(carol, socket, dan.id);
    const page = await searchPage(carol, { q: 'numbat' });
    expect(Buffer.byteLength(JSON.stringify(page))).to.be.below(257 * 1024);
    expect(page.nextCursor).to.be.a('string');
    expect(await searchAll(carol, { q: 'numbat' })).to.have.length(30);
    socket.close();
  });

  it('finds any part of a text that has more terms than are kept', async () => {
    const characters = Array.from({ length: 4000 }, (_, index) => 0x4e00 + index);
    await say(String.fromCodePoint(...characters));
    await indexed();
    for (const at of [0, 2000, 3997]) {
      const q = String.fromCodePoint(...characters.slice(at, at + 3));
      expect(await found(q), q).to.have.length(1);
    }
    expect(await found(String.fromCodePoint(0x4e05, 0x4e07))).to.deep.equal([]);
  });

  for (const [what, query] of Object.entries({
    'no q': 'limit=5',
    'a blank q': 'q=%20',
    'a q of 65 characters': `q=${'x'.repeat(65)}`,
    'a q of signs': `q=${encodeURIComponent('.*')}`,
    'a q of combining characters': `q=${encodeURIComponent('\u0301'.repeat(64))}`,
    'an unknown field': 'q=x&sort=asc',
    'a conversationId that is no id': 'q=x&conversationId=7',
    'a senderId that is no id': 'q=x&senderId[$ne]=7',
    'a time that is none': 'q=x&since=yesterday',
    'since after until': 'q=x&since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z',
    'a limit of 0': 'q=x&limit=0',
    'a limit of 101': 'q=x&limit=101',
    'a cursor that is none': 'q=x&cursor=abc',
    'a cursor of another list': `q=x&cursor=${Buffer.from('["a",1]').toString('base64url')}`,
  }))
    it(`refuses ${what}`, async () => {
      const { status, body } = await ann.rest('GET', `/api/messages/search?${query}`);
      expect([status, body.code]).to.deep.equal([400, 'validation_failed']);
    });

  it('takes times that differ below a second', async () => {
    const query = 'q=x&since=2026-01-01T00:00:00Z&until=2026-01-01T00:00:00.500Z';
    expect((await ann.rest('GET', `/api/messages/search?${query}`)).status).to.equal(200);
  });

  it('wants a token', async () => {
    const { status, body } = await rest(app.url, { method: 'GET', path: '/api/messages/search?q=x' });
    expect([status, body.code]).to.deep.equal([401, 'unauthenticated']);
  });
});
