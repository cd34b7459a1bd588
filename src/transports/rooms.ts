/** The room of all sockets of one person. */
export const userRoom = (userId: string): string => `user:${userId}`;

/** The room of all sockets of a conversation's members. */
export const conversationRoom = (conversationId: string): string => `conversation:${conversationId}`;

/** How sockets of one kind are moved between rooms. All of it is done when a call returns. */
export interface RoomMoves {
  /** Brings everybody in one room into another one as well. */
  bring(from: string, into: string): void;
  /** Takes everybody in one room out of another one. */
  take(from: string, outOf: string): void;
  empty(room: string): void;
}

/** Who of the sockets on `/ws` hears what: the counterpart of Socket.IO's rooms, by the same names. */
export interface Rooms<Member> extends RoomMoves {
  join(room: string, member: Member): void;
  leaveAll(member: Member): void;
  /** Who is in any of these rooms, everybody once. */
  membersOf(names: readonly string[]): ReadonlySet<Member>;
}

export function createRooms<Member>(): Rooms<Member> {
  const rooms = new Map<string, Set<Member>>();
  const roomsOf = new Map<Member, Set<string>>();
  const nobody: ReadonlySet<Member> = new Set();

  function join(room: string, member: Member): void {
    addTo(rooms, room, member);
    addTo(roomsOf, member, room);
  }

  function leave(room: string, member: Member): void {
    removeFrom(rooms, room, member);
    removeFrom(roomsOf, member, room);
  }

  function membersOf(names: readonly string[]): ReadonlySet<Member> {
    const found = names.flatMap((name) => rooms.get(name) ?? []);
    if (found.length > 1) return new Set(found.flatMap((members) => [...members]));
    return found[0] ?? nobody;
  }

  return {
    join,
    leaveAll(member) {
      for (const room of [...(roomsOf.get(member) ?? [])]) leave(room, member);
    },
    membersOf,
    bring(from, into) {
      for (const member of membersOf([from])) join(into, member);
    },
    take(from, outOf) {
      for (const member of membersOf([from])) leave(outOf, member);
    },
    empty(room) {
      for (const member of [...membersOf([room])]) leave(room, member);
    },
  };
}

function addTo<Key, Value>(sets: Map<Key, Set<Value>>, key: Key, value: Value): void {
  sets.set(key, (sets.get(key) ?? new Set()).add(value));
}

function removeFrom<Key, Value>(sets: Map<Key, Set<Value>>, key: Key, value: Value): void {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) sets.delete(key);
}
