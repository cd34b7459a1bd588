import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { expect } from 'chai';
import { buildUser, type TestUser } from '../support/builders.ts';
import { type RestAnswer, rest } from '../support/clients.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { createWitness, type Witness } from '../support/witness.ts';

const deepArray = `${'['.repeat(6000)}${']'.repeat(6000)}`;
const deepObject = `${'{"a":'.repeat(6000)}1${'}'.repeat(6000)}`;

const badBodies: [string, string][] = [
  ['cut JSON', '{"nickname":'],
  ['no JSON', 'nickname=x'],
  ['an array', '[{"nickname":"x"}]'],
  ['null', 'null'],
  ['a text', '"x"'],
  ['an array nested 6,000 deep', `{"a":${deepArray}}`],
  ['an object nested 6,000 deep', deepObject],
  ['a bare array nested 6,000 deep', deepArray],
  ['a lone surrogate', '{"nickname":"\\ud800"}'],
  ['a NUL', '{"nickname":"a\\u0000b"}'],
  ['an operator where a text belongs', '{"nickname":{"$ne":null}}'],
  ['a number where a text belongs', '{"nickname":1e400}'],
  ['__proto__ with a text of no kind', '{"__proto__":{"a":1},"nickname":[]}'],
];

const badPaths: [string, string][] = [
  ['a path of broken escapes', '/api/users/%E0%A4%A'],
  ['an id of 12 characters', '/api/users/abcdefghijkl'],
  ['an id of 24 other characters', `/api/users/${'z'.repeat(24)}`],
  ['an operator as id', '/api/users/%7B%22%24ne%22%3Anull%7D'],
  ['a NUL in the path', '/api/users/%00'],
  ['__proto__ as id', '/api/users/__proto__'],
  ['a long id', `/api/users/${'f'.repeat(8000)}`],
  ['a query parameter given twice', '/api/friends?limit=1&limit=2'],
  ['a limit that is no number', '/api/friends?limit=NaN'],
  ['a limit in another notation', '/api/friends?limit=1e2'],
  ['a limit of 2^53', '/api/friends?limit=9007199254740992'],
  ['a limit of nothing', '/api/friends?limit='],
  ['a cursor of its own making', '/api/friends?cursor=W10'],
];

describe('hostile input over REST', () => {
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

  function send(method: string, path: string, body?: string, headers?: Record<string, string>) {
    return rest(app.url, { method, path, body, token: attacker.token, ...(headers && { headers }) });
  }

  function isRefused(answer: RestAnswer, status: number, code: string): void {
    expect(answer.body).to.include({ status, code });
  }

  for (const [what, body] of badBodies) {
    it(`refuses as body ${what}`, async () => {
      isRefused(await send('PATCH', '/api/users/me', body), 400, 'validation_failed');
    });
  }

  for (const [what, bytes] of [
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0xc3])],
    ['UTF-8 that breaks off', Buffer.from('你').subarray(0, 2)],
    ['a surrogate in UTF-8', Buffer.from([0xed, 0xa0, 0x80])],
  ] as const) {
    it(`refuses a text of ${what}, in a body as in a query, and keeps what was`, async () => {
      const [before, after] = [Buffer.from('{"nickname":"a'), Buffer.from('"}')];
      const known = await send('GET', '/api/users/me');
      const answer = await fetch(`${app.url}/api/users/me`, {
        method: 'PATCH',
        headers: { authorization: `Bearer ${attacker.token}`, 'content-type': 'application/json' },
        body: Buffer.concat([before, bytes, after]),
      });
      const lone = await send('PATCH', '/api/users/me', '{"nickname":"\\ud800"}');
      const { requestId: _one, ...told } = (await answer.json()) as RestAnswer['body'];
      const { requestId: _other, ...expected } = lone.body;
      expect(told).to.deep.equal(expected);
      const escaped = [...bytes].map((byte) => `%${byte.toString(16)}`).join('');
      const query = await send('GET', `/api/users/search?q=a${escaped}`);
      isRefused(query, 400, 'validation_failed');
      expect(query.body.detail).to.equal(expected.detail);
      expect((await send('GET', '/api/users/me')).body).to.deep.equal(known.body);
    });
  }

  it('takes every text in a query that is escaped, as a form or as a URL does', async () => {
    for (const query of ['%E4%BD%A0+%f0%9f%98%80', '100%', '%zz', 'a%25ff'])
      expect((await send('GET', `/api/users/search?q=${query}`)).status, query).to.equal(200);
  });

  for (const [what, path] of badPaths) {
    it(`refuses ${what}`, async () => {
      const answer = await send('GET', path);
      expect(answer.body.code).to.be.oneOf(['validation_failed', 'not_found']);
    });
  }

  for (const name of [
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'limit[]',
    'direction[$ne]',
  ]) {
    it(`ignores a query parameter named ${name} as any it does not know`, async () => {
      expect((await send('GET', `/api/friends?${name}=1`)).status).to.equal(200);
      isRefused(await send('GET', `/api/auth/sessions?${name}x=1`), 400, 'validation_failed');
    });
  }

  it('ignores __proto__ and constructor in a body and pollutes nothing', async () => {
    const body = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
    const answer = await send('PATCH', '/api/users/me', body);
    expect(answer.status).to.equal(200);
    expect(({} as Record<string, unknown>).polluted).to.equal(undefined);
  });

  it('answers 415 to a body that is not said to be JSON', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'x']) {
      const answer = await send('PATCH', '/api/users/me', '{"nickname":"x"}', { 'content-type': type });
      isRefused(answer, 415, 'unsupported_media_type');
    }
  });

  it('answers 415 to an encoding it does not know, and to any character set but that of JSON', async () => {
    for (const charset of ['klingon', 'utf-16le', 'utf-7', 'iso-8859-1']) {
      const headers = { 'content-type': `application/json; charset=${charset}` };
      isRefused(await send('PATCH', '/api/users/me', '{}', headers), 415, 'unsupported_media_type');
    }
    const headers = { 'content-type': 'application/json; charset=UTF-8' };
    expect((await send('PATCH', '/api/users/me', '{}', headers)).status).to.equal(200);
    isRefused(
      await send('PATCH', '/api/users/me', '{}', { 'content-encoding': 'x-zip' }),
      415,
      'unsupported_media_type',
    );
  });

  it('answers 413 to a body above 100 KiB, and takes one just below', async () => {
    const bodyOf = (bytes: number) => `{"x":"${'a'.repeat(bytes - 8)}"}`;
    expect((await send('PATCH', '/api/users/me', bodyOf(100 * 1024))).status).to.equal(200);
    isRefused(await send('PATCH', '/api/users/me', bodyOf(100 * 1024 + 1)), 413, 'payload_too_large');
  });

  it('answers not_found to methods and paths that mean nothing', async () => {
    for (const [method, path] of [
      ['DELETE', '/api/auth/login'],
      ['PUT', '/api/friends'],
      ['GET', '/api/auth/register'],
      ['GET', '/api'],
      ['GET', '/'],
      ['GET', '/api/../../etc/passwd'],
      ['POST', '/api/no/such/thing'],
    ] as const) {
      isRefused(await send(method, path), 404, 'not_found');
    }
  });

  it('refuses a URL above what HTTP takes without ending', async () => {
    const call = request(`${app.url}/api/users/${'f'.repeat(100_000)}`);
    const answered = once(call, 'response');
    // the server closes while the rest of the URL is still on its way
    call.on('error', () => {});
    call.end();
    const [response] = (await answered) as [IncomingMessage];
    response.on('error', () => {});
    response.resume();
    expect(response.statusCode).to.equal(431);
  });

  it('closes a connection that does not speak HTTP', async () => {
    const connection = connect(Number(new URL(app.url).port), '127.0.0.1');
    connection.on('error', () => {});
    connection.write('\u0016\u0003\u0001 GET / NOTHTTP\r\n\r\n');
    connection.resume();
    await once(connection, 'close');
  });

  it('survives a client that leaves in the middle of its body', async () => {
    const headers = { 'content-type': 'application/json', 'content-length': '1000' };
    const call = request(`${app.url}/api/auth/login`, { method: 'POST', headers });
    call.on('error', () => {});
    const closed = new Promise((resolve) => call.on('close', resolve));
    call.write('{"email":', () => call.destroy());
    await closed;
  });

  it('tells what is wrong in Chinese with Accept-Language: zh-CN', async () => {
    const headers = { 'accept-language': 'zh-CN' };
    const answer = await send('PATCH', '/api/users/me', '{"nickname":5,"gender":"x"}', headers);
    expect(answer.body.title).to.equal('请求内容无效');
    for (const { message } of answer.body.errors as { message: string }[])
      expect(message).to.match(/\p{Script=Han}/u);
    expect((await send('GET', '/nothing', undefined, headers)).body.title).to.equal('未找到');
  });

  it('tells it in English to everybody else', async () => {
    for (const language of ['en-GB', 'fr', '*', ';;;', 'zh;q=0.1, en']) {
      const answer = await send('GET', '/nothing', undefined, { 'accept-language': language });
      expect(answer.body.title, language).to.equal('Not found');
    }
  });
});
