import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { buildFriends, type TestUser } from './support/builders.ts';
import { ChatProcess } from './support/chat-process.ts';
import { openCuttableProxy } from './support/cuttable-proxy.ts';
import { startApp, type TestApp } from './support/start-app.ts';

describe('npm run chat', () => {
  let app: TestApp;
  const open: ChatProcess[] = [];
  before(async () => {
    app = await startApp();
  });
  afterEach(() => {
    for (const chat of open.splice(0)) chat.kill();
  });
  after(() => app.close());

  function start(url = app.url): ChatProcess {
    const chat = new ChatProcess('--url', url);
    open.push(chat);
    return chat;
  }

  async function logIn({ email, password }: TestUser, url = app.url): Promise<ChatProcess> {
    const chat = start(url);
    chat.type(email, password);
    await chat.sees('/help shows what you can do');
    return chat;
  }

  it('registers two people, who become friends and hear each other', async () => {
    const unique = `${process.pid}-${Date.now()}`;
    const [ann, bob] = [start(), start()];
    ann.type(`ann-${unique}@example.com`, 'correct horse', 'y', 'Ann');
    bob.type(`bob-${unique}@example.com`, 'correct horse', 'y', 'Bob');
    await Promise.all([ann.sees('Hello Ann'), bob.sees('Hello Bob')]);

    ann.type(`/add bob-${unique}@example.com`);
    await bob.sees('Ann asks to be your friend');
    bob.type('/accept');
    await Promise.all([ann.sees('You and Bob are friends now'), bob.sees('You and Ann are friends now')]);

    ann.type('hello', '你好');
    await bob.sees('Ann: hello');
    await bob.sees('Ann: 你好');
    await ann.sees('✓ #2');
    bob.type('good to hear you');
    await ann.sees('Bob: good to hear you');
    expect(await Promise.all([ann.end(), bob.end()])).to.deep.equal([0, 0]);
  });

  it('begins with the only friend, shows the latest messages, and tells of errors in words', async () => {
    const [ann, bob] = await buildFriends(app.url);
    await bob.rest('POST', `/api/messages/private/${ann.id}`, { content: 'while you were away' });
    const chat = await logIn(ann);
    await chat.sees(': while you were away');
    chat.type('/add nobody', '/dance', 'x'.repeat(4001));
    await chat.sees('email: ');
    await chat.sees('There is no /dance');
    await chat.sees('not sent to');
    expect(await chat.end()).to.equal(0);
  });

  it('tells what happens to messages, live and in the history', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const chat = await logIn(ann);
    await chat.sees('Write something!');
    const send = async (content: string) =>
      (await bob.rest('POST', `/api/messages/private/${ann.id}`, { content })).body.id;
    const [first, second] = [await send('first'), await send('second')];
    await bob.rest('PATCH', `/api/messages/${first}`, { content: 'better' });
    await chat.sees('(#1 is now: better)');
    await bob.rest('PUT', `/api/messages/${second}/reactions/${encodeURIComponent('👍')}`);
    await chat.sees('put 👍 on #2');
    await bob.rest('POST', `/api/messages/${second}/recall`);
    await chat.sees('recalled #2');
    await send('third');
    await chat.sees(': third');
    chat.type('/history');
    await chat.sees(': better (edited)');
    await chat.sees(': (recalled)');
    expect(chat.output).not.to.contain('system');
    expect(await chat.end()).to.equal(0);
  });

  it('prints nothing of a message that could take over the terminal', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const chat = await logIn(ann);
    await chat.sees('Write something!');
    await bob.rest('POST', `/api/messages/private/${ann.id}`, { content: 'red \u001b[31malert\u0007' });
    await chat.sees('red [31malert\n');
    expect(await chat.end()).to.equal(0);
  });

  describe('on a connection that breaks', () => {
    let hasty: TestApp;
    let proxy: Awaited<ReturnType<typeof openCuttableProxy>>;
    before(async () => {
      hasty = await startApp({ accessLifetimeSeconds: 2 });
      proxy = await openCuttableProxy(hasty.url);
    });
    after(async () => {
      await proxy.close();
      await hasty.close();
    });

    it('sends what was written offline once, hears what it missed once, and renews its token for that', async () => {
      const [ann, bob] = await buildFriends(hasty.url);
      const peer = await bob.connect();
      const chat = await logIn(ann, proxy.url);
      await chat.sees('Write something!');
      chat.type('before');
      await chat.sees('✓ #1');
      const expiresAt = Date.now() + 2000;

      proxy.cut();
      await chat.sees('The connection is lost');
      await peer.call('private_message', { receiverId: ann.id, content: 'missed' });
      chat.type('written offline');
      // nothing tells when an access token expires
      await delay(expiresAt - Date.now());
      proxy.mend();
      await chat.sees('Connected again');
      chat.type('after');
      await chat.sees('✓ #4');

      const { items } = await peer.call('message_history', { friendId: ann.id });
      const contents = ['before', 'missed', 'written offline', 'after'];
      expect(items.map(({ content }) => content)).to.deep.equal(contents);
      expect(chat.output.match(/: missed$/gm)).to.have.length(1);
      expect(await chat.end()).to.equal(0);
      peer.close();
    });
  });

  it('says so when no server answers', async () => {
    const chat = start('http://127.0.0.1:1');
    chat.type('ann@example.com', 'correct horse');
    await chat.sees('does not answer');
    expect(await chat.end()).to.equal(1);
  });
});
