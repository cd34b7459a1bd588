import { expect } from 'chai';
import mongoose, { type Connection } from 'mongoose';
import type { FriendViews, Person } from '../../src/features/friends/friend-views.ts';
import {
  afterAccepting,
  afterAsking,
  afterBlocking,
  afterRemoving,
  type Relationship,
} from '../../src/features/friends/friends.rules.ts';
import { createRelationshipStore, pairIdOf } from '../../src/features/friends/friends.store.ts';
import { createPairChanges } from '../../src/features/friends/pair-changes.ts';
import { createRelations } from '../../src/features/friends/relations.ts';
import { createTurns } from '../../src/platform/turns.ts';
import { freshDatabaseUri } from '../support/database.ts';

const newId = () => new mongoose.Types.ObjectId().toHexString();

describe('friends: changes of a pair', () => {
  let connection: Connection;
  before(async () => {
    connection = await mongoose.createConnection(freshDatabaseUri()).asPromise();
  });
  after(async () => {
    await connection.dropDatabase();
    await connection.close();
  });

  /** The changes over a real store, and what happens in which order. */
  function build(goneIds: readonly string[] = []) {
    const store = createRelationshipStore(connection);
    const happened: string[] = [];
    const person = (id: string): Person => ({
      id,
      isGone: goneIds.includes(id),
      privacy: {} as Person['privacy'],
      viewAs: () => ({}) as ReturnType<Person['viewAs']>,
    });
    const changes = createPairChanges({
      store,
      delivery: { toUsers: ({ event }) => happened.push(event) },
      people: { findByIds: async (ids) => ids.map(person) },
      views: slowViews(store),
      inTurn: createTurns(),
      onFriendshipEnded: (pairId) => happened.push(`ended ${pairId}`),
    });
    return { store, changes, happened, relations: createRelations(store) };
  }

  /** Views that take longer than any change does. */
  function slowViews(store: ReturnType<typeof createRelationshipStore>): FriendViews {
    const view = async () => {
      for (let read = 0; read < 20; read++) await store.findByIds([newId()]);
      return [{} as never];
    };
    return { toFriends: view, toRequests: view, toBlacklist: view, toViewers: async () => new Map() };
  }

  async function befriend(store: ReturnType<typeof createRelationshipStore>, one: string, other: string) {
    await store.change([one, other], async (pair) => {
      const now = new Date();
      const asked = afterAsking(pair, { askerId: one, targetId: other, message: null, now });
      return afterAccepting(asked, other, now);
    });
  }

  for (const [what, decide] of [
    ['removing', (pair: Relationship) => afterRemoving(pair, new Date())],
    ['blocking', (pair: Relationship, actorId: string) => afterBlocking(pair, actorId, new Date())],
  ] as const)
    it(`${what} a friend has the pair’s waiting messages checked again, once it is stored and before anybody is told`, async () => {
      const { store, changes, happened } = build();
      const [ann, bob] = [newId(), newId()];
      const pairId = pairIdOf(ann, bob);
      await befriend(store, ann, bob);
      await changes.change({ actorId: ann, otherId: bob, originSocketId: null }, async (pair) =>
        decide(pair, ann),
      );
      expect(happened.slice(0, 2)).to.deep.equal([`ended ${pairId}`, 'friend_removed']);
      expect(happened.filter((one) => one.startsWith('ended'))).to.have.length(1);
      expect(await store.findFriendPairs([pairId])).to.deep.equal(new Set());
    });

  it('are told in the order in which they were made, however long it takes to show them', async () => {
    const { changes, store, happened } = build();
    const [ann, bob] = [newId(), newId()];
    const by = (actorId: string, otherId: string) => ({ actorId, otherId, originSocketId: null });
    await store.change([ann, bob], async (pair) =>
      afterAsking(pair, { askerId: ann, targetId: bob, message: null, now: new Date() }),
    );
    await Promise.all([
      changes.change(by(bob, ann), async (pair) => afterAccepting(pair, bob, new Date())),
      changes.change(by(ann, bob), async (pair) => afterRemoving(pair, new Date())),
    ]);
    const [accepted, removed] = ['friend_request_accepted', 'friend_removed'];
    expect(happened.filter((one) => one.startsWith('friend'))).to.deep.equal([
      accepted,
      accepted,
      removed,
      removed,
    ]);
  });

  it('leave nothing behind, and say so, when one of the two has left while they were made', async () => {
    for (const isActorGone of [true, false]) {
      const [ann, bob] = [newId(), newId()];
      const { changes, store } = build([isActorGone ? ann : bob]);
      const actor = { actorId: ann, otherId: bob, originSocketId: null };
      await changes.change(actor, async (pair) => afterBlocking(pair, ann, new Date()));
      const failure = await changes.requireBoth(actor).catch((error: unknown) => error);
      expect(failure).to.have.property('code', isActorGone ? 'unauthenticated' : 'not_found');
      expect(await store.blockedBy(ann)).to.deep.equal([]);
    }
  });

  it('show in what other features may ask: friends by id, relations, pairs that may write', async () => {
    const { store, relations } = build();
    const [ann, friend, blocked, blocker, asked] = [newId(), newId(), newId(), newId(), newId()];
    await befriend(store, ann, friend);
    await store.change([ann, blocked], async (pair) => afterBlocking(pair, ann, new Date()));
    await store.change([ann, blocker], async (pair) => afterBlocking(pair, blocker, new Date()));
    await store.change([ann, asked], async (pair) =>
      afterAsking(pair, { askerId: ann, targetId: asked, message: null, now: new Date() }),
    );
    const others = [friend, blocked, blocker, asked];
    const relationsOf = await relations.relationsOf(ann, [ann, ...others]);
    expect([ann, ...others].map((id) => relationsOf.get(id))).to.deep.equal([
      'self',
      'friend',
      'blocked',
      'none',
      'request_sent',
    ]);
    expect(await relations.friendIdsOf(ann, 10)).to.deep.equal([friend]);
    await befriend(store, ann, newId());
    expect(await relations.friendIdsOf(ann, 10)).to.have.length(2);
    expect(await relations.friendIdsOf(ann, 1)).to.have.length(1);
    const pairs = others.map((id) => pairIdOf(ann, id));
    expect(await relations.findFriendPairs(pairs)).to.deep.equal(new Set([pairIdOf(ann, friend)]));
  });
});
