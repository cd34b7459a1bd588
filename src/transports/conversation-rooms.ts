import type { ConversationRooms } from '../core/delivery.ts';
import { conversationRoom, type RoomMoves, userRoom } from './rooms.ts';

/** Conversation → whether the person was brought into its room or taken out of it, the last move counting. */
type Moves = Map<string, boolean>;

export type SocketRooms = ReturnType<typeof createConversationRooms>;

/**
 * Moves people between the rooms of conversations, on sockets of every kind. Whoever reads memberships does it here: moves
 * that are made while the database is read count above what it answers, as that may be older.
 */
export function createConversationRooms(kinds: readonly RoomMoves[]) {
  const readings = new Map<string, Set<Moves>>();

  function move(conversationId: string, userIds: readonly string[], isMember: boolean): void {
    const room = conversationRoom(conversationId);
    for (const userId of userIds) {
      for (const kind of kinds) {
        if (isMember) kind.bring(userRoom(userId), room);
        else kind.take(userRoom(userId), room);
      }
      for (const moves of readings.get(userId) ?? []) moves.set(conversationId, isMember);
    }
  }

  function beginReading(userId: string): { moves: ReadonlyMap<string, boolean>; end(): void } {
    const moves: Moves = new Map();
    const ofUser = readings.get(userId) ?? new Set();
    readings.set(userId, ofUser.add(moves));
    return {
      moves,
      end() {
        ofUser.delete(moves);
        if (ofUser.size === 0) readings.delete(userId);
      },
    };
  }

  const rooms: ConversationRooms = {
    admit: (conversationId, userIds) => move(conversationId, userIds, true),
    dismiss: (conversationId, userIds) => move(conversationId, userIds, false),
    close(conversationId) {
      for (const kind of kinds) kind.empty(conversationRoom(conversationId));
      for (const ofUser of readings.values()) for (const moves of ofUser) moves.set(conversationId, false);
    },

    async follow(userIds, findMoves) {
      const underWay = new Map(userIds.map((userId) => [userId, beginReading(userId)]));
      try {
        for (const { userId, conversationId, isMember } of await findMoves()) {
          if (!underWay.get(userId)?.moves.has(conversationId)) move(conversationId, [userId], isMember);
        }
      } finally {
        for (const { end } of underWay.values()) end();
      }
    },
  };

  return {
    ...rooms,

    /**
     * Reads which conversations a person is in, then calls `enter` with the names of all rooms a new socket of theirs
     * belongs in. It has to join them at once. Fails as either does.
     */
    async enter<T>(
      userId: string,
      findConversationIds: () => Promise<readonly string[]>,
      enter: (names: string[]) => T,
    ): Promise<T> {
      const { moves, end } = beginReading(userId);
      try {
        const ids = new Set(await findConversationIds());
        for (const [id, isMember] of moves) {
          if (isMember) ids.add(id);
          else ids.delete(id);
        }
        return enter([userRoom(userId), ...[...ids].map(conversationRoom)]);
      } finally {
        end();
      }
    },
  };
}
