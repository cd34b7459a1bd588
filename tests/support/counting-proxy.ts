import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

const headerBytes = 16;
const messageOpcode = 2013;
/** Flags, the kind of the section, the length of its document and the type of the first field. */
const firstNameAt = headerBytes + 4 + 1 + 4 + 1;

/** A way to a MongoDB on which every command is seen, by its name; what drivers ask on their own is left out. */
export async function openCountingProxy(target: string) {
  const uri = new URL(target);
  const { hostname, port } = uri;
  const address =
    port === '' ? { path: decodeURIComponent(hostname) } : { host: hostname, port: Number(port) };
  const commands: string[] = [];
  let bytesAnswered = 0;
  let breaking: string | undefined;

  const server = createServer((client) => {
    const upstream = connect(address);
    let unread = Buffer.alloc(0);
    client.on('data', (chunk: Buffer) => {
      upstream.write(chunk);
      unread = Buffer.concat([unread, chunk]);
      while (unread.length >= headerBytes && unread.length >= unread.readInt32LE(0)) {
        const length = unread.readInt32LE(0);
        const name = commandOf(unread.subarray(0, length));
        if (name !== undefined && !['hello', 'ping', 'endSessions'].includes(name)) commands.push(name);
        if (name !== undefined && name === breaking) {
          breaking = undefined;
          client.resetAndDestroy();
        }
        unread = unread.subarray(length);
      }
    });
    upstream.on('data', (chunk: Buffer) => {
      bytesAnswered += chunk.length;
      client.write(chunk);
    });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  uri.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  uri.searchParams.set('directConnection', 'true');

  return {
    uri: uri.href,
    /** The commands that some work takes. */
    async during(work: () => Promise<unknown>): Promise<string[]> {
      commands.length = 0;
      await work();
      return [...commands];
    },
    /** How much the database answers to some work. */
    async bytesDuring(work: () => Promise<unknown>): Promise<number> {
      const before = bytesAnswered;
      await work();
      return bytesAnswered - before;
    },
    /** Breaks the connection under the next command of this name, which the database gets all the same. */
    breakAt(command: string): void {
      breaking = command;
    },
    async close(): Promise<void> {
      server.close();
      await once(server, 'close');
    },
  };
}

function commandOf(message: Buffer): string | undefined {
  if (message.readInt32LE(12) !== messageOpcode) return undefined;
  return message.toString('utf8', firstNameAt, message.indexOf(0, firstNameAt));
}
