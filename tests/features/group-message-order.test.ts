import { expect } from 'chai';
import { Types } from 'mongoose';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import type { Entry } from '../../src/features/messages/messages.rules.ts';
import type { TestUser } from '../support/builders.ts';
import { TestSocket } from '../support/clients.ts';
import { freshDatabaseUri } from '../support/database.ts';
import { onDatabase } from '../support/friendship.ts';
import { buildGroup, createGroup, type TestGroup } from '../support/groups.ts';
import { checkLog, readWholeHistory } from '../support/log-checker.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { closeAll } from '../support/talk.ts';

const sendsPerSocket = 150;
const inFlight = 20;
const acksBefore = 100;

const connectTo = (app: TestApp, user: TestUser) => new TestSocket(app.url, user.token).connected();

/** Sends without waiting for acknowledgements. */
const sendAll = (socket: TestSocket, groupId: string, name: string): Promise<Message>[] =>
  Array.from({ length: sendsPerSocket }, (_, index) => {
    const content = `${name} ${index}`;
    return socket.call('group_message', { groupId, content, clientMessageId: content });
  });

/** What each sender sent stands in the log in sending order. */
function checkSenderOrder(log: readonly Message[], names: readonly string[]): void {
  for (const name of names) {
    const own = log.flatMap(({ content }) => {
      const [sender, index] = String(content).split(' ');
      return sender === name ? [Number(index)] : [];
    });
    expect(own, name).to.deep.equal(Array.from({ length: sendsPerSocket }, (_, index) => index));
  }
}

/** Everything that was pushed to a socket, as soon as there is so much. */
async function hearAll(socket: TestSocket, count: number): Promise<Message[]> {
  const heard: Message[] = [];
  while (heard.length < count) heard.push(await socket.next('new_group_message'));
  return heard;
}

/** Sends on and on until it is refused; answers what was stored, and with what it was refused. */
async function sendUntilRefused(
  socket: TestSocket,
  groupId: string,
  { name, onAck }: { name: string; onAck(count: number): void },
) {
  const stored: Message[] = [];
  const refusals: string[] = [];
  let count = 0;
  async function sendOn(): Promise<void> {
    while (refusals.length === 0) {
      const content = `${name} ${count++}`;
      const answer = await socket.emit('group_message', { groupId, content, clientMessageId: content });
      if (answer.ok) onAck(stored.push(answer.data as Message));
      else refusals.push(answer.error.code);
    }
  }
  await Promise.all(Array.from({ length: inFlight }, sendOn));
  return { stored, refusals };
}

/** All that is stored of a group's log, in its order. */
function entriesOf(app: TestApp, groupId: string): Promise<Entry[]> {
  return onDatabase(app, async (connection) => {
    const filter = { conversationId: new Types.ObjectId(groupId) };
    const found = connection.collection('messages').find(filter).sort({ seq: 1 });
    return (await found.toArray()) as unknown as Entry[];
  });
}

describe('messages: one order in groups', () => {
  let servers: [TestApp, TestApp];
  before(async () => {
    const mongodbUri = freshDatabaseUri();
    const jwtSecret = 'one secret for both servers of this test';
    servers = [await startApp({ mongodbUri, jwtSecret }), await startApp({ mongodbUri, jwtSecret })];
  });
  after(async () => {
    for (const server of servers) await server.close();
  });

  it('all members at once keep one dense log, each in their own order, and hear each message once', async () => {
    const { id: groupId, owner, members } = await buildGroup(servers[0].url, { memberCount: 4 });
    const sockets = await Promise.all([owner, ...members].map((user) => user.connect()));
    const names = sockets.map((_, index) => `member${index}`);
    const acknowledged = await Promise.all(
      sockets.flatMap((socket, index) => sendAll(socket, groupId, String(names[index]))),
    );
    const total = acknowledged.length;
    const log = await readWholeHistory(sockets[0] as TestSocket, { groupId });
    expect(log).to.have.length(total + 1);
    checkLog(log, acknowledged);
    checkSenderOrder(log, names);
    const people = [owner, ...members];
    for (const [index, socket] of sockets.entries()) {
      const heard = await hearAll(socket, total - sendsPerSocket);
      const expected = log.filter(
        ({ contentType, senderId }) => contentType === 'text' && senderId !== people[index]?.id,
      );
      expect(heard.map(({ seq }) => seq)).to.deep.equal(expected.map(({ seq }) => seq));
      expect(socket.untaken('new_group_message')).to.deep.equal([]);
    }
    closeAll(...sockets);
  });

  it('several groups of the same people are kept apart', async () => {
    const { id: firstId, owner, members } = await buildGroup(servers[0].url);
    const secondId = await createGroup(owner, members);
    const [mine, theirs] = [await owner.connect(), await members[0].connect()];
    const acknowledged = await Promise.all([
      ...sendAll(mine, firstId, 'a'),
      ...sendAll(theirs, secondId, 'b'),
      ...sendAll(theirs, firstId, 'c'),
      ...sendAll(mine, secondId, 'd'),
    ]);
    for (const [groupId, names] of [
      [firstId, ['a', 'c']],
      [secondId, ['b', 'd']],
    ] as const) {
      const log = await readWholeHistory(mine, { groupId });
      checkLog(
        log,
        acknowledged.filter((message) => message.groupId === groupId),
      );
      checkSenderOrder(log, names);
    }
    closeAll(mine, theirs);
  });

  it('two servers writing to one group at once keep one dense log, in each sender’s order', async () => {
    const { id: groupId, owner, members } = await buildGroup(servers[0].url);
    const [here, there, alsoThere] = (await Promise.all([
      connectTo(servers[0], owner),
      connectTo(servers[1], members[0]),
      connectTo(servers[1], members[1]),
    ])) as [TestSocket, TestSocket, TestSocket];
    const acknowledged = await Promise.all([
      ...sendAll(here, groupId, 'here'),
      ...sendAll(there, groupId, 'there'),
      ...sendAll(alsoThere, groupId, 'alsoThere'),
    ]);
    const log = await readWholeHistory(there, { groupId });
    expect(log).to.have.length(3 * sendsPerSocket + 1);
    checkLog(log, acknowledged);
    checkSenderOrder(log, ['here', 'there', 'alsoThere']);
    closeAll(here, there, alsoThere);
  });

  interface Silencing {
    title: string;
    code: string;
    /** The entry above which nothing of theirs may stand. */
    event: string;
    silence(group: TestGroup, userId: string): ReturnType<TestUser['rest']>;
  }
  const silencings: Silencing[] = [
    {
      title: 'a removal',
      code: 'not_found',
      event: 'group_member_removed',
      silence: ({ id, owner }, userId) => owner.rest('DELETE', `/api/groups/${id}/members/${userId}`),
    },
    {
      title: 'a mute',
      code: 'muted',
      event: 'group_member_muted',
      silence: ({ id, owner }, userId) =>
        owner.rest('PUT', `/api/groups/${id}/members/${userId}/mute`, { minutes: 10 }),
    },
    {
      title: 'a mute of all',
      code: 'muted',
      event: 'group_updated',
      silence: ({ id, owner }) => owner.rest('PUT', `/api/groups/${id}/mute`),
    },
    {
      title: 'the end of the group',
      code: 'not_found',
      event: 'group_dissolved',
      silence: ({ id, owner }) => owner.rest('DELETE', `/api/groups/${id}`),
    },
  ];

  for (const { title, code, event, silence } of silencings)
    for (const where of [0, 1] as const)
      it(`${title} at full speed ${where === 0 ? 'on the same' : 'from another'} server has nothing above it, and holds from its acknowledgement on`, async () => {
        const group = await buildGroup(servers[0].url);
        const [ann] = group.members;
        const socket = await connectTo(servers[where], ann);
        let silenced: Promise<unknown> | null = null;
        const { stored, refusals } = await sendUntilRefused(socket, group.id, {
          name: 'ann',
          onAck(count) {
            if (count !== acksBefore) return;
            silenced = silence(group, ann.id).then(async ({ status, body }) => {
              expect(status, JSON.stringify(body)).to.be.below(300);
              await socket.refused('group_message', { groupId: group.id, content: 'after' }, code as never);
            });
          },
        });
        await silenced;
        expect(new Set(refusals)).to.deep.equal(new Set([code]));
        const log = await entriesOf(servers[0], group.id);
        expect(log.map(({ seq }) => seq)).to.deep.equal(log.map((_, index) => index + 1));
        const end = log.find(({ groupChange }) => groupChange?.event === event);
        const own = log.filter(({ contentType }) => contentType === 'text');
        expect(own.map(({ seq }) => seq)).to.have.members(stored.map(({ seq }) => seq));
        expect(own.at(-1)?.seq).to.be.below(Number(end?.seq));
        socket.close();
      });
});
