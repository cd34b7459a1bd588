import { expect } from 'chai';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { buildFriends, type TestUser } from '../support/builders.ts';
import { TestSocket } from '../support/clients.ts';
import { freshDatabaseUri } from '../support/database.ts';
import { checkLog, readWholeHistory } from '../support/log-checker.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const sendsPerSocket = 500;

/** Sends without waiting for acknowledgements; every tenth message is sent again at once over `repeatOver`. */
function sendAll(
  over: TestSocket,
  { receiverId, name, repeatOver }: { receiverId: string; name: string; repeatOver: TestSocket },
): Promise<Message>[] {
  return Array.from({ length: sendsPerSocket }, (_, index) => {
    const content = `${name} ${index}`;
    const message = { receiverId, content, clientMessageId: content };
    const first = over.call('private_message', message);
    if (index % 10 !== 0) return first;
    return Promise.all([first, repeatOver.call('private_message', message)]).then(([one, other]) => {
      expect(other, content).to.deep.equal(one);
      return one;
    });
  });
}

/** What one sender sent over one socket, and not over another too, stands in the log in sending order. */
function checkSenderOrder(log: readonly Message[], names: readonly string[]): void {
  for (const name of names) {
    const own = log.flatMap(({ content }) => {
      const [sender, index] = String(content).split(' ');
      return sender === name && Number(index) % 10 !== 0 ? [Number(index)] : [];
    });
    expect(own, name).to.deep.equal([...own].sort((one, other) => one - other));
  }
}

describe('messages: one order, once each', () => {
  it('2,000 sends over several sockets, a tenth of them repeated, stand once, dense and in sending order', async () => {
    const app = await startApp();
    const [ann, bob] = await buildFriends(app.url);
    const [a1, a2, b1, b2] = (await Promise.all([ann, ann, bob, bob].map((user) => user.connect()))) as [
      TestSocket,
      TestSocket,
      TestSocket,
      TestSocket,
    ];
    const acknowledged = await Promise.all([
      ...sendAll(a1, { receiverId: bob.id, name: 'a1', repeatOver: a2 }),
      ...sendAll(a2, { receiverId: bob.id, name: 'a2', repeatOver: a1 }),
      ...sendAll(b1, { receiverId: ann.id, name: 'b1', repeatOver: b2 }),
      ...sendAll(b2, { receiverId: ann.id, name: 'b2', repeatOver: b1 }),
    ]);
    const log = await readWholeHistory(a1, bob.id);
    expect(log).to.have.length(4 * sendsPerSocket);
    checkLog(log, acknowledged);
    checkSenderOrder(log, ['a1', 'a2', 'b1', 'b2']);
    for (const socket of [a1, a2, b1, b2]) socket.close();
    await app.close();
  });

  describe('two servers on one database', () => {
    let servers: [TestApp, TestApp];
    let people: [TestUser, TestUser];

    before(async () => {
      const mongodbUri = freshDatabaseUri();
      const jwtSecret = 'one secret for both servers of this test';
      servers = [await startApp({ mongodbUri, jwtSecret }), await startApp({ mongodbUri, jwtSecret })];
      people = await buildFriends(servers[0].url);
    });
    after(async () => {
      for (const server of servers) await server.close();
    });

    it('writing to the same conversation at once keep one dense log, in each sender’s order', async () => {
      const [ann, bob] = people;
      const here = await ann.connect();
      const there = await connectTo(servers[1], bob);
      const acknowledged = await Promise.all([
        ...sendAll(here, { receiverId: bob.id, name: 'here', repeatOver: here }),
        ...sendAll(there, { receiverId: ann.id, name: 'there', repeatOver: there }),
      ]);
      const log = await readWholeHistory(there, ann.id);
      expect(log).to.have.length(2 * sendsPerSocket);
      checkLog(log, acknowledged);
      checkSenderOrder(log, ['here', 'there']);
      here.close();
      there.close();
    });

    it('settle one clientMessageId to one message, wherever it is repeated', async () => {
      const [ann, bob] = people;
      const here = await ann.connect();
      const there = await connectTo(servers[1], ann);
      const message = { receiverId: bob.id, content: 'same', clientMessageId: 'same' };
      const answers = await Promise.all(
        [here, there, here, there].map((socket) => socket.call('private_message', message)),
      );
      for (const answer of answers) expect(answer).to.deep.equal(answers[0]);
      here.close();
      there.close();
    });
  });
});

function connectTo(server: TestApp, user: TestUser): Promise<TestSocket> {
  return new TestSocket(server.url, user.token).connected();
}
