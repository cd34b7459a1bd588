import { io, type Socket } from 'socket.io-client';
import type { Pair, Person } from './load-protocol.ts';
import type { Tally } from './tally.ts';

/** One writes to the other; every message is followed to its acknowledgement and its delivery. */
export interface Conversation {
  send(onAcked?: () => void): void;
  close(): void;
}

export type Answer = { ok: true } | { ok: false; error: { code: string } };

export const filler = 'and some words more, as people write them in a chat';

interface ConversationInput {
  url: string;
  pair: Pair;
  tally: Tally;
}

/** Connects both and answers when both are connected. */
export async function connectConversation({ url, pair, tally }: ConversationInput): Promise<Conversation> {
  const [sender, receiver] = await Promise.all([connect(url, pair.sender), connect(url, pair.receiver)]);
  const awaited = new Map<string, number>();
  let count = 0;
  let isClosing = false;

  for (const socket of [sender, receiver]) {
    socket.on('disconnect', (reason) => {
      if (!isClosing) tally.fault(`a socket was closed: ${reason}`);
    });
  }

  receiver.on('new_private_message', ({ content }: { content: string }) => {
    const sentAt = awaited.get(content);
    if (sentAt === undefined) {
      tally.fault('a message was delivered twice, or was none');
      return;
    }
    // a map keeps the order of insertion, so the first one is the one whose turn it is
    if (awaited.keys().next().value !== content) tally.totals.disordered++;
    awaited.delete(content);
    tally.delivered(performance.now() - sentAt);
  });
  sender.on('new_private_message', () => tally.fault('a sender heard its own message'));

  return {
    send(onAcked) {
      const clientMessageId = `${pair.sender.userId}-${++count}`;
      const content = `${count} ${filler}`;
      const sentAt = performance.now();
      awaited.set(content, sentAt);
      tally.sent(1);
      const message = { receiverId: pair.receiver.userId, content, clientMessageId };
      sender.emit('private_message', message, (answer: Answer) => {
        if (answer.ok) tally.acked(performance.now() - sentAt);
        else tally.fault(`a message was refused: ${answer.error.code}`);
        onAcked?.();
      });
    },
    close() {
      isClosing = true;
      sender.disconnect();
      receiver.disconnect();
    },
  };
}

export function connect(url: string, { token }: Person): Promise<Socket> {
  const socket = io(url, { auth: { token }, transports: ['websocket'], reconnection: false, forceNew: true });
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket));
    socket.once('connect_error', reject);
  });
}
