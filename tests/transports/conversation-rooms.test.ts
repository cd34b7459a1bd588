import { once } from 'node:events';
import { expect } from 'chai';
import { TestSocket } from '../support/clients.ts';
import { holdHandshakes, type SocketApp, startSocketApp } from '../support/socket-app.ts';
import { WsClient } from '../support/ws-client.ts';

type Client = TestSocket | WsClient;

const kinds: Record<string, (url: string, token: string) => Promise<Client>> = {
  'Socket.IO': (url, token) => new TestSocket(url, token).connected(),
  '/ws, by header': WsClient.withHeader,
  '/ws, by frame': WsClient.withFrame,
};

let app: SocketApp;
let clients: Client[];
let count = 0;

/** A person whom nobody else in the suite knows. */
const somebody = () => `user${count++}`;
const aGroup = () => `group${count++}`;

async function open(kind: string, userId: string): Promise<Client> {
  const client = await kinds[kind]?.(app.url, userId);
  if (!client) throw new Error(`No kind ${kind}`);
  clients.push(client);
  return client;
}

/** A socket of each kind. */
function openAll(userId: string): Promise<Client[]> {
  return Promise.all(Object.keys(kinds).map((kind) => open(kind, userId)));
}

function push(conversationId: string, mark: number, exceptUserId?: string): void {
  const data = { reconnectInMs: mark };
  const event = 'server_restart';
  app.delivery.toConversation({
    conversationId,
    event,
    data,
    originSocketId: null,
    ...(exceptUserId && { exceptUserIds: [exceptUserId] }),
  });
}

/** The marks that a client has heard, from the last time it was asked until now. */
async function marksOf(client: Client, userId: string): Promise<number[]> {
  const last = 999_999;
  const data = { reconnectInMs: last };
  app.delivery.toUsers({ userIds: [userId], event: 'server_restart', data, originSocketId: null });
  const marks: number[] = [];
  for (;;) {
    const { reconnectInMs } = await client.next('server_restart');
    if (reconnectInMs === last) return marks;
    marks.push(reconnectInMs);
  }
}

const marksOfAll = (some: Client[], userId: string) =>
  Promise.all(some.map((client) => marksOf(client, userId)));

beforeEach(() => {
  clients = [];
});

describe('rooms of conversations', () => {
  before(async () => {
    app = await startSocketApp();
  });
  beforeEach(() => {
    app.findGroupIds = async () => [];
  });
  afterEach(() => {
    for (const client of clients) client.close();
  });
  after(() => app.close());

  for (const kind of Object.keys(kinds)) {
    describe(kind, () => {
      it('a socket is in the rooms of all its groups when its client is told that it is in', async () => {
        const ann = somebody();
        const groups = Array.from({ length: 500 }, aGroup);
        const { isAsked, answer } = holdHandshakes(app);
        const opening = open(kind, ann);
        await isAsked;
        answer(groups);
        const client = await opening;
        for (const [mark, group] of groups.entries()) push(group, mark);
        expect(await marksOf(client, ann)).to.deep.equal([...groups.keys()]);
      });

      it('a move at any moment of a handshake counts, whatever the handshake has read', async () => {
        for (let turns = 0; turns <= 40; turns++) {
          const ann = somebody();
          const [left, closed, joined, kept] = [aGroup(), aGroup(), aGroup(), aGroup()];
          const { isAsked, answer } = holdHandshakes(app);
          const opening = open(kind, ann);
          await isAsked;
          if (turns > 0) answer([left, closed, kept]);
          for (let turn = 1; turn < turns; turn++)
            await (turns <= 20 ? Promise.resolve() : new Promise((resolve) => process.nextTick(resolve)));
          app.rooms.dismiss(left, [ann]);
          app.rooms.close(closed);
          app.rooms.admit(joined, [ann]);
          if (turns === 0) answer([left, closed, kept]);
          const client = await opening;
          for (const [mark, group] of [left, closed, joined, kept].entries()) push(group, mark);
          expect(await marksOf(client, ann), `after ${turns} turns`).to.deep.equal([2, 3]);
        }
      });

      it('of several moves during a handshake the last one counts', async () => {
        const ann = somebody();
        const [back, away] = [aGroup(), aGroup()];
        const { isAsked, answer } = holdHandshakes(app);
        const opening = open(kind, ann);
        await isAsked;
        app.rooms.dismiss(back, [ann]);
        app.rooms.admit(back, [ann]);
        app.rooms.admit(away, [ann]);
        app.rooms.dismiss(away, [ann]);
        answer([back, away]);
        const client = await opening;
        push(away, 1);
        push(back, 2);
        expect(await marksOf(client, ann)).to.deep.equal([2]);
      });

      it('a socket that closes leaves nothing behind', async () => {
        const [ann, group, joined] = [somebody(), aGroup(), aGroup()];
        app.findGroupIds = async () => [group];
        const client = await open(kind, ann);
        app.rooms.admit(joined, [ann]);
        expect(app.traces(ann, group)).to.be.above(0);
        const isGone = app.gone(ann);
        client.close();
        await isGone;
        expect(app.traces(ann, group) + app.traces(ann, joined)).to.equal(0);
      });
    });
  }

  it('admit, dismiss and close move every device at once: the push after the one is heard, the push after the other is not', async () => {
    const [ann, bob] = [somebody(), somebody()];
    const group = aGroup();
    const [anns, bobs] = await Promise.all([openAll(ann), openAll(bob)]);
    push(group, 1);
    app.rooms.admit(group, [ann, bob]);
    push(group, 2);
    app.rooms.dismiss(group, [ann]);
    push(group, 3);
    app.rooms.admit(group, [ann]);
    push(group, 4);
    app.rooms.close(group);
    push(group, 5);
    expect(await marksOfAll(anns, ann)).to.deep.equal(anns.map(() => [2, 4]));
    expect(await marksOfAll(bobs, bob)).to.deep.equal(bobs.map(() => [2, 3, 4]));
  });

  it('a push is heard once by everybody in the room, and by nobody else', async () => {
    const [ann, stranger, group, other] = [somebody(), somebody(), aGroup(), aGroup()];
    app.findGroupIds = async (userId) => (userId === ann ? [group] : [other]);
    const [anns, strangers] = await Promise.all([openAll(ann), openAll(stranger)]);
    push(group, 1);
    expect(await marksOfAll(anns, ann)).to.deep.equal(anns.map(() => [1]));
    expect(await marksOfAll(strangers, stranger)).to.deep.equal(strangers.map(() => []));
  });

  it('a push passes over every device of the person it excepts, and nobody else', async () => {
    const [ann, bob, group] = [somebody(), somebody(), aGroup()];
    app.findGroupIds = async () => [group];
    const [anns, bobs] = await Promise.all([openAll(ann), openAll(bob)]);
    push(group, 1, ann);
    expect(await marksOfAll(anns, ann)).to.deep.equal(anns.map(() => []));
    expect(await marksOfAll(bobs, bob)).to.deep.equal(bobs.map(() => [1]));
  });

  it('a push is not echoed to the socket that acts, but to the other devices of its person', async () => {
    const [ann, group] = [somebody(), aGroup()];
    app.findGroupIds = async () => [group];
    const [first, second, third] = (await openAll(ann)) as [TestSocket, WsClient, WsClient];
    await first.emit('say', { conversationId: group, mark: 1 });
    await second.ask({ type: 'say', conversationId: group, mark: 2 });
    expect(await marksOf(first, ann)).to.deep.equal([2]);
    expect(await marksOf(second, ann)).to.deep.equal([1]);
    expect(await marksOf(third, ann)).to.deep.equal([1, 2]);
  });

  describe('a handshake that cannot read the groups is refused and leaves nothing behind', () => {
    for (const kind of Object.keys(kinds)) {
      it(kind, async () => {
        const [ann, group] = [somebody(), aGroup()];
        const { isAsked, fail } = holdHandshakes(app);
        const refusal = refusalOf(kind, ann);
        await isAsked;
        app.rooms.admit(group, [ann]);
        fail(new Error('The database is away'));
        expect(await refusal).to.equal('unavailable');
        expect(app.traces(ann, group)).to.equal(0);
      });
    }
  });

  it('on /ws the answer to auth comes before anything that is pushed', async () => {
    const [ann, group] = [somebody(), aGroup()];
    const { isAsked, answer } = holdHandshakes(app);
    const client = await new WsClient(app.url).opened();
    clients.push(client);
    client.send({ type: 'auth', token: ann });
    await isAsked;
    answer([group]);
    for (let turn = 0; turn < 20; turn++) {
      push(group, turn);
      await Promise.resolve();
    }
    const first = await client.take(() => true);
    expect(await marksOf(client, ann)).to.include(19);
    expect(first.type).to.equal('ack');
  });

  it('what moves elsewhere is followed, unless there was a later move here while it was read', async () => {
    const [ann, joined, left, kept, back] = [somebody(), aGroup(), aGroup(), aGroup(), aGroup()];
    app.findGroupIds = async () => [left, kept, back];
    const anns = await openAll(ann);
    await app.rooms.follow([ann], async () => {
      app.rooms.admit(kept, [ann]);
      app.rooms.close(back);
      const isMember = { [joined]: true, [left]: false, [kept]: false, [back]: true };
      return Object.entries(isMember).map(([conversationId, is]) => ({
        conversationId,
        userId: ann,
        isMember: is,
      }));
    });
    for (const [mark, group] of [joined, left, kept, back].entries()) push(group, mark);
    expect(await marksOfAll(anns, ann)).to.deep.equal(anns.map(() => [0, 2]));
  });

  it('a socket that closes during its handshake leaves nothing behind', async () => {
    for (const kind of Object.keys(kinds)) {
      const [ann, group] = [somebody(), aGroup()];
      const { isAsked, answer } = holdHandshakes(app);
      const client =
        kind === 'Socket.IO' ? new TestSocket(app.url, ann) : new WsClient(app.url, headersOf(kind, ann));
      if (kind === '/ws, by frame') (await (client as WsClient).opened()).send({ type: 'auth', token: ann });
      await isAsked;
      client.close();
      await served();
      answer([group]);
      await served();
      expect(app.traces(ann, group), kind).to.equal(0);
    }
  });
});

const headersOf = (kind: string, token: string) =>
  kind === '/ws, by header' ? { headers: { authorization: `Bearer ${token}` } } : {};

/** The code by which the server refuses somebody. */
async function refusalOf(kind: string, token: string): Promise<string> {
  if (kind === 'Socket.IO') {
    const error = await new TestSocket(app.url, token).connected().then(
      () => null,
      (refused: Error) => refused,
    );
    return error?.message ?? 'none';
  }
  const client = new WsClient(app.url, headersOf(kind, token));
  if (kind === '/ws, by header') {
    const [, response] = await once(client.socket, 'unexpected-response');
    return response.statusCode === 503 ? 'unavailable' : String(response.statusCode);
  }
  const answer = await (await client.opened()).ask({ type: 'auth', token });
  expect(await client.closed()).to.equal(4401);
  return answer.error?.code ?? 'none';
}

/** Resolves when the server has served somebody who came later. */
async function served(): Promise<void> {
  const held = app.findGroupIds;
  app.findGroupIds = async () => [];
  const client = await open('Socket.IO', somebody());
  client.close();
  app.findGroupIds = held;
}
