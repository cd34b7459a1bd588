import type { Socket } from 'socket.io-client';
import { type Answer, type Conversation, connect, filler } from './conversation.ts';
import type { Room } from './load-protocol.ts';
import type { Tally } from './tally.ts';

interface RoomInput {
  url: string;
  room: Room;
  tally: Tally;
  /** How many connect at the same time. */
  atOnce: number;
}

/** Who has not heard a message yet. */
interface Awaited {
  sentAt: number;
  receivers: Set<Socket>;
}

/**
 * Connects all members of a group and answers when all are connected: as many that write, each followed to the
 * acknowledgement and to the delivery to everybody else.
 */
export async function connectRoom({ url, room, tally, atOnce }: RoomInput): Promise<Conversation[]> {
  const awaited = new Map<string, Awaited>();
  const sockets: Socket[] = [];
  for (let first = 0; first < room.members.length; first += atOnce) {
    const some = room.members.slice(first, first + atOnce);
    sockets.push(...(await Promise.all(some.map((member) => connect(url, member)))));
  }
  let count = 0;
  let isClosing = false;

  for (const socket of sockets) {
    let heardSeq = 0;
    socket.on('disconnect', (reason) => {
      if (!isClosing) tally.fault(`a socket was closed: ${reason}`);
    });
    socket.on('new_group_message', (message: { content: string; seq: number }) => {
      const told = awaited.get(message.content);
      if (!told?.receivers.delete(socket)) {
        tally.fault('a message was delivered twice, or to its sender, or was none');
        return;
      }
      tally.delivered(performance.now() - told.sentAt);
      if (message.seq < heardSeq) tally.totals.disordered++;
      heardSeq = message.seq;
      if (told.receivers.size > 0) return;
      awaited.delete(message.content);
      tally.totals.messageBytes = Buffer.byteLength(JSON.stringify(message));
    });
  }

  return sockets.map((socket) => ({
    send(onAcked) {
      const content = `${String(++count).padStart(8, '0')} ${filler}`;
      const sentAt = performance.now();
      const receivers = new Set(sockets);
      receivers.delete(socket);
      awaited.set(content, { sentAt, receivers });
      tally.sent(receivers.size);
      socket.emit('group_message', { groupId: room.groupId, content }, (answer: Answer) => {
        if (answer.ok) tally.acked(performance.now() - sentAt);
        else tally.fault(`a message was refused: ${answer.error.code}`);
        onAcked?.();
      });
    },
    close() {
      isClosing = true;
      socket.disconnect();
    },
  }));
}
