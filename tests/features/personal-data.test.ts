import { expect } from 'chai';
import { unzipSync } from 'fflate';
import mongoose, { type Connection } from 'mongoose';
import sharp from 'sharp';
import { befriend, buildFriends, buildUser, type TestUser } from '../support/builders.ts';
import { rest } from '../support/clients.ts';
import { type Outbox, openOutbox } from '../support/outbox.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

let outbox: Outbox;
let app: TestApp;
let database: Connection;

async function open(): Promise<void> {
  outbox = await openOutbox();
  app = await startApp(outbox.settings);
  database = await mongoose.createConnection(app.mongodbUri).asPromise();
}

async function close(): Promise<void> {
  await database.close();
  await app.close();
  await outbox.close();
}

const idOf = ({ id }: TestUser) => new mongoose.Types.ObjectId(id);
const proofOf = ({ password }: TestUser) => ({ proof: { currentPassword: password } });
const remove = (user: TestUser) => user.rest('DELETE', '/api/users/me', proofOf(user));
const send = (from: TestUser, to: TestUser, content: string) =>
  from.rest('POST', `/api/messages/private/${to.id}`, { content });

async function giveAvatar(user: TestUser): Promise<string> {
  const create = { width: 60, height: 60, channels: 3, background: 'red' } as const;
  const form = new FormData();
  form.append('avatar', new Blob([new Uint8Array(await sharp({ create }).png().toBuffer())]), 'me.png');
  return String((await user.rest('POST', '/api/users/me/avatar', form)).body.avatarUrl);
}

describe('account: GET /api/users/me/export', () => {
  before(open);
  after(close);

  it('is a zip of what is mine: profile, relations, what I wrote, sessions and avatar', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const asker = await buildUser(app.url);
    await asker.rest('POST', '/api/friends/add', { userId: ann.id, message: 'the asker’s words' });
    await giveAvatar(ann);
    for (const content of ['first', '第二']) await send(ann, bob, content);
    await send(bob, ann, 'not hers');
    const { status, headers, bytes } = await ann.rest('GET', '/api/users/me/export');
    expect(status).to.equal(200);
    expect(headers.get('content-type')).to.equal('application/zip');
    expect(headers.get('content-disposition')).to.match(/^attachment; filename="?parley-.*\.zip/);
    expect(headers.get('cache-control')).to.equal('no-store');
    const files = unzipSync(new Uint8Array(bytes));
    const text = (name: string) => Buffer.from(files[name] ?? []).toString();
    expect(Object.keys(files)).to.have.members([
      'profile.json',
      'relations.json',
      'messages.ndjson',
      'sessions.json',
      'groups.json',
      'avatar.webp',
    ]);
    expect(JSON.parse(text('profile.json'))).to.include({ id: ann.id, email: ann.email });
    const relations = JSON.parse(text('relations.json')) as { userId: string }[];
    expect(relations.map(({ userId }) => userId)).to.have.members([bob.id, asker.id]);
    const messages = text('messages.ndjson')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(messages.map(({ content }) => content)).to.have.members(['first', '第二']);
    expect(JSON.parse(text('sessions.json'))).to.have.length(1);
    const all = Buffer.concat(Object.values(files)).toString();
    for (const foreign of ['not hers', 'the asker’s words', bob.email, '$2b$', 'refreshHash'])
      expect(all, foreign).to.not.contain(foreign);
  });

  it('holds my remarks and my blacklist, and nothing of what others call me or whether they block me', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const [blocked, blocker, hiddenAsker] = await Promise.all([1, 2, 3].map(() => buildUser(app.url)));
    if (!blocked || !blocker || !hiddenAsker) throw new Error('nobody');
    const block = (person: TestUser, { id: userId }: TestUser) =>
      person.rest('POST', '/api/friends/blacklist', { userId });
    await ann.rest('PUT', `/api/friends/${bob.id}/remark`, { remark: 'my Bob' });
    await bob.rest('PUT', `/api/friends/${ann.id}/remark`, { remark: 'his Ann' });
    await block(ann, blocked);
    await block(blocker, ann);
    await block(ann, hiddenAsker);
    await hiddenAsker.rest('POST', '/api/friends/add', { userId: ann.id });
    const { bytes } = await ann.rest('GET', '/api/users/me/export');
    const text = Buffer.from(unzipSync(new Uint8Array(bytes))['relations.json'] ?? []).toString();
    const relations = JSON.parse(text) as Record<string, unknown>[];
    const of = ({ id }: TestUser) => relations.find(({ userId }) => userId === id);
    expect(relations).to.have.length(3);
    expect(of(bob)).to.deep.include({ remark: 'my Bob', blockedSince: null, request: null });
    for (const one of [blocked, hiddenAsker]) {
      expect(of(one)).to.deep.include({ remark: null, friendsSince: null, request: null });
      expect(of(one)?.blockedSince).to.be.a('string');
    }
    expect(text).to.not.contain('his Ann');
  });

  it('is whole however much there is', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const { body } = await send(ann, bob, 'the first');
    const first = await database
      .collection('messages')
      .findOne({ _id: new mongoose.Types.ObjectId(String(body.id)) });
    if (!first) throw new Error('not stored');
    const batches = 12;
    for (let batch = 0; batch < batches; batch++) {
      const many = Array.from({ length: 1000 }, (_, n) => {
        const _id = new mongoose.Types.ObjectId();
        const seq = 2 + batch * 1000 + n;
        return { ...first, _id, clientMessageId: _id, seq, content: `${_id} `.repeat(150) };
      });
      await database.collection('messages').insertMany(many);
    }
    const response = await fetch(`${app.url}/api/users/me/export`, {
      headers: { authorization: `Bearer ${ann.token}` },
    });
    const chunks: Uint8Array[] = [];
    for await (const chunk of response.body ?? []) chunks.push(chunk);
    const files = unzipSync(new Uint8Array(Buffer.concat(chunks)));
    const lines = Buffer.from(files['messages.ndjson'] ?? [])
      .toString()
      .trim()
      .split('\n');
    expect(lines).to.have.length(batches * 1000 + 1);
  });

  it('is given ten times a day', async () => {
    const ann = await buildUser(app.url);
    const statuses: number[] = [];
    for (let time = 0; time < 11; time++)
      statuses.push((await ann.rest('GET', '/api/users/me/export')).status);
    expect(statuses).to.deep.equal([...Array(10).fill(200), 429]);
  });
});

describe('account: DELETE /api/users/me', () => {
  before(open);
  after(close);

  it('erases what is personal, keeps others’ conversations whole, and says what was done', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const asked = await buildUser(app.url);
    await ann.rest('POST', '/api/friends/add', { userId: asked.id, message: 'personal words' });
    await ann.rest('PATCH', '/api/users/me', {
      nickname: 'Ann Personal',
      bio: 'personal',
      region: 'personal',
    });
    const avatarUrl = await giveAvatar(ann);
    const { code } = (await ann.rest('GET', '/api/users/me/qrcode')).body;
    for (const content of ['one', 'two']) await send(ann, bob, content);
    await send(bob, ann, 'three');
    const [anns, bobs, theirs] = await Promise.all([ann.connect(), bob.connect(), asked.connect()]);
    const since = (await bobs.call('sync', {})).since;

    const { status, body } = await remove(ann);
    expect(status).to.equal(200);
    expect(body.anonymised).to.deep.equal({ users: 1 });
    expect(body.kept).to.deep.equal({ messages: 2, memberships: 1 });
    expect(body.deleted).to.deep.include({ sessions: 1, relationships: 2, qr_codes: 1, files: 2 });
    expect((await anns.next('session_revoked')).reason).to.equal('account_deleted');
    await anns.closed();
    expect(await bobs.next('friend_removed')).to.deep.equal({ userId: ann.id });
    expect(await theirs.next('friend_request_withdrawn')).to.deep.equal({ userId: ann.id });

    const gone = { id: ann.id, nickname: 'Deleted account', avatarUrl: null, deleted: true };
    expect((await bob.rest('GET', `/api/users/${ann.id}`)).body).to.deep.equal(gone);
    const history = (await bob.rest('GET', `/api/messages/private/${ann.id}`)).body.items as {
      content: string;
    }[];
    expect(history.map(({ content }) => content)).to.deep.equal(['one', 'two', 'three']);
    const synced = await bobs.call('sync', { since });
    expect(synced.stale).to.include('friends');
    expect((await bobs.call('sync', {})).items[0]?.conversation.peer).to.deep.equal(gone);

    expect((await send(bob, ann, 'too late')).body.code).to.equal('not_allowed');
    expect((await bob.rest('POST', '/api/friends/add', { userId: ann.id })).body.code).to.equal('not_found');
    expect((await bob.rest('GET', '/api/friends')).body.items).to.deep.equal([]);
    expect((await bob.rest('GET', '/api/users/search?q=ann%20personal')).body.items).to.deep.equal([]);
    for (const path of [new URL(avatarUrl).pathname, `/q/${code}`])
      expect((await rest(app.url, { method: 'GET', path })).status, path).to.equal(404);
    for (const socket of [bobs, theirs]) socket.close();
    expect((await outbox.next(ann.email)).subject).to.match(/delete/i);
  });

  it('leaves no block between the two: it vanishes from the other’s blacklist, whose devices hear it', async () => {
    const [ann, blocker, blocked] = await Promise.all([1, 2, 3].map(() => buildUser(app.url)));
    if (!ann || !blocker || !blocked) throw new Error('nobody');
    const block = (person: TestUser, { id: userId }: TestUser) =>
      person.rest('POST', '/api/friends/blacklist', { userId });
    await block(blocker, ann);
    await block(ann, blocked);
    await ann.rest('POST', '/api/friends/add', { userId: blocker.id });
    await blocked.rest('POST', '/api/friends/add', { userId: ann.id });
    const [blockers, blockeds] = await Promise.all([blocker.connect(), blocked.connect()]);
    const { since } = await blockers.call('sync', {});
    await remove(ann);
    expect(await blockers.next('blacklist_updated')).to.deep.equal({ userId: ann.id, blocked: false });
    expect(await blockeds.next('friend_request_rejected')).to.deep.equal({ userId: ann.id });
    expect((await blockers.call('sync', { since })).stale).to.deep.equal(['blacklist']);
    expect((await blocker.rest('GET', '/api/friends/blacklist')).body.items).to.deep.equal([]);
    expect((await blocked.rest('GET', '/api/friends/requests?direction=outgoing')).body.items).to.deep.equal(
      [],
    );
    for (const socket of [blockers, blockeds]) {
      expect(socket.heard).to.deep.equal([]);
      socket.close();
    }
  });

  it('leaves nothing personal anywhere in the database', async () => {
    const [ann, bob] = await buildFriends(app.url);
    await ann.rest('PATCH', '/api/users/me', { nickname: 'Uniquely Named', bio: 'quite unmistakable' });
    await remove(ann);
    const names = await database.db?.listCollections().toArray();
    for (const { name } of names ?? []) {
      const text = JSON.stringify(await database.collection(name).find().toArray());
      for (const trace of [ann.email, 'Uniquely Named', 'uniquely', 'quite unmistakable'])
        expect(text, `${trace} in ${name}`).to.not.contain(trace);
    }
    expect((await bob.rest('GET', '/api/users/me')).status).to.equal(200);
  });

  it('ends every way back in, and frees the e-mail at once', async () => {
    const ann = await buildUser(app.url);
    await remove(ann);
    expect((await ann.rest('GET', '/api/users/me')).status).to.equal(401);
    const post = (path: string, body: object) => rest(app.url, { method: 'POST', path, body });
    const { refreshToken, email, password } = ann;
    expect((await post('/api/auth/refresh-token', { refreshToken })).status).to.equal(401);
    expect((await post('/api/auth/login', { email, password })).body.code).to.equal('invalid_credentials');
    expect((await remove(ann)).status, 'again').to.equal(401);
    expect((await buildUser(app.url, { email })).id).to.not.equal(ann.id);
  });

  it('wants a proof', async () => {
    const ann = await buildUser(app.url);
    const wrong = await ann.rest('DELETE', '/api/users/me', { proof: { currentPassword: 'wrong one' } });
    expect(wrong.body).to.include({ status: 403, code: 'proof_invalid' });
    expect((await ann.rest('DELETE', '/api/users/me', {})).body.code).to.equal('validation_failed');
    expect((await ann.rest('GET', '/api/users/me')).status).to.equal(200);
    const body = { email: ann.email, purpose: 'delete_account' };
    await ann.rest('POST', '/api/auth/send-verification-code', body);
    const proof = { currentCode: await outbox.code(ann.email) };
    expect((await ann.rest('DELETE', '/api/users/me', { proof })).status).to.equal(200);
  });

  it('is taken up again by the next start if the process ended half-way', async () => {
    const [ann, bob] = await buildFriends(app.url);
    await befriend(ann, await buildUser(app.url));
    // as the first write leaves it, and nothing after it
    const first = { email: null, nickname: 'Deleted account', deletedAt: new Date(), isErasing: true };
    await database.collection('users').updateOne({ _id: idOf(ann) }, { $set: first });
    expect((await bob.rest('GET', `/api/users/${ann.id}`)).body.deleted).to.equal(true);
    const restarted = await startApp({ mongodbUri: app.mongodbUri });
    const isDone = async () => {
      const user = await database.collection('users').findOne({ _id: idOf(ann) });
      return user?.isErasing === undefined;
    };
    while (!(await isDone())) await new Promise((resolve) => setImmediate(resolve));
    expect((await bob.rest('GET', '/api/friends')).body.items).to.deep.equal([]);
    expect(await database.collection('sessions').countDocuments({ userId: idOf(ann) })).to.equal(0);
    await restarted.close();
  });
});
