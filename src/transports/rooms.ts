/** The room of all sockets of one person. */
export const userRoom = (userId: string): string => `user:${userId}`;

/** The room of all sockets that hear a group. */
export const conversationRoom = (conversationId: string): string => `conversation:${conversationId}`;

/** Who of the sockets on `/ws` hears what: the counterpart of Socket.IO's rooms, by the same names. */
export interface Rooms<Member> {
  join(room: string, member: Member): void;
  leave(room: string, member: Member): void;
  /** Who is in any of these rooms, everybody once. */
  membersOf(names: readonly string[]): ReadonlySet<Member>;
}

export function createRooms<Member>(): Rooms<Member> {
  const rooms = new Map<string, Set<Member>>();
  const nobody: ReadonlySet<Member> = new Set();

  return {
    join(room, member) {
      rooms.set(room, (rooms.get(room) ?? new Set()).add(member));
    },
    leave(room, member) {
      const members = rooms.get(room);
      members?.delete(member);
      if (members?.size === 0) rooms.delete(room);
    },
    membersOf(names) {
      const found = names.flatMap((name) => rooms.get(name) ?? []);
      if (found.length > 1) return new Set(found.flatMap((members) => [...members]));
      return found[0] ?? nobody;
    },
  };
}
