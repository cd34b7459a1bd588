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

/** Delivery to sockets of every kind: one encoding per event and kind, however many sockets it reaches. */
export function createDelivery<Events extends PushEvents>({
  io,
  rooms,
  encodePush,
}: DeliveryDeps): Delivery<Events> {
  return {
    toUsers({ userIds, event, data, originSocketId }) {
      // no room would mean every socket there is
      if (userIds.length === 0) return;
      const names = userIds.map(userRoom);
      const target = io.to(names);
      (originSocketId === null ? target : target.except(originSocketId)).emit(event, data);

      const sockets = rooms.membersOf(names);
      if (sockets.size === 0) return;
      const frame = encodePush(event, data);
      for (const socket of sockets) if (socket.id !== originSocketId) socket.send(frame);
    },

    toConversation({ conversationId, event, data, originSocketId, exceptUserId }) {
      const left = [originSocketId ?? [], exceptUserId === undefined ? [] : userRoom(exceptUserId)].flat();
      io.to(conversationRoom(conversationId)).except(left).emit(event, data);
    },
  };
}
