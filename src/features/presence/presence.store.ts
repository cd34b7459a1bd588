import { type Connection, Schema, Types } from 'mongoose';
import type { Node } from './presence.rules.ts';

type NodeDocument = Omit<Node, 'id'> & { _id: Types.ObjectId };

/** Somebody has sockets on a process. */
interface ConnectionDocument {
  /** Person and process, so that writing it again is harmless. */
  _id: string;
  userId: Types.ObjectId;
  nodeId: Types.ObjectId;
  since: Date;
}

/** A person's row of a process. */
export interface ConnectedOn {
  userId: string;
  nodeId: string;
  since: Date;
}

const objectId = Schema.Types.ObjectId;
const nodeSchema = new Schema<NodeDocument>(
  { renewedAt: Date, endedAt: Date },
  { collection: 'nodes', versionKey: false },
);
const connectionSchema = new Schema<ConnectionDocument>(
  { _id: String, userId: objectId, nodeId: objectId, since: Date },
  { collection: 'connections', versionKey: false },
);
connectionSchema.index({ userId: 1 });
connectionSchema.index({ nodeId: 1, userId: 1 });

export type PresenceStore = ReturnType<typeof createPresenceStore>;

/** Which processes live, and who is connected to which of them. */
export function createPresenceStore(connection: Connection) {
  const nodes = connection.model('Node', nodeSchema);
  const connections = connection.model('Connection', connectionSchema);

  return {
    /** A new process begins to live. */
    async openNode(): Promise<Node> {
      const opened = await nodes
        .findOneAndUpdate(
          { _id: new Types.ObjectId() },
          { $currentDate: { renewedAt: true }, $set: { endedAt: null } },
          { upsert: true, returnDocument: 'after' },
        )
        .lean<NodeDocument>();
      return toNode(opened);
    },

    /** Notes, by the database's clock, that a process lives. `null` if it was taken for dead. */
    async renewNode(nodeId: string): Promise<Node | null> {
      const renewed = await nodes
        .findOneAndUpdate(
          { _id: nodeId, endedAt: null },
          { $currentDate: { renewedAt: true } },
          { returnDocument: 'after' },
        )
        .lean<NodeDocument>();
      return renewed && toNode(renewed);
    },

    async listNodes(): Promise<Node[]> {
      return (await nodes.find().lean<NodeDocument[]>()).map(toNode);
    },

    /** Ends a process, unless it was renewed since it was read. Answers whether it is over. */
    async endNode({ id, renewedAt }: Node): Promise<boolean> {
      const change = { $set: { endedAt: renewedAt } };
      return (await nodes.updateOne({ _id: id, renewedAt, endedAt: null }, change)).modifiedCount === 1;
    },

    async removeNode(nodeId: string): Promise<void> {
      await nodes.deleteOne({ _id: nodeId });
    },

    /** Notes that these people are connected to a process; who is already keeps the time. */
    async addConnections(nodeId: string, userIds: readonly string[]): Promise<void> {
      const since = new Date();
      const upserts = userIds.map((userId) => ({
        updateOne: {
          filter: { _id: rowId(userId, nodeId) },
          update: {
            $setOnInsert: { userId: new Types.ObjectId(userId), nodeId: new Types.ObjectId(nodeId), since },
          },
          upsert: true,
        },
      }));
      await connections.bulkWrite(upserts, { ordered: false });
    },

    async removeConnections(nodeId: string, userIds: readonly string[]): Promise<void> {
      await connections.deleteMany({ _id: { $in: userIds.map((userId) => rowId(userId, nodeId)) } });
    },

    /** On which processes these people are connected. */
    async findConnections(userIds: readonly string[]): Promise<ConnectedOn[]> {
      const found = await connections.find({ userId: { $in: userIds } }).lean<ConnectionDocument[]>();
      return found.map(({ userId, nodeId, since }) => ({
        userId: userId.toHexString(),
        nodeId: nodeId.toHexString(),
        since,
      }));
    },

    /** Some of the people connected to a process. */
    async listConnected(nodeId: string, limit: number): Promise<string[]> {
      const found = await connections.find({ nodeId }).limit(limit).lean<ConnectionDocument[]>();
      return found.map(({ userId }) => userId.toHexString());
    },
  };
}

const rowId = (userId: string, nodeId: string): string => `${userId}:${nodeId}`;

function toNode({ _id, renewedAt, endedAt }: NodeDocument): Node {
  return { id: _id.toHexString(), renewedAt, endedAt };
}
