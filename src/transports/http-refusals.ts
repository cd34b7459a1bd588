import { randomUUID } from 'node:crypto';
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { AppError, type Problem, type Text, toProblem } from '../core/errors.ts';
import { localeOf } from './client.ts';
import { endWithProblem, sendProblem } from './problems.ts';

const noHttp: Text = { en: 'This is not valid HTTP', zh: '这不是有效的 HTTP' };
const noHost: Text = { en: 'The Host header is missing', zh: '缺少 Host 标头' };
const longHeaders: Text = { en: 'The headers are too large', zh: '请求标头过大' };
const longExtensions: Text = { en: 'The chunk extensions are too large', zh: '分块扩展过大' };
const late: Text = { en: 'The request did not arrive in time', zh: '请求未能及时到达' };
const unmet: Text = { en: 'Only Expect: 100-continue is taken', zh: '只接受 Expect: 100-continue' };

/** What the parser of HTTP refuses, by its code; everything else is no HTTP. */
function refusalOf(code: string | undefined): AppError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new AppError('payload_too_large', { status: 431, detail: longHeaders });
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new AppError('payload_too_large', { detail: longExtensions });
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new AppError('validation_failed', { status: 408, detail: late });
    default:
      return new AppError('validation_failed', { detail: noHttp });
  }
}

/**
 * Answers what Node would refuse without a word, before the application hears of it, and closes the connection. To be called
 * when the application and every other server listen to requests; the server is made with `requireHostHeader: false`.
 */
export function answerRefusals(httpServer: HttpServer): void {
  const openAnswers = createOpenAnswers();
  const refused = new WeakSet<Duplex>();
  const listeners = httpServer.listeners('request');
  httpServer.removeAllListeners('request');

  httpServer.on('request', (request, response) => {
    openAnswers.note(request.socket, response);
    const isHostMissing = request.httpVersion === '1.1' && request.headers.host === undefined;
    if (isHostMissing) refuse(response, new AppError('validation_failed', { detail: noHost }));
    else for (const listener of listeners) listener.call(httpServer, request, response);
  });
  httpServer.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    openAnswers.note(request.socket, response);
    refuse(response, new AppError('validation_failed', { status: 417, detail: unmet }));
  });
  httpServer.on('connect', (request, socket) => {
    socket.on('error', () => {});
    endWithProblem(socket, problemOf(new AppError('not_found'), request));
  });
  httpServer.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // whatever follows on a connection that is refused fails again
    if (refused.has(socket)) return;
    refused.add(socket);
    void end(socket, error.code);
  });

  /** Answers in its turn: after what was asked before, and not into an answer that has begun. */
  async function end(socket: Duplex, code: string | undefined): Promise<void> {
    const open = openAnswers.of(socket);
    const broken = open.find(({ response }) => !response.req.complete);
    await Promise.all(open.filter((answer) => answer !== broken).map(({ closed }) => closed));
    const isAnswered = broken?.response.headersSent === true;
    if (isAnswered) await broken.closed;
    if (isAnswered || !socket.writable) socket.destroy();
    else endWithProblem(socket, problemOf(refusalOf(code), broken?.response.req));
  }
}

interface Answer {
  response: ServerResponse;
  closed: Promise<void>;
}

/** Of each connection the answers that are owed, in the order of their requests, and one whose request still arrives. */
function createOpenAnswers() {
  const answers = new WeakMap<Duplex, Answer[]>();
  const of = (socket: Duplex) =>
    (answers.get(socket) ?? []).filter(({ response }) => !(response.closed && response.req.complete));
  return {
    of,
    note(socket: Duplex, response: ServerResponse): void {
      const closed = new Promise<void>((resolve) => response.once('close', resolve));
      answers.set(socket, [...of(socket), { response, closed }]);
    },
  };
}

function refuse(response: ServerResponse, error: AppError): void {
  response.setHeader('Connection', 'close');
  sendProblem(response, problemOf(error, response.req));
}

function problemOf(error: AppError, request: IncomingMessage | undefined): Problem {
  return toProblem(error, { locale: request ? localeOf(request) : 'en', requestId: randomUUID() });
}
