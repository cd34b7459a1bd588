import type { PersonalData } from '../../core/personal-data.ts';
import type { SearchKeyStore } from './search-keys.store.ts';
import type { UserViews } from './user-views.ts';
import type { UserStore } from './users.store.ts';

interface PersonalProfileDeps {
  store: Pick<UserStore, 'findByIds'>;
  keys: Pick<SearchKeyStore, 'removeAll'>;
  views: Pick<UserViews, 'toMe'>;
}

/** A person's profile. The document itself has been made anonymous by the time this is erased. */
export function createPersonalProfile({ store, keys, views }: PersonalProfileDeps): PersonalData {
  return {
    async exportOf(userId) {
      const found = await store.findByIds([userId]);
      return found.map((record) => ({
        name: 'profile.json',
        content: JSON.stringify({ ...views.toMe(record), lastSeenAt: record.lastSeenAt }, null, 2),
      }));
    },
    async erase(userId) {
      return { deleted: { search_keys: await keys.removeAll(userId) } };
    },
  };
}
