/**
 * `npm run bench:search -- [--database URI] [--messages N] [--conversations N]`: what a page of search costs, in pages of
 * history, and what the index costs beside the log. The stores and the service are the server's own.
 */
import { parseArgs } from 'node:util';
import { type Connection, Types } from 'mongoose';
import { createFloors } from '../src/features/conversations/floors.ts';
import { createHeadStore } from '../src/features/conversations/heads.store.ts';
import { createMembershipStore } from '../src/features/conversations/memberships.store.ts';
import { createMemberships } from '../src/features/conversations/memberships.ts';
import { createViewers } from '../src/features/conversations/viewers.ts';
import { createHiddenMessageStore } from '../src/features/messages/hidden-messages.store.ts';
import { createMessageReader } from '../src/features/messages/message-reader.ts';
import { createMessageViews } from '../src/features/messages/message-views.ts';
import type { Entry } from '../src/features/messages/messages.rules.ts';
import { createMessageStore } from '../src/features/messages/messages.store.ts';
import { createSearchService } from '../src/features/search/search.service.ts';
import { termsOf } from '../src/features/search/search-terms.rules.ts';
import { createTermStore } from '../src/features/search/terms.store.ts';
import { createDatabase } from '../src/platform/database.ts';
import { dropDatabase, openExternalDatabase } from './databases.ts';
import { median, percentile } from './statistics.ts';

const { values } = parseArgs({
  options: {
    database: { type: 'string' },
    messages: { type: 'string', default: '100000' },
    conversations: { type: 'string', default: '200' },
  },
});
const messageCount = Number(values.messages);
const conversationCount = Number(values.conversations);
const perWrite = 100;
const runs = 31;
const pageSize = 50;

/** What each message says, besides words that few have: how often the queries below find something. */
const everyMessage = 'report about the meeting in the large hall, 今天的会议改到明天下午三点';
const queries: [what: string, q: string][] = [
  ['a word that every message has', 'meeting'],
  ['two such words', 'meeting report'],
  ['two such Chinese characters', '会议'],
  ['one such Chinese character', '会'],
  ['a word of one message in 1,000', 'seldom'],
  ['such a word and one of every message', 'meeting seldom'],
  ['two words that never meet', 'even odd'],
  ['a word of no message', 'unheard'],
];

interface Seeded {
  userId: string;
  conversationIds: string[];
}

function textOf(index: number): string {
  const parity = index % 2 === 0 ? 'even' : 'odd';
  return `${everyMessage} ${parity} n${index}${index % 1000 === 0 ? ' seldom' : ''}`;
}

function entryOf(index: number, { userId, conversationIds }: Seeded): Entry {
  const seq = Math.floor(index / conversationCount) + 1;
  return {
    id: new Types.ObjectId().toHexString(),
    conversationId: conversationIds[index % conversationCount] ?? '',
    seq,
    messageCount: seq,
    lowCount: seq,
    type: 'private',
    senderId: userId,
    receiverId: new Types.ObjectId().toHexString(),
    clientMessageId: null,
    requestHash: '',
    contentType: 'text',
    content: textOf(index),
    rev: 1,
    createdAt: new Date(Date.now() - messageCount + index),
  };
}

function toIndexed({ id, conversationId, senderId, seq, rev, createdAt, content }: Entry) {
  const terms = termsOf(String(content));
  return { messageId: id, conversationId, senderId, seq, rev, at: createdAt, terms };
}

function wire(connection: Connection) {
  const log = createMessageStore(connection);
  const membershipStore = createMembershipStore(connection);
  const none = () => Promise.resolve(new Map<string, never>());
  const floors = createFloors({
    shownForMs: 0,
    store: createHeadStore(connection),
    findHeadsAt: none,
    findYoung: none,
  });
  const terms = createTermStore(connection);
  const viewers = createViewers({
    memberships: createMemberships({ store: membershipStore, floors }),
    store: membershipStore,
    seesReads: () => Promise.resolve(true),
  });
  const views = createMessageViews('');
  const search = createSearchService({
    store: terms,
    conversationsOf: viewers.placesOf,
    shownSince: floors.shownSince,
    viewersOf: viewers.viewersOf,
    readShown: createMessageReader({ store: log, hidden: createHiddenMessageStore(connection), views })
      .readShown,
  });
  return { log, memberships: membershipStore, search, terms };
}

type Wired = ReturnType<typeof wire>;

async function seed({
  log,
  memberships,
  terms,
}: Wired): Promise<Seeded & { logMs: number; indexMs: number }> {
  const userId = new Types.ObjectId().toHexString();
  const conversationIds = Array.from({ length: conversationCount }, () => new Types.ObjectId().toHexString());
  for (const id of conversationIds)
    await memberships.createPair(id, [userId, new Types.ObjectId().toHexString()]);
  const seeded = { userId, conversationIds, logMs: 0, indexMs: 0 };
  for (let from = 0; from < messageCount; from += perWrite) {
    const size = Math.min(perWrite, messageCount - from);
    const entries = Array.from({ length: size }, (_, index) => entryOf(from + index, seeded));
    const startedAt = performance.now();
    await log.append(entries);
    const appendedAt = performance.now();
    await terms.keep(entries.map(toIndexed));
    seeded.logMs += appendedAt - startedAt;
    seeded.indexMs += performance.now() - appendedAt;
  }
  return seeded;
}

async function timesOf(work: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const startedAt = performance.now();
    await work();
    times.push(performance.now() - startedAt);
  }
  return times;
}

async function measure({ log, search }: Wired, { userId, conversationIds }: Seeded): Promise<void> {
  const [conversationId = ''] = conversationIds;
  const page = { conversationId, aboveSeq: 0, limit: pageSize, newestFirst: true };
  const history = median(await timesOf(() => log.findRange(page)));
  const call = { actor: { userId } } as Parameters<typeof search.searchMessages>[1];
  console.log(`\n| query | found | first page p50 | p95 | pages of history | tenth page p50 |`);
  console.log('|---|---|---|---|---|---|');
  for (const [what, q] of queries) {
    const input = { q, limit: pageSize };
    const first = await search.searchMessages(input, call);
    const times = await timesOf(() => search.searchMessages(input, call));
    let cursor = first.nextCursor;
    for (let pages = 2; pages < 10 && cursor; pages++)
      cursor = (await search.searchMessages({ ...input, cursor }, call)).nextCursor;
    const later = cursor;
    const tenth = later
      ? `${median(await timesOf(() => search.searchMessages({ ...input, cursor: later }, call))).toFixed(1)} ms`
      : 'none';
    const p50 = median(times);
    const cells = [`${first.items.length}${first.nextCursor ? '+' : ''}`, `${p50.toFixed(1)} ms`];
    console.log(
      `| ${what} | ${cells.join(' | ')} | ${percentile(times, 0.95).toFixed(1)} ms | ${(p50 / history).toFixed(1)} | ${tenth} |`,
    );
  }
}

const server = await openExternalDatabase(values.database ?? null, null);
const uri = server.uriOf(`parley-bench-search-${process.pid}`);
try {
  const database = createDatabase(uri);
  const wired = wire(database.connection);
  await database.open();
  const seeded = await seed(wired);
  console.log(
    `${messageCount} messages in ${conversationCount} conversations of one person; ${server.description}`,
  );
  console.log(
    `the index of messages with ${termsOf(textOf(1)).length} terms took ${(seeded.indexMs / seeded.logMs).toFixed(1)} times as long to write as the log`,
  );
  await measure(wired, seeded);
  await database.close();
} finally {
  await dropDatabase(uri);
  await server.stop();
}
