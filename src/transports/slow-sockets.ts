const mostBufferedBytes = 1024 * 1024;
const patienceMs = 5000;
const lookEveryMs = 1000;

interface Watched<S extends object> {
  sockets(): Iterable<S>;
  /** What the socket's connection holds that the network has not taken yet. */
  bufferedBytes(socket: S): number;
  close(socket: S): void;
}

/**
 * Closes sockets that do not take what they are sent: more than 1 MiB waiting for 5 s (promise 14). They catch up by
 * `sync`. Answers a function that ends the watch.
 */
export function closeSlowSockets<S extends object>({
  sockets,
  bufferedBytes,
  close,
}: Watched<S>): () => void {
  const slowSince = new WeakMap<S, number>();

  const timer = setInterval(() => {
    const now = Date.now();
    for (const socket of sockets()) {
      if (bufferedBytes(socket) <= mostBufferedBytes) slowSince.delete(socket);
      else if (now - (slowSince.get(socket) ?? now) >= patienceMs) close(socket);
      else if (!slowSince.has(socket)) slowSince.set(socket, now);
    }
  }, lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}
