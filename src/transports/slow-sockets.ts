import type { Server, Socket } from 'socket.io';

const mostBufferedBytes = 1024 * 1024;
const patienceMs = 5000;
const lookEveryMs = 1000;

/**
 * Closes sockets that do not take what they are sent: more than 1 MiB waiting for 5 s (promise 14). They catch up by
 * `sync`. Answers a function that ends the watch.
 */
export function closeSlowSockets(io: Server): () => void {
  const slowSince = new WeakMap<Socket, number>();

  const timer = setInterval(() => {
    const now = Date.now();
    for (const socket of io.sockets.sockets.values()) {
      if (bufferedBytes(socket) <= mostBufferedBytes) slowSince.delete(socket);
      else if (now - (slowSince.get(socket) ?? now) >= patienceMs) socket.conn.close(true);
      else if (!slowSince.has(socket)) slowSince.set(socket, now);
    }
  }, lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** What the socket's connection holds that the network has not taken yet. */
function bufferedBytes(socket: Socket): number {
  const connection = socket.conn as unknown as {
    writeBuffer: { data?: string | Buffer }[];
    transport: { socket?: { bufferedAmount?: number } };
  };
  const queued = connection.writeBuffer.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
  return queued + (connection.transport.socket?.bufferedAmount ?? 0);
}
