import type { RevocationReason } from './sessions.contract.ts';
import type { SessionStore } from './sessions.store.ts';

interface SessionWatchDeps {
  sessions: Pick<SessionStore, 'findEnded'>;
  /** The sessions that have sockets here: session → its person. */
  openSessions(): ReadonlyMap<string, string>;
  closeSockets(userId: string, sessionIds: readonly string[], reason: RevocationReason): void;
}

const sessionsPerRead = 1000;

/**
 * Looks which sessions with sockets here have run out or were ended by another process, and closes their sockets: a
 * socket lives as long as its session.
 */
export function createSessionWatch({ sessions, openSessions, closeSockets }: SessionWatchDeps) {
  return async (): Promise<void> => {
    const open = openSessions();
    const ids = [...open.keys()];
    for (let at = 0; at < ids.length; at += sessionsPerRead) {
      const ended = await sessions.findEnded(ids.slice(at, at + sessionsPerRead));
      for (const [id, reason] of ended) closeSockets(open.get(id) ?? '', [id], reason);
    }
  };
}
