import { expect } from 'chai';
import { befriend, buildFriends, buildUser, logInAgain, type TestUser } from '../support/builders.ts';
import type { TestSocket } from '../support/clients.ts';
import { endFriendship } from '../support/friendship.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

describe('typing_status', () => {
  let app: TestApp;
  let ann: TestUser;
  let bob: TestUser;
  let anns: TestSocket;
  let bobs: TestSocket;
  let sockets: TestSocket[];

  before(async () => {
    app = await startApp();
  });
  beforeEach(async () => {
    sockets = [];
    [ann, bob] = await buildFriends(app.url);
    [anns, bobs] = [await connect(ann), await connect(bob)];
  });
  afterEach(() => {
    for (const socket of sockets) socket.close();
  });
  after(() => app.close());

  async function connect(user: TestUser): Promise<TestSocket> {
    const socket = await user.connect();
    sockets.push(socket);
    return socket;
  }

  /** Something that the socket hears after everything that was told before. */
  async function markerTo(socket: TestSocket, receiver: TestUser): Promise<void> {
    const friend = await buildUser(app.url);
    await befriend(friend, receiver);
    await friend.rest('POST', `/api/messages/private/${receiver.id}`, { content: 'marker' });
    await socket.next('new_private_message');
  }

  it('is heard on every device of the friend, by nobody else, and answers nothing', async () => {
    const secondBobs = await connect(await logInAgain(app.url, bob));
    const secondAnns = await connect(await logInAgain(app.url, ann));
    const [stranger, third] = [await buildUser(app.url), await buildUser(app.url)];
    await befriend(ann, third);
    const others = [await connect(stranger), await connect(third), secondAnns, anns];
    expect(await anns.call('typing_status', { to: bob.id, isTyping: true })).to.equal(null);
    await anns.call('typing_status', { to: bob.id, isTyping: false });
    for (const socket of [bobs, secondBobs]) {
      expect(await socket.next('typing_status_update')).to.deep.equal({ from: ann.id, isTyping: true });
      expect(await socket.next('typing_status_update')).to.deep.equal({ from: ann.id, isTyping: false });
    }
    for (const [index, user] of [stranger, third, ann, ann].entries()) {
      const socket = others[index] as TestSocket;
      await markerTo(socket, user);
      expect(socket.untaken('typing_status_update')).to.deep.equal([]);
    }
  });

  it('ends by itself after 6 s', async () => {
    const startedAt = Date.now();
    await anns.call('typing_status', { to: bob.id, isTyping: true });
    await bobs.next('typing_status_update');
    expect(await bobs.next('typing_status_update')).to.deep.equal({ from: ann.id, isTyping: false });
    expect(Date.now() - startedAt).to.be.within(5900, 7500);
  });

  it('is passed on once in 3 s, however often it is said', async () => {
    for (let count = 0; count < 20; count++) await anns.call('typing_status', { to: bob.id, isTyping: true });
    await anns.call('typing_status', { to: bob.id, isTyping: false });
    expect(await bobs.next('typing_status_update')).to.include({ isTyping: true });
    expect(await bobs.next('typing_status_update')).to.include({ isTyping: false });
    await anns.call('typing_status', { to: bob.id, isTyping: false });
    await markerTo(bobs, bob);
    expect(bobs.untaken('typing_status_update')).to.deep.equal([]);
  });

  it('ends as it was said last, also where everything is said at once', async () => {
    const said = Array.from({ length: 21 }, (_, index) => index % 2 === 0);
    await Promise.all(
      [...said, false].map((isTyping) => anns.call('typing_status', { to: bob.id, isTyping })),
    );
    await markerTo(bobs, bob);
    expect(bobs.untaken('typing_status_update').at(-1)).to.deep.equal({ from: ann.id, isTyping: false });
  });

  it('ends when the message is sent', async () => {
    await anns.call('typing_status', { to: bob.id, isTyping: true });
    await anns.call('private_message', { receiverId: bob.id, content: 'x' });
    expect(await bobs.next('typing_status_update')).to.include({ isTyping: true });
    expect(await bobs.next('typing_status_update')).to.include({ isTyping: false });
  });

  it('ends when the socket closes that typed, not when another one does', async () => {
    const second = await connect(ann);
    await anns.call('typing_status', { to: bob.id, isTyping: true });
    second.close();
    await bobs.next('typing_status_update');
    await markerTo(bobs, bob);
    expect(bobs.untaken('typing_status_update')).to.deep.equal([]);
    const closedAt = Date.now();
    anns.close();
    expect(await bobs.next('typing_status_update')).to.deep.equal({ from: ann.id, isTyping: false });
    expect(Date.now() - closedAt).to.be.below(2000);
  });

  it('is refused alike for strangers, ex-friends, nobody and oneself, and nobody hears it', async () => {
    const [stranger, ex] = [await buildUser(app.url), await buildUser(app.url)];
    await befriend(ann, ex);
    await endFriendship(app, ann, ex);
    const listening = [await connect(stranger), await connect(ex)];
    const problems = [];
    for (const to of [stranger.id, ex.id, 'f'.repeat(24), ann.id]) {
      const { requestId: _, ...problem } = await anns.refused(
        'typing_status',
        { to, isTyping: true },
        'not_allowed',
      );
      problems.push(problem);
    }
    for (const problem of problems) expect(problem).to.deep.equal(problems[0]);
    for (const [index, user] of [stranger, ex].entries()) {
      const socket = listening[index] as TestSocket;
      await markerTo(socket, user);
      expect(socket.untaken('typing_status_update')).to.deep.equal([]);
    }
  });

  it('passes nothing on once they are no friends any more, not even its end', async () => {
    const third = await buildUser(app.url);
    await befriend(ann, third);
    const thirds = await connect(third);
    await anns.call('typing_status', { to: bob.id, isTyping: true });
    await bobs.next('typing_status_update');
    await endFriendship(app, ann, bob);
    await anns.call('typing_status', { to: third.id, isTyping: true });
    await thirds.next('typing_status_update');
    // ends after what was begun before
    await thirds.next('typing_status_update');
    await markerTo(bobs, bob);
    expect(bobs.untaken('typing_status_update')).to.deep.equal([]);
  });

  it('in a group that one is not in is not found', async () => {
    await anns.refused('typing_status', { groupId: 'a'.repeat(24), isTyping: true }, 'not_found');
  });

  it('wants one place to type in, and true or false', async () => {
    const to = bob.id;
    for (const input of [
      { isTyping: true },
      { to, groupId: to, isTyping: true },
      { to },
      { to, isTyping: 'true' },
      { to, isTyping: 1 },
      { to: null, isTyping: true },
      { to: { $ne: null }, isTyping: true },
      { to: 'bob', isTyping: true },
      { groupId: 7, isTyping: true },
      null,
      [],
    ])
      await anns.refused('typing_status', input, 'validation_failed');
  });

  it('is limited where it floods, not at one event per second', async () => {
    const limited = await startApp({ hasRateLimits: true });
    const [from, to] = await buildFriends(limited.url);
    const socket = await from.connect();
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => socket.emit('typing_status', { to: to.id, isTyping: true })),
    );
    const refused = answers.flatMap((answer) => (answer.ok ? [] : [answer.error.code]));
    expect(new Set(refused)).to.deep.equal(new Set(['rate_limited']));
    expect(answers.length - refused.length).to.be.within(10, 60);
    socket.close();
    await limited.close();
  });
});
