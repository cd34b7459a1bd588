import type { ExportedFile, PersonalData } from '../../core/personal-data.ts';
import {
  afterLeaving,
  otherOf,
  type Relationship,
  relationOf,
  requestSeenBy,
  sideOf,
} from './friends.rules.ts';
import type { RelationshipStore } from './friends.store.ts';
import type { PairChanges } from './pair-changes.ts';

interface PersonalRelationsDeps {
  store: Pick<RelationshipStore, 'listAfter'>;
  changes: PairChanges;
}

const pairsPerRead = 200;

/** What a person has to do with others: their export, and their leaving. Who blocks them is no part of it. */
export function createPersonalRelations({ store, changes }: PersonalRelationsDeps): PersonalData {
  async function* pairsOf(userId: string): AsyncGenerator<Relationship> {
    let afterId: string | null = null;
    for (;;) {
      const pairs: Relationship[] = await store.listAfter(userId, afterId, pairsPerRead);
      yield* pairs;
      afterId = pairs.at(-1)?.id ?? null;
      if (pairs.length < pairsPerRead) return;
    }
  }

  return {
    async exportOf(userId): Promise<ExportedFile[]> {
      const relations: object[] = [];
      for await (const pair of pairsOf(userId))
        if (isKnownTo(userId, pair)) relations.push(toExported(pair, userId));
      return [{ name: 'relations.json', content: JSON.stringify(relations, null, 2) }];
    },

    async erase(userId) {
      let relationships = 0;
      for await (const pair of pairsOf(userId)) {
        const leaving = { actorId: userId, otherId: otherOf(pair, userId), originSocketId: null };
        const { before, after } = await changes.change(leaving, async (now) => afterLeaving(now, new Date()));
        if (after !== before && isKnownTo(userId, before)) relationships++;
      }
      return { deleted: { relationships } };
    },
  };
}

/** Whether this one knows that there is anything between the two. */
function isKnownTo(userId: string, pair: Relationship): boolean {
  return relationOf(pair, userId) !== 'none';
}

function toExported(pair: Relationship, userId: string): object {
  const { remark, blockedAt } = sideOf(pair, userId);
  const request = requestSeenBy(pair, userId);
  return {
    userId: otherOf(pair, userId),
    friendsSince: pair.since,
    remark,
    blockedSince: blockedAt,
    request: request && {
      sentByMe: request.by === userId,
      at: request.at,
      // what the other wrote is the other's
      message: request.by === userId ? request.message : null,
    },
  };
}
