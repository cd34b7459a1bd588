import { expect } from 'chai';
import fc from 'fast-check';
import mongoose from 'mongoose';
import { createHiddenMessageStore } from '../../src/features/messages/hidden-messages.store.ts';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { befriend, buildUser, type TestUser } from '../support/builders.ts';
import type { TestSocket } from '../support/clients.ts';
import { readWholeHistory } from '../support/log-checker.ts';
import { searchAll, untilIndexed } from '../support/message-search.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const { ObjectId } = mongoose.Types;

const words = ['alpha', 'Beta', 'gamma', 'alphabet', 'X1', '会议', '议室', '会议室', '室', '👍', '会'];
const parts = fc.array(fc.constantFrom(...words, ' ', ' ', '，', '.'), { minLength: 1, maxLength: 8 });
const text = parts.map((chosen) => chosen.join('')).filter((said) => said.trim() !== '');
const query = fc
  .array(fc.constantFrom(...words, 'delta', '议'), { minLength: 1, maxLength: 3 })
  .map((asked) => asked.join(' '));

/** What the rules say, told in another way than the index does it. */
function isAskedFor(asked: string, said: string): boolean {
  const spoken = said.toLowerCase();
  const spokenWords = spoken.split(/[^a-z0-9]+/);
  return asked
    .toLowerCase()
    .split(' ')
    .every((term) => (/^[a-z0-9]+$/.test(term) ? spokenWords.includes(term) : spoken.includes(term)));
}

describe('messages: message_search and history', () => {
  const friendCount = 4;
  let app: TestApp;
  let ann: TestUser;
  let friends: TestUser[];
  let socket: TestSocket;
  let visible: Message[];

  before(async () => {
    app = await startApp();
    ann = await buildUser(app.url);
    friends = await Promise.all(Array.from({ length: friendCount }, () => buildUser(app.url)));
    for (const friend of friends) await befriend(friend, ann);
    socket = await ann.connect();
    const texts = fc.sample(text, { numRuns: 240, seed: 11 });
    const sent = await Promise.all(
      texts.map((content, index) => {
        const receiverId = friends[index % friendCount]?.id ?? '';
        return socket.call('private_message', { receiverId, content });
      }),
    );
    await untilIndexed(ann, socket, friends[0]?.id ?? '');
    await takeSomeAway(sent);
    const histories = await Promise.all(friends.map(({ id }) => readWholeHistory(socket, id)));
    visible = histories.flat();
  });
  after(async () => {
    socket.close();
    await app.close();
  });

  /** Recalls, hides and clears some, as the operations write it. */
  async function takeSomeAway(sent: readonly Message[]): Promise<void> {
    const database = await mongoose.createConnection(app.mongodbUri).asPromise();
    const hidden = createHiddenMessageStore(database);
    for (const [index, { id, conversationId, seq }] of sent.entries()) {
      const changes = { content: null, recalledAt: new Date(), recalledSeq: seq };
      if (index % 10 === 3)
        await database.collection('messages').updateOne({ _id: new ObjectId(id) }, { $set: changes });
      if (index % 10 === 7)
        await hidden.hide({ userId: ann.id, messageId: id, conversationId, seq, isOwn: true });
    }
    const mine = { userId: new ObjectId(ann.id), conversationId: new ObjectId(sent[1]?.conversationId) };
    await database.collection('memberships').updateOne(mine, { $set: { clearedSeq: 20 } });
    await database.close();
  }

  it('finds exactly what looking through the whole visible history finds', async () => {
    let hits = 0;
    await fc.assert(
      fc.asyncProperty(query, fc.integer({ min: 1, max: 40 }), async (asked, limit) => {
        const expected = visible.filter(({ content }) => isAskedFor(asked, String(content ?? '')));
        const found = await searchAll(ann, { q: asked, limit });
        expect(found, asked).to.have.deep.members(expected);
        const times = found.map(({ createdAt }) => createdAt);
        expect(times).to.deep.equal(times.toSorted().reverse());
        hits += found.length;
      }),
      { numRuns: 60, seed: 4 },
    );
    expect(hits).to.be.above(500);
  });
});
