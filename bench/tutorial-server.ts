import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import mongoose, { Schema } from 'mongoose';
import { Server } from 'socket.io';

/**
 * What most tutorials teach: a Mongoose model, one awaited `create` per message, then the event and the
 * acknowledgement. It checks nothing; the token is the user's id. On the same database as Parley.
 */
interface Outgoing {
  receiverId: string;
  content: string;
  clientMessageId: string;
}

const messageSchema = new Schema(
  { senderId: String, receiverId: String, content: String, clientMessageId: String },
  { timestamps: true },
);
const Message = mongoose.model('Message', messageSchema, 'messages');

const httpServer = createServer();
const io = new Server(httpServer, { serveClient: false, perMessageDeflate: false });

io.on('connection', (socket) => {
  const senderId = String(socket.handshake.auth.token);
  void socket.join(`user:${senderId}`);
  socket.on('private_message', async (outgoing: Outgoing, acknowledge: (answer: unknown) => void) => {
    try {
      const message = await Message.create({ senderId, ...outgoing });
      io.to(`user:${outgoing.receiverId}`).emit('new_private_message', message);
      acknowledge({ ok: true, data: message });
    } catch (error) {
      acknowledge({ ok: false, error: { code: String(error) } });
    }
  });
});

process.on('SIGTERM', () => process.exit(0));
await mongoose.connect(process.env.MONGODB_URI ?? '', { writeConcern: { w: 'majority', journal: true } });
httpServer.listen(0, '127.0.0.1', () => {
  console.log(`listens on http://127.0.0.1:${(httpServer.address() as AddressInfo).port}`);
});
