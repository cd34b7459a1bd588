import type { ConversationRooms, GroupMove } from '../../core/delivery.ts';

interface RoomWatchDeps {
  /** Who has sockets on this process. */
  findUserIds(): readonly string[];
  /** The memberships of these people in groups that have begun or ended since then. */
  findMoves(userIds: readonly string[], since: Date): Promise<readonly GroupMove[]>;
  rooms: Pick<ConversationRooms, 'follow'>;
}

const peoplePerRead = 1000;
/** What changed is found by the clock of the process that wrote it, which may be behind this one's. */
const overlapMs = 120_000;

/**
 * Looks which memberships of people with sockets here were changed by other processes, and moves their sockets between
 * the rooms. What a look that failed has missed is found by the next one.
 */
export function createRoomWatch({ findUserIds, findMoves, rooms }: RoomWatchDeps) {
  let lookedAt = Date.now();

  return async (): Promise<void> => {
    const beganAt = Date.now();
    const since = new Date(lookedAt - overlapMs);
    const userIds = findUserIds();
    for (let at = 0; at < userIds.length; at += peoplePerRead) {
      const some = userIds.slice(at, at + peoplePerRead);
      await rooms.follow(some, () => findMoves(some, since));
    }
    lookedAt = beganAt;
  };
}
