import type { KeyPosition, SearchKeyStore } from './search-keys.store.ts';
import { searchKeysOf, searchPrefixOf } from './search-keys.ts';

interface PeopleSearchDeps {
  keys: Pick<SearchKeyStore, 'findByPrefix'>;
  /** The people among these ids who exist now. */
  findPeople(ids: string[]): Promise<{ id: string; nickname: string }[]>;
}

interface PeopleQuery {
  query: string;
  limit: number;
  after: KeyPosition | null;
}

/** Bounds what one search may cost where many keys show nobody; the next page goes on from there. */
const maxReads = 10;

/** Finds people by the beginning of their nickname, its pinyin or its initials. */
export function createPeopleSearch({ keys, findPeople }: PeopleSearchDeps) {
  /** The rows at which a person is shown: one of each person's, however many of their keys match. */
  async function shownAt(rows: readonly KeyPosition[], prefix: string): Promise<KeyPosition[]> {
    const people = await findPeople([...new Set(rows.map(({ userId }) => userId))]);
    const keyOf = new Map(people.map(({ id, nickname }) => [id, smallestMatch(nickname, prefix)]));
    return rows.filter(({ key, userId }) => keyOf.get(userId) === key);
  }

  return {
    /**
     * One page of people in the order of their keys, and the position of the next one; `null` at the end. A page may
     * hold fewer than `limit`, even nobody, and still have a next one. A blank query finds nobody.
     */
    async search({
      query,
      limit,
      after,
    }: PeopleQuery): Promise<{ userIds: string[]; next: KeyPosition | null }> {
      const prefix = searchPrefixOf(query);
      const shown = new Map<string, KeyPosition>();
      let at = after;
      let isAtEnd = prefix === '';
      // one person more than asked for tells whether there is a next page
      for (let reads = 0; !isAtEnd && shown.size <= limit && reads < maxReads; reads++) {
        const rows = await keys.findByPrefix({ prefix, limit: limit + 1, after: at });
        for (const row of await shownAt(rows, prefix)) if (!shown.has(row.userId)) shown.set(row.userId, row);
        isAtEnd = rows.length <= limit;
        at = rows.at(-1) ?? at;
      }
      const page = [...shown.values()].slice(0, limit);
      const next = shown.size > limit ? page.at(-1) : isAtEnd ? null : at;
      return { userIds: page.map(({ userId }) => userId), next: next ?? null };
    },
  };
}

/**
 * The key at which a person is shown. It is computed from the nickname that they have now, so that they come once over
 * all pages, and rows of an old nickname show nobody.
 */
function smallestMatch(nickname: string, prefix: string): string | undefined {
  return searchKeysOf(nickname)
    .filter((key) => key.startsWith(prefix))
    .sort()[0];
}
