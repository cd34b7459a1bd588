import { expect } from 'chai';
import { buildUser, type TestUser } from '../support/builders.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { createWitness, type Witness } from '../support/witness.ts';

/** Frames for which the protocol has no answer but the end of the connection. */
const fatal: [string, (string | Buffer)[]][] = [
  ['cut JSON', ['42[']],
  ['an event that is no array', ['42{"a":1}']],
  ['an event without a name', ['42[]']],
  ['an event whose name is an object', ['42[{}]']],
  ['a packet of no known type', ['49["x"]']],
  ['an Engine.IO packet of no known type', ['9']],
  ['an empty frame', ['']],
  ['an empty packet', ['4']],
  ['a second connect', ['40{}']],
  ['a connect refusal', ['44{"message":"x"}']],
  [
    'a placeholder without an attachment of its number',
    ['451-["x",{"_placeholder":true,"num":99999}]', Buffer.from('data')],
  ],
  ['a placeholder of a negative number', ['451-["x",{"_placeholder":true,"num":-1}]', Buffer.from('x')]],
  ['a placeholder named like a method', ['451-["x",{"_placeholder":true,"num":"splice"}]', Buffer.from('x')]],
  ['more attachments than anybody needs', ['45999999999-["x"]']],
  ['attachments that are no number', ['45x-["x"]']],
  ['an attachment to nothing', [Buffer.from('data')]],
  ['a text where an attachment was announced', ['451-["x",{"_placeholder":true,"num":0}]', '42["x"]']],
  [
    'an attachment inside 30,000 arrays',
    [`451-["x",${'['.repeat(30_000)}{"_placeholder":true,"num":0}${']'.repeat(30_000)}]`, Buffer.from('x')],
  ],
  ['a frame above 64 KiB', [`420["user_get",{"userId":"${'x'.repeat(65_536)}"}]`]],
  ['a binary frame above 64 KiB', [Buffer.alloc(65_537)]],
  ...['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'].map(
    (name): [string, string[]] => [`the reserved event ${name}`, [`42${JSON.stringify([name])}`]],
  ),
];

/** Frames that mean nothing and harm nobody, their sender included. */
const harmless: [string, string][] = [
  ['an answer to a question never asked', '4399999[{"ok":true}]'],
  ['an answer without data', '4399999'],
  ['an event without data', '42'],
  ['an event of another namespace’s form', '42["x"]'],
];

describe('malformed frames', () => {
  let app: TestApp;
  let witness: Witness;
  let attacker: TestUser;
  before(async () => {
    app = await startApp();
    [witness, attacker] = await Promise.all([createWitness(app.url), buildUser(app.url)]);
  });
  afterEach(() => witness.isServed());
  after(async () => {
    witness.close();
    await app.close();
  });

  for (const [what, frames] of fatal) {
    it(`closes the socket that sends ${what}, and no other`, async () => {
      const [raw, neighbour] = await Promise.all([
        RawSocket.joined(app.url, attacker.token),
        attacker.connect(),
      ]);
      for (const frame of frames) raw.send(frame);
      await raw.closed();
      await neighbour.call('profile_get', {});
      neighbour.close();
    });
  }

  for (const [what, frame] of harmless) {
    it(`goes on after ${what}`, async () => {
      const raw = await RawSocket.joined(app.url, attacker.token);
      raw.send(frame);
      raw.send('427["profile_get",{}]');
      expect(await raw.next('437[')).to.include('"ok":true');
      raw.cut();
    });
  }

  it('answers unknown_event to an event whose name is a number', async () => {
    const raw = await RawSocket.joined(app.url, attacker.token);
    raw.send('425[7,{}]');
    expect(await raw.next('435[')).to.include('"code":"unknown_event"');
    raw.cut();
  });

  it('answers an event of no name that wants an acknowledgement', async () => {
    const raw = await RawSocket.joined(app.url, attacker.token);
    raw.send('426');
    expect(await raw.next('436[')).to.include('"code":"unknown_event"');
    raw.cut();
  });

  it('refuses events before the namespace is joined', async () => {
    const raw = await RawSocket.opened(app.url);
    raw.send('420["profile_get",{}]');
    await raw.closed();
  });

  it('ends a connection that joins no namespace within 10 s', async () => {
    const raw = await RawSocket.opened(app.url);
    const startedAt = Date.now();
    await raw.closed();
    expect(Date.now() - startedAt).to.be.within(9500, 12_000);
  });

  it('refuses numbers that JSON cannot hold exactly', async () => {
    const raw = await RawSocket.joined(app.url, attacker.token);
    for (const [index, number] of ['1e400', '-1e400', '9007199254740992', '1e308'].entries()) {
      raw.send(`42${index}["friend_list",{"limit":${number}}]`);
      expect(await raw.next(`43${index}[`), number).to.include('"code":"validation_failed"');
    }
    raw.cut();
  });
});
