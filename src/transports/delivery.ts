import type { Server } from 'socket.io';
import type { Delivery, PushEvents } from '../core/delivery.ts';

/** The room of all sockets of one person. */
export const userRoom = (userId: string): string => `user:${userId}`;

/** Delivery over Socket.IO: one encoding per event, however many sockets it reaches. */
export function createDelivery<Events extends PushEvents>(io: Server): Delivery<Events> {
  return {
    toUsers({ userIds, event, data, originSocketId }) {
      // no room would mean every socket there is
      if (userIds.length === 0) return;
      const target = io.to(userIds.map(userRoom));
      (originSocketId === null ? target : target.except(originSocketId)).emit(event, data);
    },
  };
}
