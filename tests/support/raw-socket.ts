import { once } from 'node:events';
import { WebSocket } from 'ws';

/** A bare Engine.IO connection, for frames that no Socket.IO client would send. */
export class RawSocket {
  readonly socket: WebSocket;
  #frames: string[] = [];
  #waiting: (() => void)[] = [];
  #asked = 0;

  constructor(url: string) {
    this.socket = new WebSocket(`${url.replace(/^http/, 'ws')}/socket.io/?EIO=4&transport=websocket`);
    // a connection that the server resets is closed, and that is what tests wait for
    this.socket.on('error', () => {});
    this.socket.on('message', (data) => {
      this.#frames.push(String(data));
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  /** Opens a connection and joins the default namespace with a token. */
  static async joined(url: string, token: string): Promise<RawSocket> {
    const raw = await RawSocket.opened(url);
    raw.join(token);
    await raw.next('40{');
    return raw;
  }

  /** Opens a connection that has joined nothing yet. */
  static async opened(url: string): Promise<RawSocket> {
    const raw = new RawSocket(url);
    await raw.next('0{');
    return raw;
  }

  join(token: string): void {
    this.send(`40${JSON.stringify({ token })}`);
  }

  send(frame: string | Buffer): void {
    this.socket.send(frame);
  }

  /** Emits an event with an argument of any JSON text; answers the text of the acknowledgement. */
  ask(event: string, json: string): Promise<string> {
    const id = this.#asked++;
    this.send(`42${id}[${JSON.stringify(event)},${json}]`);
    return this.next(`43${id}[`);
  }

  /** The next frame that begins so and was not taken yet. */
  async next(prefix: string): Promise<string> {
    for (;;) {
      const index = this.#frames.findIndex((frame) => frame.startsWith(prefix));
      if (index >= 0) return this.#frames.splice(index, 1)[0] ?? '';
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async closed(): Promise<void> {
    if (this.socket.readyState !== WebSocket.CLOSED) await once(this.socket, 'close');
  }

  /** Ends the connection without a word, as a network does. */
  cut(): void {
    this.socket.terminate();
  }
}
