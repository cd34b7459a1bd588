import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';

/**
 * The least a server of groups can do: it passes a message to the room and acknowledges it. No database, no checks; the
 * token is the user's id, and everybody is in the one group. Messages look like Parley's, as their size is part of the cost.
 */
interface Outgoing {
  groupId: string;
  content: string;
}

const httpServer = createServer();
const io = new Server(httpServer, { serveClient: false, perMessageDeflate: false });
let seq = 0;

io.on('connection', (socket) => {
  const senderId = String(socket.handshake.auth.token);
  void socket.join('group');
  socket.on('group_message', ({ groupId, content }: Outgoing, acknowledge: (answer: unknown) => void) => {
    const data = {
      id: randomBytes(12).toString('hex'),
      conversationId: groupId,
      seq: ++seq,
      rev: 1,
      type: 'group',
      senderId,
      groupId,
      contentType: 'text',
      content,
      createdAt: new Date().toISOString(),
      editedAt: null,
      recalledAt: null,
      recalledBy: null,
    };
    socket.to('group').emit('new_group_message', data);
    acknowledge({ ok: true, data });
  });
});

process.on('SIGTERM', () => process.exit(0));
httpServer.listen(0, '127.0.0.1', () => {
  console.log(`listens on http://127.0.0.1:${(httpServer.address() as AddressInfo).port}`);
});
