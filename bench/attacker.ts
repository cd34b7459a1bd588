/** The attacker of `bench:hostile`: sends as fast as it goes, reconnecting whenever it is thrown out, and never reads. */
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { io, type Socket } from 'socket.io-client';
import { WebSocket } from 'ws';
import type { Pair, Person } from './load-protocol.ts';

const floodPerTurn = 20;
const { url, flooding, deaf }: { url: string; flooding: Pair; deaf: Person } = workerData;
const message = { receiverId: flooding.receiver.userId, content: 'x'.repeat(1000) };
const told = { sent: 0, reconnects: 0 };
let isOver = false;
parentPort?.once('message', () => {
  isOver = true;
});

await Promise.all([flood(), stayDeaf()]);
parentPort?.postMessage(told);

function connect({ token }: Person): Promise<Socket> {
  const socket = io(url, { auth: { token }, transports: ['websocket'], reconnection: false, forceNew: true });
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket));
    socket.once('connect_error', reject);
  });
}

async function flood(): Promise<void> {
  while (!isOver) {
    const socket = await connect(flooding.sender).catch(() => null);
    told.reconnects++;
    while (!isOver && socket?.connected) {
      for (let at = 0; at < floodPerTurn; at++) socket.emit('private_message', message);
      told.sent += floodPerTurn;
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket?.disconnect();
    await delay(50);
  }
}

async function stayDeaf(): Promise<void> {
  while (!isOver) {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('open', resolve).once('close', resolve));
    socket.send(`40${JSON.stringify({ token: deaf.token })}`);
    await delay(100);
    socket.pause();
    while (!isOver && socket.readyState === WebSocket.OPEN) {
      socket.send('421["profile_get",{}]');
      await delay(5);
    }
    socket.terminate();
  }
}
