import type { RevocationReason } from './auth.contract.ts';
import type { SessionStore } from './sessions.store.ts';

interface SessionWatchDeps {
  sessions: Pick<SessionStore, 'findEnded'>;
  /** The sessions that have sockets here: session → its person. */
  openSessions(): ReadonlyMap<string, string>;
  closeSockets(userId: string, sessionIds: readonly string[], reason: RevocationReason): void;
  onFailure(error: unknown): void;
  everyMs: number;
}

const sessionsPerRead = 1000;

/**
 * Closes the sockets of sessions that ran out, or that another process ended: a socket lives as long as its session.
 * Answers a function that ends the watch.
 */
export function watchSessions({ sessions, openSessions, everyMs, ...deps }: SessionWatchDeps): () => void {
  let timer = setTimeout(look, everyMs).unref();
  let isOver = false;

  async function look(): Promise<void> {
    try {
      const open = openSessions();
      const ids = [...open.keys()];
      for (let at = 0; at < ids.length; at += sessionsPerRead) {
        const ended = await sessions.findEnded(ids.slice(at, at + sessionsPerRead));
        for (const [id, reason] of ended) deps.closeSockets(open.get(id) ?? '', [id], reason);
      }
    } catch (error) {
      deps.onFailure(error);
    }
    if (!isOver) timer = setTimeout(look, everyMs).unref();
  }

  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
