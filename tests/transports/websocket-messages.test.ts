import { expect } from 'chai';
import { buildFriends, buildUser, logInAgain, type TestUser } from '../support/builders.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { WsClient } from '../support/ws-client.ts';

describe('/ws: the types of the Koa system', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  it('text_message sends a text: message_sent to the sender, new_message to everybody else', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const [acting, elsewhere, ear] = await Promise.all([
      WsClient.withHeader(app.url, ann.token),
      WsClient.withFrame(app.url, ann.token),
      WsClient.withHeader(app.url, bob.token),
    ]);
    const answer = await acting.ask({ type: 'text_message', receiverId: bob.id, content: 'hello' });
    expect(answer).to.have.all.keys('type', 'id', 'data').and.include({ type: 'message_sent' });
    expect(answer.data).to.include({ senderId: ann.id, content: 'hello', contentType: 'text', seq: 1 });
    for (const client of [elsewhere, ear])
      expect(await client.next('new_private_message')).to.deep.equal(answer.data);
    await acting.call('private_message', { receiverId: bob.id, content: 'marker' });
    await ear.next('new_private_message');
    expect(acting.untaken('new_private_message')).to.deep.equal([]);
    for (const client of [acting, elsewhere, ear]) client.close();
  });

  it('a text_message that fails is answered by error, with its id', async () => {
    const [ann, stranger] = await Promise.all([buildUser(app.url), buildUser(app.url)]);
    const client = await WsClient.withHeader(app.url, ann.token);
    client.send({ type: 'text_message', id: 'mine', receiverId: stranger.id, content: 'hello' });
    const answer = await client.take(() => true);
    expect(answer).to.have.all.keys('type', 'id', 'error').and.include({ type: 'error', id: 'mine' });
    expect(answer.error).to.include({ code: 'not_allowed', status: 403 });
    client.send({ type: 'text_message', receiverId: stranger.id });
    expect(await client.take(() => true)).to.have.all.keys('type', 'error');
    client.close();
  });

  it('text_message and private_message know each other’s clientMessageId', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const client = await WsClient.withHeader(app.url, ann.token);
    const message = { receiverId: bob.id, content: 'once', clientMessageId: 'same' };
    const { data } = await client.ask({ ...message, type: 'text_message' });
    expect(await client.call('private_message', message)).to.deep.equal(data);
    const other = await client.ask({ ...message, content: 'twice', type: 'text_message' });
    expect(other.error?.code).to.equal('idempotency_mismatch');
    client.close();
  });

  it('ping is answered by pong', async () => {
    const ann = await buildUser(app.url);
    const client = await WsClient.withHeader(app.url, ann.token);
    client.send({ type: 'ping', id: 'p' });
    expect(await client.take(() => true)).to.deep.equal({ type: 'pong', id: 'p', data: null });
    client.close();
  });
});

describe('/ws: a session that ends', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  it('tells its sockets why and closes them with 4401, and no others', async () => {
    const ann = await buildUser(app.url);
    const elsewhere = await logInAgain(app.url, ann);
    const [one, two, other] = await Promise.all([
      WsClient.withHeader(app.url, ann.token),
      WsClient.withFrame(app.url, ann.token),
      WsClient.withHeader(app.url, elsewhere.token),
    ]);
    await one.call('logout', {});
    for (const client of [one, two]) {
      expect((await client.next('session_revoked')).reason).to.equal('logout');
      expect(await client.closed()).to.equal(4401);
    }
    await other.call('profile_get', {});
    expect(other.untaken('session_revoked')).to.deep.equal([]);
    other.close();
  });

  it('makes a socket that is still open deaf at once', async () => {
    const ann = await buildUser(app.url);
    const client = await WsClient.withHeader(app.url, ann.token);
    await ann.rest('POST', '/api/auth/logout');
    const [refusal] = await Promise.all([
      client.refused('profile_get', {}, 'unauthenticated'),
      client.closed(),
    ]);
    expect(refusal.status).to.equal(401);
  });
});

describe('/ws: presence', () => {
  it('who is on a plain socket is online until its last one closes', async () => {
    const app = await startApp({});
    const [ann, bob] = await buildFriends(app.url);
    const socket = await bob.connect();
    const statusOf = async () => {
      const { items } = await socket.call('friend_list', {});
      return items[0]?.presence.status;
    };
    expect(await statusOf()).to.equal('offline');
    const client = await WsClient.withHeader(app.url, ann.token);
    expect(await statusOf()).to.equal('online');
    client.close();
    while ((await statusOf()) === 'online');
    socket.close();
    await app.close();
  });
});

describe('/ws: what was missed', () => {
  let app: TestApp;
  let ann: TestUser;
  let bob: TestUser;
  let cat: TestUser;
  const texts = Array.from({ length: 6 }, (_, index) => `message ${index}`);
  before(async () => {
    app = await startApp();
    [ann, bob] = await buildFriends(app.url);
    cat = await buildUser(app.url);
    await ann.rest('POST', '/api/friends/add', { userId: cat.id });
    await cat.rest('POST', `/api/friends/${ann.id}/accept`);
    for (const [index, content] of texts.entries())
      await (index % 2 ? cat : bob).rest('POST', `/api/messages/private/${ann.id}`, { content });
    await ann.rest('POST', `/api/messages/private/${bob.id}`, { content: 'my own' });
  });
  after(() => app.close());

  it('is pushed as new_message to who has not asked within a second: oldest first, from everybody, not my own', async () => {
    const client = await WsClient.withHeader(app.url, ann.token);
    for (const content of texts) expect(await client.next('new_private_message')).to.include({ content });
    await bob.rest('POST', `/api/messages/private/${ann.id}`, { content: 'marker' });
    expect(await client.next('new_private_message')).to.include({ content: 'marker' });
    client.close();
    texts.push('marker');
  });

  it('is not pushed to who asks by sync', async () => {
    const asking = await WsClient.withFrame(app.url, ann.token);
    const entries = (await asking.call('sync', {})).items.flatMap((item) => item.entries);
    expect(entries.map(({ content }) => content)).to.have.members([...texts, 'my own']);
    // this one's second begins later and is over when it has heard everything
    const silent = await WsClient.withFrame(app.url, ann.token);
    for (const content of texts) expect(await silent.next('new_private_message')).to.include({ content });
    await cat.rest('POST', `/api/messages/private/${ann.id}`, { content: 'later' });
    expect(await asking.next('new_private_message')).to.include({ content: 'later' });
    expect(asking.untaken('new_private_message')).to.deep.equal([]);
    for (const client of [asking, silent]) client.close();
  });

  it('ends with the 500 oldest', async () => {
    const [from, to] = await buildFriends(app.url);
    const socket = await from.connect();
    const sends = Array.from({ length: 505 }, (_, index) =>
      socket.call('private_message', { receiverId: to.id, content: `${index}` }),
    );
    await Promise.all(sends);
    const client = await WsClient.withFrame(app.url, to.token);
    for (let seq = 1; seq <= 500; seq++)
      expect(await client.next('new_private_message')).to.include({ seq, content: `${seq - 1}` });
    await socket.call('private_message', { receiverId: to.id, content: 'marker' });
    expect(await client.next('new_private_message')).to.include({ content: 'marker' });
    client.close();
    socket.close();
  });
});
