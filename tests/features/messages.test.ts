import { expect } from 'chai';
import { buildFriends, logInAgain } from '../support/builders.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

describe('messages: private_message', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  it('reaches every device of both sides but the acting one, whose acknowledgement carries it', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const annElsewhere = await logInAgain(app.url, ann);
    const sockets = await Promise.all([ann.connect(), annElsewhere.connect(), bob.connect(), bob.connect()]);
    const [acting, ownOther, ...peers] = sockets;
    const sent = await acting.call('private_message', {
      receiverId: bob.id,
      content: 'hello',
      clientMessageId: 'first',
    });
    expect(sent).to.include({
      seq: 1,
      content: 'hello',
      clientMessageId: 'first',
      status: 'sent',
      senderId: ann.id,
    });
    const { clientMessageId: _, ...pushed } = sent;
    for (const socket of [ownOther, ...peers])
      expect(await socket.next('new_private_message')).to.deep.equal(pushed);

    const marker = await ownOther.call('private_message', { receiverId: bob.id, content: 'marker' });
    expect(await acting.next('new_private_message')).to.deep.equal(marker);
    expect(acting.untaken('new_private_message')).to.deep.equal([]);
    for (const socket of sockets) socket.close();
  });

  it('is 201 over REST, and all of the sender’s sockets hear it', async () => {
    const [ann, bob] = await buildFriends(app.url);
    const socket = await ann.connect();
    const { status, body } = await ann.rest('POST', `/api/messages/private/${bob.id}`, {
      content: 'by REST',
    });
    expect(status).to.equal(201);
    expect((await socket.next('new_private_message')).id).to.equal(body.id);
    socket.close();
  });
});
