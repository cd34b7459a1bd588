import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import mongoose from 'mongoose';
import { failureOf, startTestDatabase, type TestDatabase } from './support.ts';

const { BSON, MongoClient } = mongoose.mongo;

function frame(body: Uint8Array, opcode = 2013, length = body.length + 16): Buffer {
  const header = Buffer.alloc(16);
  header.writeInt32LE(length);
  header.writeInt32LE(1, 4);
  header.writeInt32LE(opcode, 12);
  return Buffer.concat([header, body]);
}

function message(document: Uint8Array, flags = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32LE(flags);
  return frame(Buffer.concat([head, document]));
}

describe('embedded-mongo wire protocol', () => {
  let database: TestDatabase;
  let socketPath: string;
  before(async () => {
    database = await startTestDatabase();
    socketPath = decodeURIComponent(/^mongodb:\/\/([^/]*)\//.exec(database.mongo.uri)?.[1] ?? '');
  });
  after(() => database.close());

  async function connected(): Promise<Socket> {
    const socket = connect({ path: socketPath });
    await once(socket, 'connect');
    return socket;
  }

  it('presents itself as a standalone with sessions', async () => {
    const hello = await database.client.db().command({ hello: 1 });
    expect(hello).to.include({
      isWritablePrimary: true,
      maxWireVersion: 21,
      logicalSessionTimeoutMinutes: 30,
      ok: 1,
    });
    expect(hello).to.not.have.any.keys('setName', 'msg');
  });

  it('answers the legacy hello in its own format', async () => {
    const socket = await connected();
    const query = Buffer.concat([
      Buffer.alloc(4),
      Buffer.from('admin.$cmd\0'),
      Buffer.alloc(8),
      BSON.serialize({ ismaster: 1 }),
    ]);
    socket.write(frame(query, 2004));
    const [reply] = await once(socket, 'data');
    socket.destroy();
    expect(reply.readInt32LE(12)).to.equal(1);
    expect(BSON.deserialize(reply.subarray(36))).to.include({ ismaster: true, ok: 1 });
  });

  it('takes document sequences', async () => {
    const socket = await connected();
    const documents = Buffer.concat([{ _id: 1 }, { _id: 2 }].map((document) => BSON.serialize(document)));
    const sequence = Buffer.concat([Buffer.alloc(4), Buffer.from('documents\0'), documents]);
    sequence.writeInt32LE(sequence.length);
    const body = BSON.serialize({ insert: 'sequences', $db: 'parley' });
    socket.write(message(Buffer.concat([body, Buffer.of(1), sequence])));
    const [reply] = await once(socket, 'data');
    socket.destroy();
    expect(BSON.deserialize(reply.subarray(21))).to.deep.include({ n: 2, ok: 1 });
  });

  it('executes unacknowledged writes in order, without a reply', async () => {
    const client = await new MongoClient(database.mongo.uri, { maxPoolSize: 1 }).connect();
    const things = client.db().collection('unacknowledged');
    await things.insertOne({ a: 1 }, { writeConcern: { w: 0 } });
    expect(await things.countDocuments()).to.equal(1);
    await client.close();
  });

  it('cuts frames out of any chunks', async () => {
    const socket = await connected();
    const ping = message(BSON.serialize({ ping: 1, $db: 'admin' }));
    const both = Buffer.concat([ping, ping]);
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
    });
    for (const byte of both) socket.write(Buffer.of(byte));
    while (received.length < 2 * (21 + 17)) await once(socket, 'data');
    socket.destroy();
    expect(received.readInt32LE(8)).to.equal(1);
  });

  const deep = (levels: number): Buffer => {
    let document: Uint8Array = BSON.serialize({});
    for (let level = 0; level < levels; level++) {
      const size = Buffer.alloc(4);
      size.writeInt32LE(document.length + 8);
      document = Buffer.concat([size, Buffer.from('\x03a\0'), document, Buffer.of(0)]);
    }
    return Buffer.from(document);
  };
  const wrongLength = Buffer.from(BSON.serialize({ ping: 1 }));
  wrongLength.writeInt32LE(1_000_000);
  const unterminated = Buffer.from(BSON.serialize({ ping: 'x' }));
  unterminated.writeInt32LE(1_000, 10);
  const malformed = {
    'a negative size': Buffer.from('ffffffffffffffffffffffffffffffff', 'hex'),
    'a size above the limit': frame(Buffer.alloc(4), 2013, 100_000_000),
    'an unknown opcode': frame(Buffer.alloc(8), 1234),
    'an unknown section': frame(Buffer.of(0, 0, 0, 0, 9, 1, 2)),
    'no body': frame(Buffer.alloc(4)),
    'an unknown required flag': message(BSON.serialize({ ping: 1 }), 4),
    'a document longer than the frame': message(wrongLength),
    'a string longer than its document': message(unterminated),
    'a document 20,000 levels deep': message(deep(20_000)),
    'text instead of a protocol': Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  };
  for (const [what, bytes] of Object.entries(malformed)) {
    it(`closes only the connection that sends ${what}`, async () => {
      const socket = await connected();
      socket.on('error', () => undefined);
      const closed = once(socket, 'close');
      socket.write(bytes);
      await closed;
      expect(await database.client.db().command({ ping: 1 })).to.include({ ok: 1 });
    });
  }

  it('names what it does not know', async () => {
    const things = database.collection();
    const failures = {
      nonsense: failureOf(database.client.db().command({ nonsense: 1 })),
      $nonsense: failureOf(things.updateOne({}, { $nonsense: { a: 1 } })),
      $near: failureOf(things.find({ a: { $near: 1 } }).toArray()),
      $where: failureOf(things.find({ $where: 'true' }).toArray()),
      $lookup: failureOf(things.aggregate([{ $lookup: {} }]).toArray()),
      'a.$': failureOf(things.updateOne({ a: 1 }, { $set: { 'a.$': 1 } })),
      pipeline: failureOf(things.updateOne({}, [{ $set: { a: 1 } }])),
      $slice: failureOf(things.find({}, { projection: { a: { $slice: 1 } } }).toArray()),
      text: failureOf(things.createIndex({ a: 'text' })),
      capped: failureOf(database.client.db().createCollection('capped', { capped: true, size: 1 })),
    };
    const codes: Record<string, unknown> = {};
    for (const [name, failing] of Object.entries(failures)) {
      const failure = await failing;
      expect(failure.message).to.include(name);
      codes[name] = failure.code;
    }
    expect(codes).to.deep.equal({
      nonsense: 59,
      $nonsense: 9,
      $near: 2,
      $where: 2,
      $lookup: 40324,
      'a.$': 9,
      pipeline: 9,
      $slice: 9,
      text: 67,
      capped: 9,
    });
  });

  it('refuses transactions, as a standalone does', async () => {
    const failure = await failureOf(
      database.client.db().command({ ping: 1, txnNumber: 1, startTransaction: true, autocommit: false }),
    );
    expect(failure.code).to.equal(20);
  });

  it('reads at local and majority, and names other read concerns', async () => {
    const db = database.client.db();
    const things = database.collection();
    await things.insertOne({ a: 1 });
    const find = (readConcern: unknown) => db.command({ find: things.collectionName, readConcern });
    for (const readConcern of [{}, { level: 'local' }, { level: 'majority' }])
      expect((await find(readConcern)).cursor.firstBatch).to.have.length(1);
    for (const level of ['available', 'linearizable', 'snapshot', 'nonsense'])
      expect(await failureOf(find({ level }))).to.include({
        code: 9,
        message: `read concern ${level} is not supported by the embedded database`,
      });
    expect((await failureOf(find({ afterClusterTime: 1 }))).message).to.include('afterClusterTime');
    for (const readConcern of ['majority', { level: 1 }])
      expect((await failureOf(find(readConcern))).code).to.equal(14);
  });

  it('takes read concern majority in reads alone', async () => {
    const insert = { insert: database.collection().collectionName, documents: [{ a: 1 }] };
    const withConcern = (level: string) =>
      database.client.db().command({ ...insert, readConcern: { level } });
    expect((await failureOf(withConcern('majority'))).code).to.equal(72);
    expect(await withConcern('local')).to.include({ n: 1 });
  });
});
