import type { Actor } from '../core/actor.ts';
import { AppError } from '../core/errors.ts';

/** A socket of any kind, as long as it is open. */
export interface LiveSocket<Reason> {
  actor: Actor;
  /** The same as the `originSocketId` of its calls. */
  id: string;
  /** Makes it deaf at once, tells it why and closes it. */
  end(sessionId: string, reason: Reason): void;
}

interface LiveSocketsDeps {
  onFirstOpened(userId: string): void;
  onClosed(userId: string, socketId: string): void;
  onLastClosed(userId: string): void;
}

const mostPerUser = 50;
/** A handshake reads its session; one that was ended while it did so is remembered for longer than that takes. */
const endedRememberedMs = 60_000;

export type LiveSockets<Reason> = ReturnType<typeof createLiveSockets<Reason>>;

/** The open sockets of this process, by person: who is here, and whom a revoked session reaches. */
export function createLiveSockets<Reason>({ onFirstOpened, onClosed, onLastClosed }: LiveSocketsDeps) {
  const byUser = new Map<string, Set<LiveSocket<Reason>>>();
  const endedSessions = new Set<string>();

  /** Throws `unauthenticated` if the session has just ended, `limit_reached` above 50 sockets of one person. */
  function ensureRoomFor({ userId, sessionId }: Actor): void {
    if (endedSessions.has(sessionId)) throw new AppError('unauthenticated');
    if ((byUser.get(userId)?.size ?? 0) >= mostPerUser) throw new AppError('limit_reached');
  }

  return {
    ensureRoomFor,

    /** Throws as `ensureRoomFor` does. */
    enter(socket: LiveSocket<Reason>): void {
      ensureRoomFor(socket.actor);
      const { userId } = socket.actor;
      const sockets = (byUser.get(userId) ?? new Set()).add(socket);
      byUser.set(userId, sockets);
      if (sockets.size === 1) onFirstOpened(userId);
    },

    leave(socket: LiveSocket<Reason>): void {
      const { userId } = socket.actor;
      const sockets = byUser.get(userId);
      if (!sockets?.delete(socket)) return;
      onClosed(userId, socket.id);
      if (sockets.size > 0) return;
      byUser.delete(userId);
      onLastClosed(userId);
    },

    /** The sessions that have sockets here: session → its person. */
    openSessions: (): Map<string, string> =>
      new Map(
        [...byUser.values()].flatMap((sockets) =>
          [...sockets].map(({ actor }) => [actor.sessionId, actor.userId] as const),
        ),
      ),

    /** Who has sockets here. */
    userIds: (): string[] => [...byUser.keys()],

    countOf: (userId: string): number => byUser.get(userId)?.size ?? 0,

    /** Ends the sockets of these sessions of one person. */
    end(userId: string, sessionIds: readonly string[], reason: Reason): void {
      for (const sessionId of sessionIds) {
        endedSessions.add(sessionId);
        setTimeout(() => endedSessions.delete(sessionId), endedRememberedMs).unref();
      }
      for (const socket of [...(byUser.get(userId) ?? [])]) {
        if (sessionIds.includes(socket.actor.sessionId)) socket.end(socket.actor.sessionId, reason);
      }
    },
  };
}
