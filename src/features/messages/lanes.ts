import type { Head } from './messages.contract.ts';

/** What this process remembers of one conversation between two writes. */
export interface Lane {
  /** Where the log stands; `null` until it was read, and after another process wrote to it. */
  head: Head | null;
  /** Rises whenever somebody's authority in the conversation may have changed. */
  epoch: number;
  /** How many sends are under way. */
  busy: number;
}

const mostIdle = 20_000;

/** The lanes of the conversations that were written to of late; the one unused longest is forgotten first. */
export function createLanes() {
  const lanes = new Map<string, Lane>();

  function forgetOldest(): void {
    for (const [conversationId, lane] of lanes) {
      if (lanes.size <= mostIdle) return;
      if (lane.busy === 0) lanes.delete(conversationId);
    }
  }

  return {
    /** The lane of a conversation, to be kept until it is `left`. */
    enter(conversationId: string): Lane {
      const lane = lanes.get(conversationId) ?? { head: null, epoch: 0, busy: 0 };
      lane.busy++;
      lanes.delete(conversationId);
      lanes.set(conversationId, lane);
      if (lanes.size > mostIdle) forgetOldest();
      return lane;
    },
    leave(lane: Lane): void {
      lane.busy--;
    },
    find: (conversationId: string): Lane | undefined => lanes.get(conversationId),
  };
}
