import { expect } from 'chai';
import { buildUser, type TestUser } from '../support/builders.ts';
import { TestSocket } from '../support/clients.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { createWitness, type Witness } from '../support/witness.ts';

const someId = 'f'.repeat(24);
const withPrototype: unknown = JSON.parse('{"__proto__":{"userId":"x"},"constructor":{"prototype":{}}}');

/** Arguments that no event takes as its input. */
const wrongForAll: [string, unknown[]][] = [
  ['null', [null]],
  ['undefined', [undefined]],
  ['a number', [42]],
  ['true', [true]],
  ['a text', ['text']],
  ['an array', [[{ userId: someId }]]],
  ['50 arguments', Array.from({ length: 50 }, () => ({ userId: someId }))],
  ['a lone surrogate', [{ userId: '\ud800', content: '\udfff' }]],
  ['a lone surrogate as key', [{ '\ud800': 1 }]],
  ['a NUL', [{ content: 'a\0b' }]],
  ['binary data', [Buffer.from('data')]],
  ['a binary member', [{ userId: Buffer.from('123456789012'), content: Buffer.from('data') }]],
];

const deepArray = `${'['.repeat(6000)}${']'.repeat(6000)}`;
const deepObject = `${'{"a":'.repeat(6000)}1${'}'.repeat(6000)}`;

/** Inputs that no Socket.IO client could encode. */
const wrongText: [string, string][] = [
  ['an array nested 6,000 deep', deepArray],
  ['an object nested 6,000 deep', deepObject],
  ['members nested 6,000 deep', `{"userId":${deepArray},"content":${deepObject}}`],
  ['an input nested one level too deep', `{"content":${'['.repeat(33)}${']'.repeat(33)}}`],
  ['one member 30,000 deep', `{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
];

/** Inputs that one event refuses. */
const wrongForOne: [string, string, object][] = [
  ['user_get', 'an operator where an id belongs', { userId: { $ne: null } }],
  ['user_get', 'an array of ids', { userId: [someId] }],
  ['user_get', 'an id of 12 characters', { userId: 'abcdefghijkl' }],
  ['user_get', 'an id of 24 other characters', { userId: 'z'.repeat(24) }],
  ['user_get', '__proto__ and constructor as keys', withPrototype as object],
  ['friend_accept', 'an operator where an id belongs', { friendId: { $gt: '' } }],
  ['friend_add', 'an operator where an e-mail belongs', { email: { $ne: null } }],
  ['friend_list', 'an operator where a cursor belongs', { cursor: { $exists: true } }],
  ['friend_list', 'a limit of 2^53', { limit: 2 ** 53 }],
  ['friend_list', 'a limit that is NaN', { limit: Number.NaN }],
  ['friend_list', 'a limit that is Infinity', { limit: Number.POSITIVE_INFINITY }],
  ['friend_list', 'a cursor of its own making', { cursor: Buffer.from('[[[[]]]]').toString('base64url') }],
  ['session_revoke', 'an operator where an id belongs', { sessionId: { $ne: null } }],
  ['private_message', 'an operator where an id belongs', { receiverId: { $ne: null }, content: 'x' }],
  ['private_message', 'a text that is an operator', { receiverId: someId, content: { $ne: null } }],
  ['message_history', 'a seq of 2^53', { friendId: someId, before: 2 ** 53 }],
  ['message_history', 'a seq of -1', { friendId: someId, after: -1 }],
  ['profile_update', 'an operator where a nickname belongs', { nickname: { $set: 'x' } }],
  ['profile_update', 'an operator in privacy', { privacy: { lastSeen: { $ne: null } } }],
  ['sync', 'conversations that are no ids', { conversations: { 'a.$b': 1 } }],
  ['sync', '__proto__ for an id', { conversations: JSON.parse('{"__proto__":1}') }],
  ['sync', 'a seq of 2^53', { conversations: { [someId]: 2 ** 53 } }],
];

const eventNames = [
  ...['logout', 'logout_all', 'session_list', 'session_revoke', 'profile_get', 'profile_update'],
  ...['user_get', 'friend_list', 'friend_add', 'friend_request_list', 'friend_accept'],
  ...['private_message', 'message_history', 'sync'],
];

describe('hostile input over Socket.IO', () => {
  let app: TestApp;
  let witness: Witness;
  let attacker: TestUser;
  let socket: TestSocket;
  before(async () => {
    app = await startApp();
    [witness, attacker] = await Promise.all([createWitness(app.url), buildUser(app.url)]);
    socket = await attacker.connect();
  });
  afterEach(() => witness.isServed());
  after(async () => {
    socket.close();
    witness.close();
    await app.close();
  });

  for (const [what, args] of wrongForAll) {
    it(`refuses ${what} to every event by name`, async () => {
      for (const event of eventNames) {
        const answer = await socket.emit(event, ...args);
        expect(answer, event).to.have.nested.property('error.code', 'validation_failed');
      }
    });
  }

  for (const [what, text] of wrongText) {
    it(`refuses ${what} to every event by name`, async () => {
      const raw = await RawSocket.joined(app.url, attacker.token);
      for (const event of eventNames) {
        expect(await raw.ask(event, text), event).to.include('"code":"validation_failed"');
      }
      raw.cut();
    });
  }

  for (const [event, what, input] of wrongForOne) {
    it(`refuses ${what} to ${event} by name`, async () => {
      await socket.refused(event, input, 'validation_failed');
    });
  }

  it('changes nothing and pollutes no prototype by what it refuses', async () => {
    const { nickname } = await socket.call('profile_get', {});
    await socket.emit('profile_update', withPrototype);
    await socket.refused('profile_update', { nickname: 'x', bio: { $ne: null } }, 'validation_failed');
    expect((await socket.call('profile_get', {})).nickname).to.equal(nickname);
    expect(({} as Record<string, unknown>).userId).to.equal(undefined);
  });

  for (const event of [
    'no_such_event',
    'error',
    '__proto__',
    'constructor',
    'toString',
    '',
    'ping',
    'message',
  ]) {
    it(`answers unknown_event to an event named ${JSON.stringify(event)}`, async () => {
      await socket.refused(event, {}, 'unknown_event');
    });
  }

  it('answers an event without any argument', async () => {
    expect(await socket.emit('profile_get')).to.have.property('ok', true);
  });

  it('takes events without an acknowledgement, good and bad', async () => {
    const emit = socket.socket.emit.bind(socket.socket) as (event: string, ...args: unknown[]) => void;
    for (const event of [...eventNames, 'no_such_event', 'error']) {
      emit(event, null);
      emit(event, [[[]]], 1, 2);
    }
    const elsewhere = await attacker.connect();
    emit('profile_update', { nickname: 'Unacknowledged' });
    expect((await elsewhere.next('profile_updated')).nickname).to.equal('Unacknowledged');
    elsewhere.close();
  });

  it('tells what is wrong in the language of the handshake', async () => {
    const extraHeaders = { 'accept-language': 'zh-CN,zh;q=0.9,en;q=0.5' };
    const chinese = await new TestSocket(app.url, attacker.token, { extraHeaders }).connected();
    const refusal = await chinese.refused('user_get', { userId: 5 }, 'validation_failed');
    expect(refusal.title).to.equal('请求内容无效');
    expect(refusal.errors?.[0]?.message).to.match(/\p{Script=Han}/u);
    chinese.close();
  });
});
