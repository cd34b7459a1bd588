import { expect } from 'chai';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { buildFriends, buildUser, type TestUser } from '../support/builders.ts';
import { rest, type TestSocket } from '../support/clients.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

describe('messages: message_history', () => {
  let app: TestApp;
  let ann: TestUser;
  let bob: TestUser;
  let socket: TestSocket;
  let sent: Message[];

  before(async () => {
    app = await startApp();
    [ann, bob] = await buildFriends(app.url);
    socket = await ann.connect();
    sent = await Promise.all(
      Array.from({ length: 120 }, (_, index) =>
        socket.call('private_message', {
          receiverId: bob.id,
          content: `${index}`,
          clientMessageId: `h${index}`,
        }),
      ),
    );
  });
  after(async () => {
    socket.close();
    await app.close();
  });

  it('gives the newest page first, ascending, and leads through all pages with `before`', async () => {
    const pages: Message[][] = [];
    let before: number | undefined;
    do {
      const page = await socket.call('message_history', { friendId: bob.id, limit: 50, before });
      pages.unshift(page.items);
      before = page.nextCursor ?? undefined;
    } while (before !== undefined);
    expect(pages.map(({ length }) => length)).to.deep.equal([20, 50, 50]);
    expect(pages.flat()).to.deep.equal(sent);
  });

  it('goes forward from `after`', async () => {
    const { items, nextCursor } = await socket.call('message_history', {
      friendId: bob.id,
      after: 30,
      limit: 2,
    });
    expect(items.map(({ seq }) => seq)).to.deep.equal([31, 32]);
    expect(nextCursor).to.equal(32);
    const end = await socket.call('message_history', { friendId: bob.id, after: 118 });
    expect([end.items.length, end.nextCursor]).to.deep.equal([2, null]);
  });

  it('shows clientMessageId to the sender only', async () => {
    const { body } = await bob.rest('GET', `/api/messages/private/${ann.id}?limit=1`);
    expect(body.items).to.have.length(1);
    expect((body.items as Message[])[0]).not.to.have.property('clientMessageId');
    const own = await socket.call('message_history', { friendId: bob.id, limit: 1 });
    expect(own.items[0]?.clientMessageId).to.equal('h119');
  });

  it('answers alike by its older name and by query', async () => {
    const one = await ann.rest('GET', `/api/messages/private/${bob.id}?before=10&limit=3`);
    const other = await ann.rest('GET', `/api/message/history/${bob.id}?before=10&limit=3`);
    expect(one.body).to.deep.equal(other.body);
    expect((one.body.items as Message[]).map(({ seq }) => seq)).to.deep.equal([7, 8, 9]);
  });

  it('ends a page at 256 KiB', async () => {
    const [carol, dan] = await buildFriends(app.url);
    const mouth = await carol.connect();
    const content = '字'.repeat(4000);
    for (let count = 0; count < 40; count++)
      await mouth.call('private_message', { receiverId: dan.id, content });
    const first = await mouth.call('message_history', { friendId: dan.id });
    expect(Buffer.byteLength(JSON.stringify(first))).to.be.below(257 * 1024);
    expect(first.items.at(-1)?.seq).to.equal(40);
    const before = first.nextCursor ?? 0;
    const second = await mouth.call('message_history', { friendId: dan.id, before });
    expect([...second.items, ...first.items].map(({ seq }) => seq)).to.deep.equal(
      Array.from({ length: 40 }, (_, index) => index + 1),
    );
    mouth.close();
  });

  it('is an empty page with a friend before the first message, and not found with anybody else', async () => {
    const [carol, dan] = await buildFriends(app.url);
    const { body } = await carol.rest('GET', `/api/messages/private/${dan.id}`);
    expect(body).to.deep.equal({ items: [], nextCursor: null });
    const stranger = await buildUser(app.url);
    const answers = await Promise.all(
      [stranger.id, 'ffffffffffffffffffffffff', carol.id].map((friendId) =>
        carol.rest('GET', `/api/messages/private/${friendId}`),
      ),
    );
    for (const { status, body } of answers) {
      expect(status).to.equal(404);
      expect({ ...body, requestId: '' }).to.deep.equal({ ...answers[0]?.body, requestId: '' });
    }
  });

  for (const query of [
    'before=0',
    'before=x',
    'after=-1',
    'limit=0',
    'limit=101',
    'before=5&after=1',
    'before=1e3',
  ]) {
    it(`refuses ${query}`, async () => {
      const { status, body } = await ann.rest('GET', `/api/messages/private/${bob.id}?${query}`);
      expect([status, body.code]).to.deep.equal([400, 'validation_failed']);
    });
  }

  it('wants a token', async () => {
    const { status, body } = await rest(app.url, {
      method: 'GET',
      path: `/api/messages/private/${bob.id}`,
    });
    expect([status, body.code]).to.deep.equal([401, 'unauthenticated']);
  });
});
