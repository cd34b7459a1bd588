import mongoose, { type Connection, Types } from 'mongoose';
import {
  createHiddenMessageStore,
  type HiddenMessageStore,
} from '../../src/features/messages/hidden-messages.store.ts';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import type { TestUser } from './builders.ts';
import type { TestApp } from './start-app.ts';

/** The database behind a server, for states that a test needs and no call of it makes. */
export class Storage {
  readonly connection: Connection;
  readonly hidden: HiddenMessageStore;

  private constructor(connection: Connection) {
    this.connection = connection;
    this.hidden = createHiddenMessageStore(connection);
  }

  static async of({ mongodbUri }: TestApp): Promise<Storage> {
    return new Storage(await mongoose.createConnection(mongodbUri).asPromise());
  }

  /** Ends a friendship, as removing and blocking do. */
  async unfriend(one: TestUser, other: TestUser): Promise<void> {
    const [low, high] = [one.id, other.id].sort().map((id) => new Types.ObjectId(id));
    await this.connection
      .collection('relationships')
      .updateOne({ low, high }, { $set: { friendIds: [], since: null } });
  }

  /** Leaves of a message what a recall leaves. */
  async recall({ id, seq, senderId }: Message): Promise<void> {
    const recalled = { content: null, recalledAt: new Date(), recalledBy: senderId, recalledSeq: seq };
    await this.connection
      .collection('messages')
      .updateOne({ _id: new Types.ObjectId(id) }, { $set: recalled, $inc: { rev: 1 } });
  }

  /** Deletes a message for one person, and nothing more. */
  async deleteFor(user: TestUser, { id, conversationId, seq, senderId }: Message): Promise<void> {
    await this.hidden.hide({
      userId: user.id,
      messageId: id,
      conversationId,
      seq,
      isOwn: senderId === user.id,
    });
  }

  /** Hides from somebody what stands below a seq, as from who joins later. */
  async letSeeFrom({ id }: TestUser, seq: number): Promise<void> {
    await this.connection
      .collection('memberships')
      .updateMany({ userId: new Types.ObjectId(id) }, { $set: { joinedFrom: seq } });
  }

  /** Gives somebody pinned conversations in which nothing was written yet. */
  async addPinned({ id }: TestUser, count: number): Promise<void> {
    const pinned = Array.from({ length: count }, () => ({
      userId: new Types.ObjectId(id),
      conversationId: new Types.ObjectId(),
      peerId: new Types.ObjectId(),
      type: 'private',
      pinned: true,
    }));
    await this.connection.collection('memberships').insertMany(pinned);
  }

  close(): Promise<void> {
    return this.connection.close();
  }
}
