import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import mongoose from 'mongoose';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { createIndexLeaseStore } from '../../src/features/search/index-leases.store.ts';
import { createIndexRecovery } from '../../src/features/search/index-recovery.ts';
import { createIndexing, type IndexableEntry } from '../../src/features/search/indexing.ts';
import { createTermStore, type TermStore } from '../../src/features/search/terms.store.ts';
import { createDatabase } from '../../src/platform/database.ts';
import { buildFriends } from '../support/builders.ts';
import { TestSocket } from '../support/clients.ts';
import { freshDatabaseUri } from '../support/database.ts';
import { spawnServer } from '../support/server-process.ts';

const { ObjectId } = mongoose.Types;
const conversationId = new ObjectId().toHexString();
const senderId = new ObjectId().toHexString();

describe('search: the index', () => {
  let database: ReturnType<typeof createDatabase>;
  let store: TermStore;
  let seq = 0;

  before(async () => {
    database = createDatabase(freshDatabaseUri());
    store = createTermStore(database.connection);
    createIndexLeaseStore(database.connection);
    await database.open();
  });
  after(async () => {
    await database.connection.dropDatabase();
    await database.close();
  });

  function entryOf(content: string | null, overrides: Partial<IndexableEntry> = {}): IndexableEntry {
    const id = new ObjectId().toHexString();
    const entry = { id, conversationId, senderId, seq: ++seq, rev: 1, createdAt: new Date() };
    return { ...entry, contentType: 'text', content, ...overrides };
  }

  async function candidates(term: string): Promise<string[]> {
    const found = await store.findCandidates({ conversationIds: [conversationId], term, limit: 50 });
    return found.map(({ messageId }) => messageId);
  }

  const indexingWith = (keep: TermStore['keep'], onFailure: (error: unknown) => void = () => {}) =>
    createIndexing({ store: { keep }, onFailure });

  for (const order of ['as it happened', 'the other way round']) {
    const inOrder = (revisions: IndexableEntry[]) =>
      order === 'as it happened' ? revisions : revisions.toReversed();

    it(`indexes an edited message by its new words, written ${order}`, async () => {
      const indexing = indexingWith(store.keep);
      const entry = entryOf('aardvark');
      const revisions = [entry, { ...entry, rev: 2, content: 'buffalo' }];
      for (const revision of inOrder(revisions)) {
        indexing.note(revision);
        await indexing.flush();
      }
      expect(await candidates('AARDVARK')).not.to.include(entry.id);
      expect(await candidates('BUFFALO')).to.include(entry.id);
    });

    it(`keeps no word of a message that was recalled, written ${order}`, async () => {
      const indexing = indexingWith(store.keep);
      const entry = entryOf('capybara');
      const revisions = [entry, { ...entry, rev: 2, content: null }];
      for (const revision of inOrder(revisions)) {
        indexing.note(revision);
        await indexing.flush();
      }
      expect(await candidates('CAPYBARA')).not.to.include(entry.id);
    });
  }

  it('takes the later of two revisions that wait', async () => {
    const indexing = indexingWith(store.keep);
    const entry = entryOf('dingo');
    indexing.note({ ...entry, rev: 3, content: 'dodo' });
    indexing.note({ ...entry, rev: 2 });
    await indexing.flush();
    expect([await candidates('DODO'), await candidates('DINGO')]).to.deep.equal([[entry.id], []]);
  });

  it('keeps what cannot be written, says since when, and writes it as soon as it can', async () => {
    let isAway = true;
    const failures: unknown[] = [];
    const indexing = indexingWith(
      (messages) => (isAway ? Promise.reject(new Error('away')) : store.keep(messages)),
      (error) => failures.push(error),
    );
    const entry = entryOf('emu');
    indexing.note(entry);
    await indexing.flush();
    expect(failures).to.have.length(1);
    expect(indexing.pendingSince()?.getTime()).to.equal(Number.parseInt(entry.id.slice(0, 8), 16) * 1000);
    isAway = false;
    await indexing.flush();
    expect(indexing.pendingSince()).to.equal(null);
    expect(await candidates('EMU')).to.deep.equal([entry.id]);
  });

  it('owes what is too much to wait, and works it off from the log', async () => {
    const log: IndexableEntry[] = [];
    const indexing = indexingWith(store.keep);
    for (let count = 0; count < 5010; count++) {
      const entry = entryOf('flamingo');
      log.push(entry);
      indexing.note(entry);
    }
    expect(indexing.debt()?.count).to.equal(10);
    const recovery = createIndexRecovery({
      leases: createIndexLeaseStore(database.connection),
      indexing,
      readEntries: async ({ aboveId, limit }) => log.filter(({ id }) => id > aboveId).slice(0, limit),
    });
    await recovery.tend();
    expect([indexing.debt(), indexing.pendingSince()]).to.deep.equal([null, null]);
    const indexed = await database.connection
      .collection('message_terms')
      .countDocuments({ terms: 'FLAMINGO' });
    expect(indexed).to.equal(5010);
  }).timeout(30_000);
});

describe('search: what a lost process leaves', () => {
  let database: ReturnType<typeof createDatabase>;
  let store: TermStore;
  let leases: ReturnType<typeof createIndexLeaseStore>;

  beforeEach(async () => {
    database = createDatabase(freshDatabaseUri());
    store = createTermStore(database.connection);
    leases = createIndexLeaseStore(database.connection);
    await database.open();
  });
  afterEach(async () => {
    await database.connection.dropDatabase();
    await database.close();
  });

  function recoveryOver(log: readonly IndexableEntry[]) {
    const reads: { aboveId: string; before: Date }[] = [];
    const recovery = createIndexRecovery({
      leases,
      indexing: createIndexing({ store, onFailure: () => {} }),
      async readEntries({ aboveId, before, limit }) {
        reads.push({ aboveId, before });
        const until = ObjectId.createFromTime(before.getTime() / 1000).toHexString();
        return log.filter(({ id }) => id > aboveId && id < until).slice(0, limit);
      },
    });
    return { recovery, reads };
  }

  const entryAt = (at: Date, content: string): IndexableEntry => ({
    id: `${Math.floor(at.getTime() / 1000)
      .toString(16)
      .padStart(8, '0')}${new ObjectId().toHexString().slice(8)}`,
    conversationId,
    senderId,
    seq: 1,
    rev: 1,
    createdAt: at,
    contentType: 'text',
    content,
  });
  const isIndexed = async ({ id }: IndexableEntry) => (await store.among([id], ['HERON'])).size === 1;
  const ago = (seconds: number) => new Date(Date.now() - seconds * 1000);

  it('indexes everything once that was written before there was an index', async () => {
    const log = Array.from({ length: 1200 }, (_, index) => entryAt(ago(9_000_000 - index), 'gecko'));
    const { recovery } = recoveryOver(log);
    await recovery.start();
    const indexed = await database.connection.collection('message_terms').countDocuments({ terms: 'GECKO' });
    expect(indexed).to.equal(1200);
    const again = recoveryOver(log);
    await again.recovery.start();
    expect(again.reads.every(({ aboveId }) => aboveId > '6')).to.equal(true);
  });

  it('indexes the time of a lost lease and ends it; that of a living one is looked at, at the start only', async () => {
    await leases.openFirst();
    await leases.end('000000000000000000000000');
    const [lost, alive] = [leases.newId(), leases.newId()];
    await leases.renew({ id: lost, from: ago(4000), until: ago(3900), renewedAt: ago(3900) });
    await leases.renew({ id: alive, from: ago(5), until: ago(5), renewedAt: ago(5) });
    const [before, within, after, fresh] = [
      entryAt(ago(6000), 'heron'),
      entryAt(ago(3950), 'heron'),
      entryAt(ago(2000), 'heron'),
      entryAt(ago(3), 'heron'),
    ];
    const log = [before, within, after, fresh];
    const { recovery } = recoveryOver(log);
    await recovery.tend();
    expect(await Promise.all(log.map(isIndexed))).to.deep.equal([false, true, false, false]);
    await recovery.start();
    expect(await Promise.all(log.map(isIndexed))).to.deep.equal([false, true, false, true]);
    const left = await leases.findOthers('ffffffffffffffffffffffff');
    expect(left.map(({ id }) => id))
      .to.include(alive)
      .and.not.include(lost);
  });

  it('leaves no lease when it stops in peace', async () => {
    const { recovery } = recoveryOver([]);
    await recovery.start();
    expect(await leases.findOthers('ffffffffffffffffffffffff')).to.have.length(1);
    await recovery.end();
    expect(await leases.findOthers('ffffffffffffffffffffffff')).to.deep.equal([]);
  });
});

describe('search: after kill -9', () => {
  it('finds every acknowledged message once the server is back', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'parley-search-'));
    const environment = { DATA_DIR: dataDir, JWT_SECRET: 'search-durability-secret-of-32-bytes!' };
    const first = await spawnServer(environment);
    const [ann, bob] = await buildFriends(first.url);
    const socket = await ann.connect();
    const sent: Message[] = [];
    // the kill comes within the time that the index takes
    await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        sent.push(await socket.call('private_message', { receiverId: bob.id, content: `ibis ${index}` }));
        if (sent.length === 40) await first.kill();
      }),
    );
    const second = await spawnServer(environment);
    const again = await new TestSocket(second.url, ann.token).connected();
    let found: Message[] = [];
    const deadline = Date.now() + 10_000;
    while (found.length < sent.length && Date.now() < deadline)
      found = (await again.call('message_search', { q: 'ibis' })).items;
    expect(found.map(({ id }) => id)).to.have.members(sent.map(({ id }) => id));
    again.close();
    await second.stop();
    await rm(dataDir, { recursive: true, force: true });
  }).timeout(40_000);
});
