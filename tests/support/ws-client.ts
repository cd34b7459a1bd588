import { expect } from 'chai';
import { type ClientOptions, WebSocket } from 'ws';
import {
  type EventInput,
  type EventName,
  type EventOutput,
  frameTypes,
  operations,
  pushEvents,
  type ServerToClientEvents,
} from '../../src/contracts.ts';
import type { ErrorCode, Problem } from '../../src/core/errors.ts';
import { check, problem } from './clients.ts';

type Pushed = { [Name in keyof ServerToClientEvents]: Parameters<ServerToClientEvents[Name]>[0] };

/** A frame as it came, answers and pushes alike. */
export interface ServerFrame {
  type: string;
  id?: string | number;
  ok?: boolean;
  data?: unknown;
  error?: Problem;
}

/** What this wire calls an event. */
const typeOf = (event: string): string => frameTypes[event as keyof typeof pushEvents] ?? event;
const eventByType = new Map(Object.keys(pushEvents).map((event) => [typeOf(event), event as keyof Pushed]));

const answerTypes = new Set([
  'ack',
  'error',
  ...operations.flatMap(({ frames = [] }) => frames.flatMap(({ success, failure }) => [success, failure])),
]);

/** A client of `/ws` that checks every answer and every push against its contract, and keeps frames until asked. */
export class WsClient {
  readonly socket: WebSocket;
  readonly frames: ServerFrame[] = [];
  #asked = 0;
  #waiting: (() => void)[] = [];
  #fault: unknown = null;
  #closeCode: number | null = null;

  constructor(url: string, options: ClientOptions = {}, path = '/ws') {
    this.socket = new WebSocket(url.replace(/^http/, 'ws') + path, options);
    this.socket.on('error', () => {});
    this.socket.on('close', (code) => {
      this.#closeCode = code;
      this.#wake();
    });
    this.socket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as ServerFrame;
      this.#check(frame);
      this.frames.push(frame);
      this.#wake();
    });
  }

  /** Opens a connection whose handshake shows the token. */
  static async withHeader(url: string, token: string): Promise<WsClient> {
    return new WsClient(url, { headers: { authorization: `Bearer ${token}` } }).opened();
  }

  /** Opens a connection whose first frame shows the token, as browsers do. */
  static async withFrame(url: string, token: string, options: ClientOptions = {}): Promise<WsClient> {
    const client = await new WsClient(url, options).opened();
    const answer = await client.ask({ type: 'auth', token });
    expect(answer, JSON.stringify(answer)).to.include({ type: 'ack', ok: true });
    return client;
  }

  async opened(): Promise<this> {
    if (this.socket.readyState === WebSocket.CONNECTING) {
      await new Promise<void>((resolve, reject) => {
        this.socket.once('open', resolve).once('error', reject);
      });
    }
    return this;
  }

  send(frame: unknown): void {
    this.socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  }

  /** Sends a frame under an id of its own and answers what comes back under it. */
  async ask(frame: Record<string, unknown>): Promise<ServerFrame> {
    const id = ++this.#asked;
    this.send({ ...frame, id });
    return this.take((answer) => answer.id === id);
  }

  /** Calls an operation by its event name and answers its data. Throws if it is refused. */
  async call<Name extends EventName>(event: Name, input: EventInput<Name>): Promise<EventOutput<Name>> {
    const answer = await this.ask({ ...input, type: event });
    if (answer.error) throw new Error(`${event} was refused: ${JSON.stringify(answer.error)}`);
    checkAnswer(event, answer);
    return answer.data as EventOutput<Name>;
  }

  /** Sends a frame that has to be refused and answers the problem. */
  async refused(event: string, input: object, code: ErrorCode): Promise<Problem> {
    const answer = await this.ask({ ...input, type: event });
    if (!answer.error) throw new Error(`${event} was not refused: ${JSON.stringify(answer.data)}`);
    check(problem, answer.error, `refusal of ${event}`);
    expect(answer.error.code, event).to.equal(code);
    return answer.error;
  }

  /** The next frame that fits and was not taken yet, as soon as it is there. */
  async take(fits: (frame: ServerFrame) => boolean): Promise<ServerFrame> {
    for (;;) {
      if (this.#fault) throw this.#fault;
      const index = this.frames.findIndex(fits);
      const [taken] = index >= 0 ? this.frames.splice(index, 1) : [];
      if (taken) return taken;
      if (this.#closeCode !== null) throw new Error('The connection closed before that came');
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The next push of this event. */
  async next<Name extends keyof Pushed>(event: Name): Promise<Pushed[Name]> {
    return (await this.take(({ type, id }) => type === typeOf(event) && id === undefined))
      .data as Pushed[Name];
  }

  /** Pushes of this event that were heard and not taken: for absence, after a later marker. */
  untaken(event: keyof Pushed): unknown[] {
    return this.frames.filter(({ type }) => type === typeOf(event)).map(({ data }) => data);
  }

  /** Waits for the end and answers its close code. */
  async closed(): Promise<number> {
    while (this.#closeCode === null) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.#closeCode;
  }

  close(): void {
    this.socket.terminate();
  }

  /** A push is known by its type, and that it answers nothing; every problem is one. */
  #check(frame: ServerFrame): void {
    try {
      if (frame.error) check(problem, frame.error, `error of a ${frame.type}`);
      const event = eventByType.get(frame.type);
      if (event && frame.id === undefined) check(pushEvents[event], frame.data, `event ${frame.type}`);
      const isAnswer = frame.id !== undefined || answerTypes.has(frame.type);
      expect(
        isAnswer || event !== undefined,
        `${JSON.stringify(frame)} is neither an answer nor a push`,
      ).to.equal(true);
    } catch (error) {
      this.#fault = error;
    }
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** Holds the answer to an event against its contract. */
function checkAnswer(event: EventName, { data, ...frame }: ServerFrame): void {
  const operation = operations.find((each) => each.event === event);
  const alias = operation?.frames?.find(({ type }) => type === event);
  if (alias?.success) expect(frame).to.have.all.keys('type', 'id').and.include({ type: alias.success });
  else expect(frame).to.have.all.keys('type', 'id', 'ok').and.include({ type: 'ack', ok: true });
  if (operation?.output) check(operation.output, data, `answer to ${event}`);
  else expect(data, `answer to ${event}`).to.equal(null);
}
