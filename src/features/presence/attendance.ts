interface AttendanceDeps {
  /** How long somebody without a socket still counts as here. */
  graceMs: number;
  onArrived(userId: string): void;
  /** The grace is over; `leftAt` is when the last socket closed. */
  onGone(userId: string, leftAt: Date): void;
}

interface Leaving {
  leftAt: Date;
  timer: NodeJS.Timeout;
}

/** Who is on this process. Coming back within the grace tells nobody anything. */
export function createAttendance({ graceMs, onArrived, onGone }: AttendanceDeps) {
  /** Everybody who is here; with a value if they are about to leave. */
  const here = new Map<string, Leaving | null>();

  function go(userId: string, leftAt: Date): void {
    here.delete(userId);
    onGone(userId, leftAt);
  }

  return {
    /** Somebody has opened their first socket. */
    arrived(userId: string): void {
      const isHere = here.has(userId);
      clearTimeout(here.get(userId)?.timer);
      here.set(userId, null);
      if (!isHere) onArrived(userId);
    },

    /** Somebody's last socket has closed. */
    left(userId: string): void {
      const leftAt = new Date();
      if (graceMs === 0) {
        go(userId, leftAt);
        return;
      }
      const timer = setTimeout(() => go(userId, leftAt), graceMs).unref();
      here.set(userId, { leftAt, timer });
    },

    isHere: (userId: string): boolean => here.has(userId),
    everybody: (): string[] => [...here.keys()],

    /** Nobody is here any more, and no grace is left. */
    close(): void {
      const now = new Date();
      for (const [userId, leaving] of [...here]) {
        clearTimeout(leaving?.timer);
        go(userId, leaving?.leftAt ?? now);
      }
    },
  };
}
