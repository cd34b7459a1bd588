import { expect } from 'chai';
import { Types } from 'mongoose';
import { createPeopleSearch } from '../../src/features/users/people-search.ts';
import {
  createSearchKeyStore,
  type KeyPosition,
  type SearchKeyStore,
} from '../../src/features/users/search-keys.store.ts';
import { searchKeysOf, searchPrefixOf } from '../../src/features/users/search-keys.ts';
import { createDatabase } from '../../src/platform/database.ts';
import { freshDatabaseUri } from '../support/database.ts';

const newId = () => new Types.ObjectId().toHexString();

async function openStore() {
  const database = createDatabase(freshDatabaseUri());
  const store = createSearchKeyStore(database.connection);
  await database.open();
  return { store, database };
}

/** All keys that a prefix finds, read page by page. */
async function readAll(store: SearchKeyStore, prefix: string, limit = 3): Promise<KeyPosition[]> {
  const all: KeyPosition[] = [];
  for (let after: KeyPosition | null = null; ; ) {
    const rows = await store.findByPrefix({ prefix, limit, after });
    all.push(...rows);
    after = rows.at(-1) ?? null;
    if (rows.length < limit) return all;
  }
}

const byBytes = (one: string, other: string) => Buffer.compare(Buffer.from(one), Buffer.from(other));

const inOrder = (rows: KeyPosition[]) =>
  rows.toSorted((one, other) => byBytes(one.key, other.key) || byBytes(one.userId, other.userId));

describe('search keys: the store', () => {
  let store: SearchKeyStore;
  let close: () => Promise<void>;
  before(async () => {
    const opened = await openStore();
    store = opened.store;
    close = () => opened.database.close();
  });
  after(() => close());

  const keysWith = async (prefix: string) => (await readAll(store, prefix)).map(({ key }) => key);

  it('adds keys once, however often and at once they are added', async () => {
    const userId = newId();
    await Promise.all(Array.from({ length: 8 }, () => store.add(userId, ['once-a', 'once-b'])));
    await store.add(userId, []);
    expect(await readAll(store, 'once')).to.deep.equal([
      { key: 'once-a', userId },
      { key: 'once-b', userId },
    ]);
  });

  it('retains the keys named and those of others', async () => {
    const [userId, other] = [newId(), newId()];
    await store.add(userId, ['keep-new', 'keep-old', 'keep-older']);
    await store.add(other, ['keep-old']);
    await store.retain(userId, ['keep-new', 'keep-unknown']);
    expect(await readAll(store, 'keep')).to.deep.equal([
      { key: 'keep-new', userId },
      { key: 'keep-old', userId: other },
    ]);
  });

  it('removes all keys of one person and tells how many', async () => {
    const [userId, other] = [newId(), newId()];
    await store.add(userId, ['gone-a', 'gone-b']);
    await store.add(other, ['gone-a']);
    expect(await store.removeAll(userId)).to.equal(2);
    expect(await store.removeAll(userId)).to.equal(0);
    expect(await readAll(store, 'gone')).to.deep.equal([{ key: 'gone-a', userId: other }]);
  });

  it('finds what begins with the prefix, whatever characters follow or end it', async () => {
    const tails = ['', 'a', '\u0000', '\uFFFF', '𠮷', '\u{10FFFF}', '\u{10FFFF}z'];
    await store.add(newId(), ['edge\uE000', 'edge\u0080', 'edge𠮸']);
    for (const prefix of ['edge', 'edge\u007F', 'edge\uD7FF', 'edge\uFFFF', 'edge𠮷', 'edge\u{10FFFF}']) {
      await store.add(
        newId(),
        tails.map((tail) => prefix + tail),
      );
      const found = await readAll(store, prefix);
      expect(found.filter(({ key }) => !key.startsWith(prefix))).to.deep.equal([]);
      expect(found.map(({ key }) => key)).to.include.members(tails.map((tail) => prefix + tail));
    }
    expect(await keysWith('edgf')).to.deep.equal([]);
    expect(await readAll(store, '\u{10FFFF}')).to.deep.equal([]);
    const all = await readAll(store, 'edge');
    expect(all).to.deep.equal(inOrder(all));
  });

  it('takes operators and expressions for the characters that they are', async () => {
    await store.add(newId(), ['plain', '$ne', '.*', '{"$gt":""}', '^', '[a']);
    for (const key of ['$ne', '.*', '{"$gt":""}', '^', '[a']) {
      expect(await keysWith(key)).to.deep.equal([key]);
    }
    for (const query of ['.+', 'p.', '$gt', '$', '(', '\\', '{}']) {
      expect(await keysWith(query)).to.deep.equal(query === '$' ? ['$ne'] : []);
    }
  });

  it('pages through one key of many people and through many keys without doubles', async () => {
    const people = Array.from({ length: 200 }, newId);
    await Promise.all(people.map((userId, n) => store.add(userId, ['same', `same${n % 7}`])));
    for (const limit of [1, 7, 50, 399, 400, 401]) {
      const all = await readAll(store, 'same', limit);
      expect(all).to.have.length(400);
      expect(all).to.deep.equal(inOrder(all));
    }
  });

  it('begins anew at a position of another prefix', async () => {
    const userId = newId();
    await store.add(userId, ['mm-here']);
    for (const key of ['mm', 'zz', 'aa']) {
      const after = { key, userId: '0'.repeat(24) };
      expect(await store.findByPrefix({ prefix: 'mm-', limit: 5, after })).to.deep.equal([
        { key: 'mm-here', userId },
      ]);
    }
  });
});

describe('search keys: people', () => {
  let store: SearchKeyStore;
  let close: () => Promise<void>;
  const nicknames = new Map<string, string>();
  before(async () => {
    const opened = await openStore();
    store = opened.store;
    close = () => opened.database.close();
  });
  after(() => close());

  let reads = 0;
  const counting: Pick<SearchKeyStore, 'findByPrefix'> = {
    findByPrefix: (range) => {
      reads++;
      return store.findByPrefix(range);
    },
  };
  const { search } = createPeopleSearch({
    keys: counting,
    findPeople: async (ids) => {
      expect(new Set(ids).size).to.equal(ids.length);
      return ids.flatMap((id) => {
        const nickname = nicknames.get(id);
        return nickname === undefined ? [] : { id, nickname };
      });
    },
  });

  async function person(nickname: string, ...staleKeys: string[]): Promise<string> {
    const userId = newId();
    nicknames.set(userId, nickname);
    await store.add(userId, [...searchKeysOf(nickname), ...staleKeys]);
    return userId;
  }

  async function searchAll(query: string, limit: number): Promise<string[]> {
    const found: string[] = [];
    for (let after: KeyPosition | null = null; ; ) {
      const page = await search({ query, limit, after });
      expect(page.userIds.length).to.be.at.most(limit);
      found.push(...page.userIds);
      after = page.next;
      if (after === null) return found;
    }
  }

  it('finds by nickname, pinyin and initials, each person once', async () => {
    const userId = await person('单雄信');
    for (const query of ['单雄', 'shan xiong', 'danx', 'sxx', 'dxx', "SHAN'XIONG"]) {
      expect(await searchAll(query, 50), query).to.deep.equal([userId]);
    }
    for (const query of ['雄信', 'xiongxin', '.*', '', ' ', '$ne', '{"$gt":""}']) {
      expect(await searchAll(query, 50), query).to.deep.equal([]);
    }
  });

  it('shows 200 people of one prefix once each over pages, though each has several keys of it', async () => {
    const people = await Promise.all(
      Array.from({ length: 200 }, (_, n) => person(n % 2 ? '呣呣姆' : `m小明${n}`)),
    );
    for (const limit of [1, 7, 100, 199, 200, 201]) {
      const found = await searchAll('m', limit);
      expect(found).to.have.length(200);
      expect(new Set(found)).to.deep.equal(new Set(people));
    }
  });

  it('gives no further page where nobody would be on it', async () => {
    const one = await person('qqq张伟');
    expect(await search({ query: 'qqq', limit: 1, after: null })).to.deep.equal({
      userIds: [one],
      next: null,
    });
    const two = await person('qqq张伟z');
    const first = await search({ query: 'qqq', limit: 1, after: null });
    expect(first.userIds).to.deep.equal([one]);
    expect(await search({ query: 'qqq', limit: 1, after: first.next })).to.deep.equal({
      userIds: [two],
      next: null,
    });
  });

  it('shows nobody at the keys of an old nickname or of somebody who is gone', async () => {
    const renamed = await person('New Name', ...searchKeysOf('Old Name'));
    const gone = await person('Old Friend');
    nicknames.delete(gone);
    expect(await searchAll('old', 10)).to.deep.equal([]);
    expect(await searchAll('new', 10)).to.deep.equal([renamed]);
  });

  it('reads ten times at most, and goes on from there', async () => {
    const stale = Array.from({ length: 60 }, (_, n) => `stale${String(n).padStart(2, '0')}`);
    const userId = await person('stalez', ...stale);
    reads = 0;
    const first = await search({ query: 'stale', limit: 2, after: null });
    expect(reads).to.equal(10);
    expect(first.userIds).to.deep.equal([]);
    expect(first.next).to.deep.equal({ key: 'stale29', userId });
    expect(await searchAll('stale', 2)).to.deep.equal([userId]);
  });

  it('asks the database nothing for a blank query', async () => {
    reads = 0;
    expect(searchPrefixOf(' \u3000')).to.equal('');
    expect(await search({ query: ' \u3000', limit: 5, after: null })).to.deep.equal({
      userIds: [],
      next: null,
    });
    expect(reads).to.equal(0);
  });
});
