import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';

/**
 * The least a chat server can do: it passes a message to the receiver's room and acknowledges it. No database, no
 * checks; the token is the user's id. What Parley costs is told as a multiple of this.
 */
interface Outgoing {
  receiverId: string;
  content: string;
  clientMessageId: string;
}

const httpServer = createServer();
const io = new Server(httpServer, { serveClient: false, perMessageDeflate: false });

io.on('connection', (socket) => {
  const senderId = String(socket.handshake.auth.token);
  void socket.join(`user:${senderId}`);
  socket.on('private_message', (message: Outgoing, acknowledge: (answer: unknown) => void) => {
    io.to(`user:${message.receiverId}`).emit('new_private_message', { senderId, ...message });
    acknowledge({ ok: true });
  });
});

process.on('SIGTERM', () => process.exit(0));
httpServer.listen(0, '127.0.0.1', () => {
  console.log(`listens on http://127.0.0.1:${(httpServer.address() as AddressInfo).port}`);
});
