import type { Delivery } from '../../core/delivery.ts';
import type { ExportedFile, PersonalData } from '../../core/personal-data.ts';
import type { friendsEvents } from './friends.contract.ts';
import { afterLeaving, areFriends, otherOf, type Relationship } from './friends.rules.ts';
import type { RelationshipStore } from './friends.store.ts';

interface PersonalRelationsDeps {
  store: RelationshipStore;
  delivery: Delivery<typeof friendsEvents>;
}

const pairsPerRead = 200;

/** What a person has to do with others: their export, and their leaving. */
export function createPersonalRelations({ store, delivery }: PersonalRelationsDeps): PersonalData {
  async function* pairsOf(userId: string): AsyncGenerator<Relationship> {
    let afterId: string | null = null;
    for (;;) {
      const pairs: Relationship[] = await store.listAfter(userId, afterId, pairsPerRead);
      yield* pairs;
      afterId = pairs.at(-1)?.id ?? null;
      if (pairs.length < pairsPerRead) return;
    }
  }

  /** Tells the other one that the friendship, or the request between them, is no more. */
  function tellOther(before: Relationship, goneId: string): void {
    const event = areFriends(before) ? 'friend_removed' : 'friend_request_withdrawn';
    const userIds = [otherOf(before, goneId)];
    delivery.toUsers({ userIds, event, data: { userId: goneId }, originSocketId: null });
  }

  return {
    async exportOf(userId): Promise<ExportedFile[]> {
      const relations: object[] = [];
      for await (const pair of pairsOf(userId)) relations.push(toExported(pair, userId));
      return [{ name: 'relations.json', content: JSON.stringify(relations, null, 2) }];
    },

    async erase(userId) {
      let relationships = 0;
      for await (const pair of pairsOf(userId)) {
        const { before, after } = await store.change([pair.low, pair.high], async (now) =>
          afterLeaving(now, new Date()),
        );
        if (after === before) continue;
        relationships++;
        tellOther(before, userId);
      }
      return { deleted: { relationships } };
    },
  };
}

function toExported(pair: Relationship, userId: string): object {
  const { since, requestedBy, requestedAt, requestMessage } = pair;
  return {
    userId: otherOf(pair, userId),
    friendsSince: since,
    request:
      requestedBy === null
        ? null
        : {
            sentByMe: requestedBy === userId,
            at: requestedAt,
            // what the other wrote is the other's
            message: requestedBy === userId ? requestMessage : null,
          },
  };
}
