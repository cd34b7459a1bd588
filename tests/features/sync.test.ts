import { expect } from 'chai';
import type { EventInput, EventOutput } from '../../src/contracts.ts';
import { befriend, buildFriends, buildUser, type TestUser } from '../support/builders.ts';
import type { TestSocket } from '../support/clients.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

type Sync = EventOutput<'sync'>;
type SyncItem = Sync['items'][number];

/** Repeats the same body with `cursor` until the end, as a client does. */
async function syncAll(
  socket: TestSocket,
  body: { conversations?: Record<string, number>; since?: string; limit?: number },
) {
  const pages: Sync[] = [];
  let cursor: string | undefined;
  do {
    const page: Sync = await socket.call('sync', { ...body, cursor });
    pages.push(page);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return pages;
}

const seqs = ({ entries }: Pick<SyncItem, 'entries'>) => entries.map(({ seq }) => seq);

/** The one item that a sync has to give. */
async function onlyItem(socket: TestSocket, body: EventInput<'sync'> = {}): Promise<SyncItem> {
  const { items } = await socket.call('sync', body);
  expect(items).to.have.length(1);
  return items[0] as SyncItem;
}

async function sendMany(socket: TestSocket, receiverId: string, count: number): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, (_, index) =>
      socket.call('private_message', { receiverId, content: `m${index}` }),
    ),
  );
}

describe('conversations: sync', () => {
  let app: TestApp;
  let ann: TestUser;
  let bob: TestUser;
  let mouth: TestSocket;
  let ear: TestSocket;

  before(async () => {
    app = await startApp();
  });
  beforeEach(async () => {
    [ann, bob] = await buildFriends(app.url);
    [mouth, ear] = await Promise.all([ann.connect(), bob.connect()]);
  });
  afterEach(() => {
    mouth.close();
    ear.close();
  });
  after(() => app.close());

  it('shows somebody new everything: no conversation before its first message, all lists stale', async () => {
    const { since, ...rest } = await ear.call('sync', {});
    expect(rest).to.deep.equal({
      items: [],
      gone: [],
      stale: ['friends', 'requests', 'blacklist', 'profile'],
      nextCursor: null,
    });
    expect(since).to.be.a('string');
  });

  it('gives a conversation not named with its newest entries and its whole Conversation', async () => {
    await sendMany(mouth, bob.id, 60);
    const own = await ear.call('private_message', { receiverId: ann.id, content: 'answer' });
    const item = await onlyItem(ear);
    expect(item.reset).to.equal('new');
    expect(seqs(item)).to.deep.equal(Array.from({ length: 50 }, (_, index) => 12 + index));
    expect(item.conversation).to.deep.include({
      headSeq: 61,
      unread: 60,
      mentioned: 0,
      pinned: false,
      muted: false,
    });
    expect(item.conversation).to.deep.include({
      readSeq: 0,
      deliveredSeq: 0,
      peerReadSeq: 0,
      peerDeliveredSeq: 0,
    });
    expect(item.conversation.lastMessage?.id).to.equal(own.id);
    expect(item.conversation.peer).to.include({ id: ann.id, relation: 'friend' });
    expect(item.conversation.updatedAt).to.equal(own.createdAt);
  });

  it('gives what lies above a named seq without a hole, and nothing of what I have', async () => {
    await sendMany(mouth, bob.id, 5);
    const first = await ear.call('sync', {});
    const { id } = (first.items as [SyncItem])[0].conversation;
    await sendMany(mouth, bob.id, 3);
    const { items, stale } = await ear.call('sync', { conversations: { [id]: 5 }, since: first.since });
    expect(items.map((item) => [seqs(item), item.reset])).to.deep.equal([[[6, 7, 8], undefined]]);
    expect(stale).to.deep.equal([]);
    const nothing = await ear.call('sync', { conversations: { [id]: 8 }, since: first.since });
    expect(nothing.items.flatMap(seqs)).to.deep.equal([]);
    const calm = await ear.call('sync', { conversations: { [id]: 8 }, since: nothing.since });
    expect(calm.items).to.deep.equal([]);
  });

  it('resets a conversation of which I claim more than there is', async () => {
    await sendMany(mouth, bob.id, 3);
    const item = await onlyItem(ear);
    const { items } = await ear.call('sync', { conversations: { [item.conversation.id]: 4 } });
    expect(items.map((reset) => [seqs(reset), reset.reset])).to.deep.equal([[[1, 2, 3], 'cursor_expired']]);
  });

  it('names ids that mean nothing to me as gone, other people’s conversations among them', async () => {
    const [carol, dan] = await buildFriends(app.url);
    const stranger = await carol.connect();
    const { conversationId } = await stranger.call('private_message', {
      receiverId: dan.id,
      content: 'ours',
    });
    const unknown = 'ffffffffffffffffffffffff';
    const { items, gone } = await ear.call('sync', { conversations: { [conversationId]: 1, [unknown]: 7 } });
    expect(items).to.deep.equal([]);
    expect(gone).to.have.members([conversationId, unknown]);
    stranger.close();
  });

  it('leads through many conversations in pages of a limit, each entry once, ascending, `since` fixed on the first', async () => {
    const friends = await Promise.all(Array.from({ length: 5 }, () => buildUser(app.url)));
    for (const friend of friends) {
      await befriend(friend, bob);
      const socket = await friend.connect();
      await sendMany(socket, bob.id, 30);
      socket.close();
    }
    const known = await ear.call('sync', { limit: 500 });
    const conversations = Object.fromEntries(known.items.map(({ conversation }) => [conversation.id, 3]));
    const pages = await syncAll(ear, { conversations, limit: 7 });
    expect(pages.length).to.be.above(10);
    expect(new Set(pages.map(({ since }) => since)).size).to.equal(1);
    expect(pages.every(({ items }) => items.flatMap(({ entries }) => entries).length <= 7)).to.equal(true);
    const entries = pages.flatMap(({ items }) => items.flatMap((item) => item.entries));
    for (const id of Object.keys(conversations)) {
      const own = entries.filter(({ conversationId }) => conversationId === id);
      expect(seqs({ entries: own })).to.deep.equal(Array.from({ length: 27 }, (_, index) => index + 4));
    }
    expect(pages.flatMap(({ items }) => items).every(({ reset }) => reset === undefined)).to.equal(true);
  });

  it('leaves unnamed conversations out when asked in parts', async () => {
    await sendMany(mouth, bob.id, 1);
    expect((await ear.call('sync', { partial: true })).items).to.deep.equal([]);
  });

  it('ends a page at 256 KiB', async () => {
    const content = '字'.repeat(4000);
    for (let count = 0; count < 45; count++)
      await mouth.call('private_message', { receiverId: bob.id, content });
    const { conversation } = await onlyItem(ear);
    const pages = await syncAll(ear, { conversations: { [conversation.id]: 0 } });
    for (const page of pages) expect(Buffer.byteLength(JSON.stringify(page))).to.be.below(270 * 1024);
    expect(pages.flatMap(({ items }) => items.flatMap(seqs))).to.deep.equal(
      Array.from({ length: 45 }, (_, index) => index + 1),
    );
  });

  it('says which lists changed since the last time, once', async () => {
    const { since } = await ear.call('sync', {});
    const carol = await buildUser(app.url);
    await carol.rest('POST', '/api/friends/add', { userId: bob.id });
    const asked = await ear.call('sync', { since });
    expect(asked.stale).to.deep.equal(['requests']);
    await bob.rest('POST', `/api/friends/${carol.id}/accept`);
    const accepted = await ear.call('sync', { since: asked.since });
    expect(accepted.stale).to.deep.equal(['friends', 'requests']);
    await bob.rest('PATCH', '/api/users/me', { bio: 'new' });
    const changed = await ear.call('sync', { since: accepted.since });
    expect(changed.stale).to.deep.equal(['profile']);
    expect((await ear.call('sync', { since: changed.since })).stale).to.deep.equal([]);
  });

  it('says which lists changed to whom it may: my remark and my blacklist to me alone', async () => {
    const staleOf = async (socket: TestSocket, since: string) => (await socket.call('sync', { since })).stale;
    let { since: mine } = await mouth.call('sync', {});
    let { since: theirs } = await ear.call('sync', {});
    const stale = async () => {
      const [own, other] = [
        await mouth.call('sync', { since: mine }),
        await ear.call('sync', { since: theirs }),
      ];
      [mine, theirs] = [own.since, other.since];
      return [own.stale, other.stale];
    };
    const does = async (method: string, path: string, body?: object) =>
      expect((await ann.rest(method, `/api/friends/${path}`, body)).status).to.be.below(300);
    await does('PUT', `${bob.id}/remark`, { remark: 'Bobby' });
    expect(await stale()).to.deep.equal([['friends'], []]);
    await does('POST', 'blacklist', { userId: bob.id });
    expect(await stale()).to.deep.equal([['friends', 'blacklist'], ['friends']]);
    await bob.rest('POST', '/api/friends/add', { userId: ann.id });
    expect(await stale(), 'a hidden request').to.deep.equal([[], ['requests']]);
    await does('DELETE', `blacklist/${bob.id}`);
    expect(await stale(), 'it is seen now').to.deep.equal([['requests', 'blacklist'], []]);
    await does('POST', `${bob.id}/reject`);
    expect(await stale()).to.deep.equal([['requests'], ['requests']]);
    expect([await staleOf(mouth, mine), await staleOf(ear, theirs)]).to.deep.equal([[], []]);
  });

  it('after having been away gives exactly what the others have seen', async () => {
    await sendMany(mouth, bob.id, 10);
    ear.close();
    await sendMany(mouth, bob.id, 120);
    const back = await bob.connect();
    const { conversation } = await onlyItem(back);
    const pages = await syncAll(back, { conversations: { [conversation.id]: 10 }, limit: 50 });
    const history = await back.call('message_history', { friendId: ann.id, after: 10, limit: 100 });
    const rest = await back.call('message_history', { friendId: ann.id, after: 110, limit: 100 });
    expect(pages.flatMap(({ items }) => items.flatMap(({ entries }) => entries))).to.deep.equal([
      ...history.items,
      ...rest.items,
    ]);
    back.close();
  });

  it('counts unread to 1000 and no further, whatever I wrote since', async () => {
    await sendMany(mouth, bob.id, 1010);
    await sendMany(ear, ann.id, 10);
    const theirs = await onlyItem(ear);
    expect(theirs.conversation.unread).to.equal(1000);
    const mine = await onlyItem(mouth);
    expect(mine.conversation.unread).to.equal(10);
  });

  it('answers forged cursors by name', async () => {
    const forge = (position: unknown) => Buffer.from(JSON.stringify(position)).toString('base64url');
    const { since } = await ear.call('sync', {});
    for (const after of ['z'.repeat(24), 'short', 'A'.repeat(24)]) {
      const cursor = forge({ since, after, within: 1 });
      await ear.refused('sync', { cursor }, 'validation_failed');
    }
    await ear.refused('sync', { since: forge({ at: -9007199254740991, seen: [] }) }, 'validation_failed');
    await ear.refused('sync', { since: forge({ at: 9007199254740991, seen: [] }) }, 'validation_failed');
    const first = { cursor: forge({ since, after: '0'.repeat(24), within: 1 }) };
    expect((await ear.call('sync', first)).items).to.deep.equal([]);
  });

  it('is the same over REST', async () => {
    await sendMany(mouth, bob.id, 2);
    const { status, body } = await bob.rest('POST', '/api/sync', {});
    expect(status).to.equal(200);
    expect(body.items).to.deep.equal((await ear.call('sync', {})).items);
  });

  const refused: [string, object][] = [
    ['an id that is none', { conversations: { short: 1 } }],
    ['a negative seq', { conversations: { ffffffffffffffffffffffff: -1 } }],
    ['a seq beyond 2^53', { conversations: { ffffffffffffffffffffffff: 2 ** 53 } }],
    ['a foreign cursor', { cursor: 'bm90IG91cnM' }],
    ['a foreign since', { since: 'bm90IG91cnM' }],
    ['a limit of 501', { limit: 501 }],
    ['an unknown field', { conversation: {} }],
    [
      '1,001 conversations',
      {
        conversations: Object.fromEntries(
          Array.from({ length: 1001 }, (_, n) => [n.toString(16).padStart(24, '0'), 1]),
        ),
      },
    ],
  ];
  for (const [what, input] of refused) {
    it(`refuses ${what}`, async () => {
      await ear.refused('sync', input, 'validation_failed');
    });
  }
});
