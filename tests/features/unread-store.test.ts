import { expect } from 'chai';
import mongoose, { type Connection, Types } from 'mongoose';
import type { Entry } from '../../src/features/messages/messages.rules.ts';
import { createMessageStore } from '../../src/features/messages/messages.store.ts';
import { createUnreadMessageStore } from '../../src/features/messages/unread-messages.store.ts';
import { startTestDatabase, type TestDatabase } from '../embedded-mongo/support.ts';
import { freshDatabaseUri } from '../support/database.ts';

const newId = () => new Types.ObjectId().toHexString();

describe('messages: what of a group’s log is my own, and what calls me', () => {
  let connection: Connection;
  let store: ReturnType<typeof createMessageStore>;
  let unread: ReturnType<typeof createUnreadMessageStore>;
  const [me, other] = [newId(), newId()];

  before(async () => {
    connection = await mongoose.createConnection(freshDatabaseUri()).asPromise();
    store = createMessageStore(connection);
    unread = createUnreadMessageStore(connection);
    await connection.model('Message').createIndexes();
  });
  after(async () => {
    await connection.dropDatabase();
    await connection.close();
  });

  function entryOf(conversationId: string, seq: number, overrides: Partial<Entry>): Entry {
    return {
      id: newId(),
      conversationId,
      seq,
      messageCount: seq,
      lowCount: 0,
      type: 'group',
      senderId: other,
      clientMessageId: null,
      requestHash: '',
      contentType: 'text',
      content: 'hello',
      rev: 1,
      createdAt: new Date(),
      ...overrides,
    };
  }

  /** Writes a log of a group, entry by entry. */
  async function write(log: readonly Partial<Entry>[]): Promise<string> {
    const conversationId = newId();
    await store.append(log.map((overrides, index) => entryOf(conversationId, index + 1, overrides)));
    return conversationId;
  }

  const stretch = (conversationId: string, aboveSeq: number, upToSeq: number) => ({
    conversationId,
    aboveSeq,
    upToSeq,
    messageCount: upToSeq - aboveSeq,
  });

  it('counts thousands of mine, by an index that private messages and changes are not in', async () => {
    const mine = { senderId: me };
    const change = { ...mine, groupChange: { event: 'group_member_left', data: { userId: me } } } as const;
    const groupId = await write([...Array.from({ length: 3000 }, () => mine), change, {}, mine]);
    const second = await write([mine, {}, mine, mine]);
    const pair = await write([{ ...mine, type: 'private', receiverId: other }]);
    const stretches = [stretch(groupId, 1, 3003), stretch(second, 1, 3), stretch(pair, 0, 1)];
    expect(await unread.countOwn(me, stretches)).to.deep.equal(
      new Map([
        [groupId, 3000],
        [second, 1],
      ]),
    );
    expect(await unread.countOwn(me, [])).to.deep.equal(new Map());
  });

  it('finds each mention once, without mine, and of very many the newest', async () => {
    const all = { mentions: ['all'] };
    const groupId = await write([
      { mentions: [me] },
      { mentions: [me, 'all'] },
      { ...all, senderId: me },
      { mentions: [other] },
      {},
      all,
    ]);
    const many = await write(Array.from({ length: 1500 }, () => all));
    const found = await unread.findMentions(me, [stretch(groupId, 1, 6), stretch(many, 10, 1500)]);
    expect(found.get(groupId)).to.have.members([2, 6]);
    expect(found.get(many)).to.have.length(1000).and.include.members([1500, 501]);
    const part = await unread.findMentions(me, [stretch(many, 0, 20)]);
    expect(part.get(many)).to.have.length(20);
  });
});

/** How an engine tells of its plan is its own affair; this one is ours. */
describe('messages: own and mentioned ones in the embedded database', () => {
  let database: TestDatabase;
  let connection: Connection;
  const me = new Types.ObjectId();

  before(async () => {
    database = await startTestDatabase();
    connection = await mongoose.createConnection(database.mongo.uri).asPromise();
    createMessageStore(connection);
    await connection.model('Message').createIndexes();
  });
  after(async () => {
    await connection.close();
    await database.close();
  });

  it('are found by their indexes for many groups at once', async () => {
    const $or = Array.from({ length: 300 }, () => ({
      conversationId: new Types.ObjectId(),
      senderId: me,
      authoredSeq: { $gt: 0, $lte: 9 },
    }));
    const mentions = $or.map(({ conversationId }) => ({
      conversationId,
      mentions: { $in: [me.toHexString(), 'all'] },
      seq: { $gt: 0, $lte: 9 },
    }));
    for (const filter of [{ $or }, { $or: mentions, senderId: { $ne: me } }]) {
      const explained = await connection.collection('messages').find(filter).explain('executionStats');
      expect(JSON.stringify(explained)).not.to.include('COLLSCAN');
      expect(explained.executionStats.totalDocsExamined).to.equal(0);
    }
  });
});
