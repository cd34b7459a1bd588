import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect } from 'chai';
import type { Problem } from '../../src/core/errors.ts';
import { answerRefusals } from '../../src/transports/http-refusals.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

interface Answer {
  status: number;
  headers: Map<string, string>;
  body: string;
}

/** What a server answers to these bytes until it closes the connection. */
async function exchange(port: number, ...packets: string[]): Promise<Answer[]> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  for (const packet of packets) {
    socket.write(packet, 'latin1');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  if (!socket.closed) await once(socket, 'close');
  return parse(Buffer.concat(chunks));
}

function parse(bytes: Buffer): Answer[] {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return [];
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const [name = '', value = ''] = line.split(/: ?(.*)/s);
      return [name.toLowerCase(), value];
    }),
  );
  const next = end + 4 + Number(headers.get('content-length') ?? 0);
  const body = bytes.toString('utf8', end + 4, next);
  return [{ status: Number(first.split(' ')[1]), headers, body }, ...parse(bytes.subarray(next))];
}

function isProblem({ status, headers, body }: Answer, expected: { status: number; code: string }): Problem {
  const problem = JSON.parse(body) as Problem;
  expect(problem).to.include(expected);
  expect(problem).to.include({ type: `urn:parley:error:${expected.code}` });
  expect(problem).to.include.keys('title', 'detail', 'requestId');
  expect(status).to.equal(expected.status);
  expect(headers.get('content-type')).to.equal('application/problem+json; charset=utf-8');
  expect(headers.get('connection')).to.equal('close');
  return problem;
}

const post = 'POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
const invalid = { status: 400, code: 'validation_failed' };

const cases: Record<string, { packets: string[]; status: number; code: string }> = {
  'no HTTP at all': { packets: ['\u0016\u0003\u0001 GET / NOTHTTP\r\n\r\n'], ...invalid },
  'a request line of nonsense': { packets: ['HELLO THERE\r\n\r\n'], ...invalid },
  'a version that does not exist': { packets: ['GET / HTTP/9.9\r\nHost: x\r\n\r\n'], ...invalid },
  'a header without a name': { packets: ['GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n'], ...invalid },
  'no Host': { packets: ['GET /healthz HTTP/1.1\r\n\r\n'], ...invalid },
  'no Host for Socket.IO': {
    packets: ['GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n\r\n'],
    ...invalid,
  },
  'headers of 20 kB': {
    packets: [`GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(20_000)}\r\n\r\n`],
    status: 431,
    code: 'payload_too_large',
  },
  'a Content-Length that is no number': { packets: [`${post}Content-Length: ten\r\n\r\n`], ...invalid },
  'two Content-Lengths': {
    packets: [`${post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`],
    ...invalid,
  },
  'Content-Length with chunks': {
    packets: [`${post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`],
    ...invalid,
  },
  'a chunk without a size': {
    packets: [`${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n`],
    ...invalid,
  },
  'a later chunk without a size': {
    packets: [`${post}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n`, 'zz\r\n'],
    ...invalid,
  },
  'chunk extensions without end': {
    packets: [`${post}Transfer-Encoding: chunked\r\n\r\n2;${'a'.repeat(20_000)}\r\n{}\r\n`],
    status: 413,
    code: 'payload_too_large',
  },
  'an expectation of another kind': {
    packets: [`${post}Expect: foo\r\nContent-Length: 2\r\n\r\n{}`],
    status: 417,
    code: 'validation_failed',
  },
};

describe('HTTP that the server refuses before it is a request', () => {
  let app: TestApp;
  let port: number;
  before(async () => {
    app = await startApp();
    port = Number(new URL(app.url).port);
  });
  after(() => app.close());
  afterEach(async () => expect((await fetch(`${app.url}/healthz`)).status).to.equal(200));

  for (const [what, { packets, ...expected }] of Object.entries(cases)) {
    it(`answers a problem to ${what}, and closes`, async () => {
      const answers = await exchange(port, ...packets);
      expect(answers).to.have.length(1);
      isProblem(answers[0] as Answer, expected);
    });
  }

  it('answers in the language of the request, as far as that arrived', async () => {
    const language = 'Accept-Language: zh\r\n';
    const [unmet] = await exchange(port, `${post}${language}Expect: foo\r\n\r\n`);
    const [broken] = await exchange(port, `${post}${language}Transfer-Encoding: chunked\r\n\r\nzz\r\n`);
    for (const answer of [unmet, broken])
      expect(JSON.parse(answer?.body ?? '')).to.include({ title: '请求内容无效' });
  });

  it('refuses to be a proxy', async () => {
    const [answer] = await exchange(port, 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n');
    expect(JSON.parse(answer?.body ?? '')).to.include({ status: 404, code: 'not_found' });
  });

  it('takes Expect: 100-continue, and HTTP/1.0 without a Host', async () => {
    const [first, second] = await exchange(
      port,
      `${post}Connection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`,
      '{}',
    );
    expect([first?.status, second?.status]).to.deep.equal([100, 400]);
    expect(JSON.parse(second?.body ?? '').errors).to.be.an('array');
    const [old] = await exchange(port, 'GET /healthz HTTP/1.0\r\n\r\n');
    expect(old?.status).to.equal(200);
  });

  it('answers first what was asked before on the same connection', async () => {
    const ask = 'GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n';
    const answers = await exchange(port, `${ask}${ask}HELLO THERE\r\n\r\n`);
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 400]);
    isProblem(answers[2] as Answer, invalid);
  });

  it('says nothing more where the answer has gone out before the body had ended', async () => {
    const unwanted = post.replace('application/json', 'text/plain');
    const answers = await exchange(
      port,
      `${unwanted}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n`,
      'zz\r\n',
    );
    expect(answers.map(({ status }) => status)).to.deep.equal([415]);
  });
});

describe('HTTP that does not arrive in time', () => {
  let server: Server;
  before(async () => {
    const soon = { headersTimeout: 100, requestTimeout: 100, connectionsCheckingInterval: 20 };
    server = createServer({ ...soon, requireHostHeader: false }, (request) => request.resume());
    answerRefusals(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  after(() => server.close());

  for (const [what, packet] of [
    ['headers', 'GET / HTTP/1.1\r\nHost: x\r\n'],
    ['a body', `${post}Content-Length: 10\r\n\r\n{`],
  ] as const) {
    it(`is answered a problem, and closed: ${what}`, async () => {
      const answers = await exchange((server.address() as AddressInfo).port, packet);
      expect(answers).to.have.length(1);
      isProblem(answers[0] as Answer, { status: 408, code: 'validation_failed' });
    });
  }
});
