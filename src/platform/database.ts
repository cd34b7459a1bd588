import mongoose, { mongo } from 'mongoose';

const operationTimeoutMs = 5000;

// `true` would silently drop unknown filter fields, and so widen the filter
mongoose.set('strictQuery', 'throw');

/** What the driver throws when the database is away, answers too late or could not confirm a write. */
const outages = [
  mongo.MongoNetworkError,
  mongo.MongoServerSelectionError,
  mongo.MongoOperationTimeoutError,
  mongo.MongoNotConnectedError,
  mongo.MongoTopologyClosedError,
  mongo.MongoServerClosedError,
  mongo.MongoClientClosedError,
  mongo.MongoWriteConcernError,
];

/** A connection of our own to a MongoDB, or to the embedded database that speaks like one. Opens lazily. */
export function createDatabase(uri: string) {
  const connection = mongoose.createConnection();
  connection.set('bufferCommands', false);

  return {
    connection,

    /** Connects, ensures every index, and resolves when the database takes writes. */
    async open(): Promise<void> {
      await connection.openUri(uri, {
        serverSelectionTimeoutMS: operationTimeoutMs,
        // longer than any operation may take, so that what hangs is given up in the end
        socketTimeoutMS: 2 * operationTimeoutMs,
        writeConcern: { w: 'majority', journal: true },
        // nothing is shown or built on that a failover may still take back; what was acknowledged is seen at once
        readConcern: { level: 'majority' },
        autoIndex: false,
        autoCreate: false,
      });
      await Promise.all(Object.values(connection.models).map((model) => model.createIndexes()));
    },

    /** Whether the database answers and takes writes, asked now. */
    async isWritable(): Promise<boolean> {
      const hello = await connection.db?.command({ hello: 1 }).catch(() => null);
      return hello?.isWritablePrimary === true;
    },

    /** Whether a failure says that the database could not be asked or did not confirm: the outcome is unknown. */
    isOutage: (error: unknown): boolean =>
      isOutage(error) ||
      (error instanceof mongoose.Error && connection.readyState !== mongoose.ConnectionStates.connected),

    async close(): Promise<void> {
      // Mongoose alone would wait for a connection that is being made, however long it takes
      if (connection.readyState === mongoose.ConnectionStates.connecting)
        await connection.getClient()?.close();
      await connection.close();
    },
  };
}

/** How a connection that breaks in the middle of a large write shows itself, past the driver. */
const brokenConnection = new Set<unknown>(['EPIPE', 'ECONNRESET', 'ECONNREFUSED', 'ETIMEDOUT']);

function isOutage(error: unknown): boolean {
  if (outages.some((outage) => error instanceof outage)) return true;
  if (error instanceof Error && 'code' in error && brokenConnection.has(error.code)) return true;
  if (error instanceof mongo.MongoBulkWriteError) {
    // the driver wraps whatever stopped the writes
    if (error.result.getWriteConcernError() || isOutage(error.errorResponse)) return true;
  }
  return error instanceof mongo.MongoError && error.hasErrorLabel('RetryableWriteError');
}
