import type { Server } from 'socket.io';
import type { Delivery, PushEvents } from '../core/delivery.ts';
import type { FrameSocket } from './frame-connection.ts';
import type { EncodePush } from './frames.ts';
import { conversationRoom, type Rooms, userRoom } from './rooms.ts';

interface DeliveryDeps {
  io: Server;
  /** The sockets on `/ws`. */
  rooms: Rooms<FrameSocket>;
  encodePush: EncodePush;
}

interface Push {
  names: readonly string[];
  event: string;
  data: unknown;
  originSocketId: string | null;
  exceptUserIds?: readonly string[] | undefined;
}

/** Delivery to sockets of every kind: one encoding per event and kind, however many sockets it reaches. */
export function createDelivery<Events extends PushEvents>({
  io,
  rooms,
  encodePush,
}: DeliveryDeps): Delivery<Events> {
  function push({ names, event, data, originSocketId, exceptUserIds = [] }: Push): void {
    // no room would mean every socket there is
    if (names.length === 0) return;
    const exceptRooms = exceptUserIds.map(userRoom);
    // the id of a socket is a room of its own
    const except = originSocketId === null ? exceptRooms : [originSocketId, ...exceptRooms];
    io.to([...names])
      .except(except)
      .emit(event, data);

    const sockets = rooms.membersOf(names);
    if (sockets.size === 0) return;
    const exceptSockets = rooms.membersOf(exceptRooms);
    const frame = encodePush(event, data);
    for (const socket of sockets) {
      if (socket.id !== originSocketId && !exceptSockets.has(socket)) socket.send(frame);
    }
  }

  return {
    toUsers: ({ userIds, ...rest }) => push({ ...rest, names: userIds.map(userRoom) }),
    toConversation: ({ conversationId, ...rest }) =>
      push({ ...rest, names: [conversationRoom(conversationId)] }),
  };
}
