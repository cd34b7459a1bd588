import { expect } from 'chai';
import { buildFriends, type TestUser } from './builders.ts';
import type { TestSocket } from './clients.ts';

/** Two friends who use the server honestly while a test misuses it. */
export interface Witness {
  sender: TestUser;
  receiver: TestUser;
  /** Resolves when a message came through from one to the other, so the server still serves everybody. */
  isServed(): Promise<void>;
  close(): void;
}

export async function createWitness(url: string): Promise<Witness> {
  const [sender, receiver] = await buildFriends(url);
  const sockets = await Promise.all([sender.connect(), receiver.connect()]);
  const [from, to]: [TestSocket, TestSocket] = sockets;
  let count = 0;

  return {
    sender,
    receiver,
    async isServed() {
      const content = `still here ${count++}`;
      const sent = await from.call('private_message', { receiverId: receiver.id, content });
      expect(await to.next('new_private_message')).to.include({ id: sent.id, content });
    },
    close() {
      for (const socket of sockets) socket.close();
    },
  };
}
