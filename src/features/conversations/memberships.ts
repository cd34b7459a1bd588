import { type Membership, visibleFrom } from './conversations.rules.ts';
import type { Floors } from './floors.ts';
import type { MembershipStore, StoredMembership } from './memberships.store.ts';

interface MembershipsDeps {
  store: MembershipStore;
  floors: Pick<Floors, 'of'>;
}

export type Memberships = ReturnType<typeof createMemberships>;

/** Memberships together with the floors of their logs, so that whoever has one knows what its member sees. */
export function createMemberships({ store, floors }: MembershipsDeps) {
  async function onFloors(found: readonly StoredMembership[]): Promise<Membership[]> {
    const floorSeqs = await floors.of(found.map(({ conversationId }) => conversationId));
    return found.map((one) => ({ ...one, floorSeq: floorSeqs.get(one.conversationId) ?? 0 }));
  }

  return {
    ...store,
    findPair: async (...pair: Parameters<typeof store.findPair>) => onFloors(await store.findPair(...pair)),
    listAfter: async (...page: Parameters<typeof store.listAfter>) =>
      onFloors(await store.listAfter(...page)),
    findOf: async (...named: Parameters<typeof store.findOf>) => onFloors(await store.findOf(...named)),
    /** Marks do not move to what nobody may see any more. Answers from where on the member sees as well. */
    async raiseMarks(...[key, raise]: Parameters<typeof store.raiseMarks>) {
      const floorSeq = (await floors.of([key.conversationId])).get(key.conversationId) ?? 0;
      const before = raise.seq < floorSeq ? null : await store.raiseMarks(key, raise);
      return before && { ...before, visibleFrom: visibleFrom({ ...before, floorSeq }) };
    },
    async find(key: Parameters<typeof store.find>[0]): Promise<Membership | null> {
      const found = await store.find(key);
      return found && ((await onFloors([found]))[0] ?? null);
    },
  };
}
