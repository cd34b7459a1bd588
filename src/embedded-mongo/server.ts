import { createServer, type Socket } from 'node:net';
import { runCommand } from './commands/index.ts';
import type { Engine } from './engine.ts';
import { frameReply, headerSize, maxMessageSize, ProtocolError, parseRequest } from './wire-protocol.ts';

export type Address = { path: string } | { host: string; port: number };

export interface MongoServer {
  /** Resolves to the address taken: for port 0 the one that was free. */
  listen(options: Address): Promise<Address>;
  /** Stops accepting, lets what is in flight be answered, then ends all connections. */
  close(): Promise<void>;
}

/** Serves the wire protocol. `onFailure` hears of what must end the process: nothing is known to be sound after it. */
export function createMongoServer(engine: Engine, onFailure: (error: unknown) => void): MongoServer {
  const servers: ReturnType<typeof createServer>[] = [];
  const connections = new Set<Connection>();

  function accept(socket: Socket): void {
    const connection = serve(socket, engine, onFailure);
    connections.add(connection);
    socket.once('close', () => connections.delete(connection));
  }

  return {
    listen(address) {
      const server = createServer({ noDelay: true }, accept);
      return new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(address, () => {
          servers.push(server);
          const taken = server.address();
          resolve(
            taken === null || typeof taken === 'string' ? address : { host: taken.address, port: taken.port },
          );
        });
      });
    },

    async close() {
      const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
      await Promise.all([...connections].map((connection) => connection.drain()));
      await Promise.all(closed);
    },
  };
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
  });
}

interface Connection {
  /** Ends the connection once its current command is answered. */
  drain(): Promise<void>;
}

/** One connection: its commands run one after the other, as a client may send without waiting. */
function serve(socket: Socket, engine: Engine, onFailure: (error: unknown) => void): Connection {
  let working: Promise<void> = Promise.resolve();
  let isDraining = false;
  const reader = createFrameReader();

  async function answer(frame: Buffer): Promise<void> {
    if (isDraining || socket.destroyed) return;
    const request = parseRequest(frame);
    const reply = await runCommand(engine, request);
    if (!request.isAcknowledged || socket.destroyed) return;
    // who does not read its answers gets no further ones
    if (!socket.write(frameReply(request, reply))) await drained(socket);
  }

  function fail(error: unknown): void {
    socket.destroy();
    if (!(error instanceof ProtocolError)) onFailure(error);
  }

  async function answerAll(frames: Buffer[]): Promise<void> {
    for (const frame of frames) await answer(frame);
  }

  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    let frames: Buffer[];
    try {
      frames = reader(chunk);
    } catch (error) {
      return fail(error);
    }
    if (frames.length === 0) return;
    // a client that sends faster than it is answered waits
    socket.pause();
    working = answerAll(frames).then(() => void socket.resume(), fail);
  });

  return {
    async drain() {
      isDraining = true;
      await working;
      await new Promise<void>((resolve) => {
        if (socket.destroyed) return resolve();
        socket.once('close', () => resolve());
        socket.end(() => socket.destroy());
      });
    },
  };
}

/** Cuts a stream of bytes into frames. Throws ProtocolError for a size that cannot be. */
function createFrameReader(): (chunk: Buffer) => Buffer[] {
  let chunks: Buffer[] = [];
  let buffered = 0;
  return (chunk) => {
    chunks.push(chunk);
    buffered += chunk.length;
    const frames: Buffer[] = [];
    for (
      let size = frameSize(chunks, buffered);
      size !== undefined && buffered >= size;
      size = frameSize(chunks, buffered)
    ) {
      const bytes = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
      frames.push(bytes.subarray(0, size));
      buffered -= size;
      chunks = buffered > 0 ? [bytes.subarray(size)] : [];
    }
    return frames;
  };
}

function frameSize(chunks: Buffer[], buffered: number): number | undefined {
  if (buffered < 4) return undefined;
  const [first] = chunks;
  const head = first !== undefined && first.length >= 4 ? first : Buffer.concat(chunks);
  const size = head.readInt32LE();
  if (size < headerSize || size > maxMessageSize) throw new ProtocolError(`a frame of ${size} bytes`);
  return size;
}
