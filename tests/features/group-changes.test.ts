import { mock } from 'node:test';
import { expect } from 'chai';
import mongoose, { type Connection } from 'mongoose';
import { createGroupMembershipChangeStore } from '../../src/features/conversations/group-membership-changes.store.ts';
import { createGroupMembershipStore } from '../../src/features/conversations/group-memberships.store.ts';
import { createGroupChanges } from '../../src/features/groups/group-changes.ts';
import { createGroupEffects } from '../../src/features/groups/group-effects.ts';
import type { GroupChange } from '../../src/features/groups/groups.contract.ts';
import { type GroupRecord, type OutboxItem, openSettings } from '../../src/features/groups/groups.rules.ts';
import { createGroupStore } from '../../src/features/groups/groups.store.ts';
import { joined, kicked, requested } from '../../src/features/groups/member-decisions.ts';
import { createTurns } from '../../src/platform/turns.ts';
import { freshDatabaseUri } from '../support/database.ts';

const newId = () => new mongoose.Types.ObjectId().toHexString();
const crash = new Error('the process has ended');

/** Where a process may end between the change and the end of what follows it. */
const breaks = [
  'before anything follows',
  'before the log',
  'before the log answers',
  'before memberships that follow the log',
  'before it is settled',
] as const;
type Break = (typeof breaks)[number];

describe('groups: a change', () => {
  let connection: Connection;
  before(async () => {
    connection = await mongoose.createConnection(freshDatabaseUri()).asPromise();
    for (const createStore of [createGroupStore, createGroupMembershipStore]) createStore(connection);
    // unique indexes are what judges
    await Promise.all(Object.values(connection.models).map((model) => model.init()));
  });
  afterEach(async () => {
    mock.timers.reset();
    await connection.collection('groups').deleteMany({});
  });
  after(async () => {
    await connection.dropDatabase();
    await connection.close();
  });

  /** What all processes share. */
  function shared() {
    const log: { id: string; change: GroupChange }[] = [];
    return { log, ownerId: newId(), groupId: newId() };
  }

  /** A process that ends at one place, or cannot write the log of one group, over real stores. */
  function start({ log }: ReturnType<typeof shared>, at: Break | null = null, stuckGroupId = '') {
    const store = createGroupStore(connection);
    const memberships = createGroupMembershipStore(connection);
    const effects = createGroupEffects({
      memberships: createGroupMembershipChangeStore(connection),
      keepAnnouncement: async () => {},
      forgetReads: async () => {},
      removePicture: async () => {},
    });
    const endsAt = (place: Break) => {
      if (at === place) throw crash;
    };
    const told: string[] = [];
    const changes = createGroupChanges({
      store: {
        ...store,
        async settle(...settled) {
          endsAt('before it is settled');
          await store.settle(...settled);
        },
      },
      findPeople: memberships.findAll,
      effects: {
        async beforeEntry(...following) {
          endsAt('before anything follows');
          await effects.beforeEntry(...following);
        },
        async afterEntry(...following) {
          endsAt('before memberships that follow the log');
          await effects.afterEntry(...following);
        },
      },
      async log({ id, groupId, change }) {
        if (groupId === stuckGroupId) throw crash;
        endsAt('before the log');
        const found = log.findIndex((entry) => entry.id === id);
        const seq = (found < 0 ? log.push({ id, change }) - 1 : found) + 1;
        endsAt('before the log answers');
        return { seq, isRepeat: found >= 0 };
      },
      recheck: () => {},
      async tell({ item, isRepeat }) {
        if (!isRepeat) told.push(item.change?.event ?? 'nothing');
      },
      inTurn: createTurns(),
    });
    return { store, memberships, changes, told };
  }

  function toGroup({ groupId, ownerId }: ReturnType<typeof shared>): GroupRecord {
    return {
      id: groupId,
      name: 'Group',
      description: null,
      avatarKey: null,
      ownerId,
      adminIds: [],
      memberCount: 1,
      requestCount: 0,
      joinMode: 'open',
      settings: openSettings,
      mutedAll: false,
      announcement: null,
      invites: [],
      createdAt: new Date(),
      dissolvedAt: null,
      version: 1,
    };
  }

  function creation({ ownerId }: ReturnType<typeof shared>): OutboxItem {
    const members = [{ userId: ownerId, role: 'owner' as const }];
    return {
      entryId: newId(),
      actorId: ownerId,
      at: new Date(),
      version: 1,
      change: { event: 'group_created', data: { name: 'Group', members } },
      aftermath: {},
    };
  }

  const join = (process: ReturnType<typeof start>, groupId: string, userId: string) =>
    process.changes.change({
      groupId,
      actorId: userId,
      decide: (scene) => joined(scene, { userIds: [userId], byId: userId, via: 'join', mostMembers: 9 }),
      originSocketId: null,
    });
  const kick = (process: ReturnType<typeof start>, groupId: string, actorId: string, userId: string) =>
    process.changes.change({
      groupId,
      actorId,
      userIds: [userId],
      decide: (scene) => kicked(scene, userId, false),
      originSocketId: null,
    });

  const failureOf = (work: Promise<unknown>) => work.then(() => null).catch((error: unknown) => error);
  const eventsIn = ({ log }: ReturnType<typeof shared>) => log.map(({ change }) => change.event);

  async function roleOf({ memberships }: ReturnType<typeof start>, groupId: string, userId: string) {
    return (await memberships.findAll(groupId, [userId])).get(userId)?.role ?? null;
  }

  /** Changes that were made so long ago that nobody is at them any more are taken up. */
  async function resumeLater({ changes }: ReturnType<typeof start>): Promise<void> {
    await changes.resume();
    mock.timers.enable({ apis: ['Date'], now: Date.now() + 12_000 });
    await changes.resume();
    mock.timers.reset();
  }

  for (const place of breaks) {
    it(`that a crash cuts off ${place} is finished, once, by the next change`, async () => {
      const all = shared();
      const { groupId, ownerId } = all;
      const alive = start(all);
      await alive.changes.begin(toGroup(all), creation(all), null);
      const [ann, bob] = [newId(), newId()];
      expect(await failureOf(join(start(all, place), groupId, ann))).to.equal(crash);
      await join(alive, groupId, bob);
      expect(eventsIn(all)).to.deep.equal(['group_created', 'group_member_joined', 'group_member_joined']);
      expect(all.log[1]?.change.data).to.deep.include({ userIds: [ann] });
      for (const userId of [ann, bob]) expect(await roleOf(alive, groupId, userId)).to.equal('member');
      expect(await failureOf(kick(start(all, place), groupId, ownerId, ann))).to.equal(crash);
      const after = await kick(alive, groupId, ownerId, bob);
      expect(eventsIn(all).slice(3)).to.deep.equal(['group_member_removed', 'group_member_removed']);
      expect([await roleOf(alive, groupId, ann), after.memberCount]).to.deep.equal([null, 1]);
    });

    it(`that a crash cuts off ${place} is finished, once, when nobody comes`, async () => {
      const all = shared();
      const { groupId, ownerId } = all;
      const alive = start(all);
      await alive.changes.begin(toGroup(all), creation(all), null);
      const ann = newId();
      for (const [change, event, role] of [
        [() => join(start(all, place), groupId, ann), 'group_member_joined', 'member'],
        [() => kick(start(all, place), groupId, ownerId, ann), 'group_member_removed', null],
      ] as const) {
        expect(await failureOf(change())).to.equal(crash);
        await resumeLater(alive);
        expect(eventsIn(all).filter((one) => one === event)).to.have.length(1);
        expect(await roleOf(alive, groupId, ann)).to.equal(role);
        expect(await alive.store.find(groupId)).not.to.have.property('outbox');
      }
    });

    it(`that begins a group, cut off ${place}, leaves a whole one`, async () => {
      const all = shared();
      const alive = start(all);
      expect(await failureOf(start(all, place).changes.begin(toGroup(all), creation(all), null))).to.equal(
        crash,
      );
      await resumeLater(alive);
      expect(eventsIn(all)).to.deep.equal(['group_created']);
      expect(await roleOf(alive, all.groupId, all.ownerId)).to.equal('owner');
      expect((await alive.memberships.groupIdsOf(all.ownerId)).length).to.equal(1);
    });
  }

  it('that may be under way is left alone', async () => {
    const all = shared();
    const alive = start(all);
    await failureOf(start(all, 'before the log').changes.begin(toGroup(all), creation(all), null));
    await alive.changes.resume();
    expect(all.log).to.deep.equal([]);
  });

  it('is decided again on what another process has left meanwhile', async () => {
    const all = shared();
    const { groupId, ownerId } = all;
    const [first, second] = [start(all), start(all)];
    await first.changes.begin(toGroup(all), creation(all), null);
    const [ann, bob] = [newId(), newId()];
    const seen: number[] = [];
    const { memberCount } = await first.changes.change({
      groupId,
      actorId: ann,
      async decide(scene) {
        if (seen.push(scene.group.memberCount) === 1) await join(second, groupId, bob);
        return joined(scene, { userIds: [ann], byId: ann, via: 'join', mostMembers: 9 });
      },
      originSocketId: null,
    });
    expect([seen, memberCount]).to.deep.equal([[1, 2], 3]);
    expect(eventsIn(all)).to.deep.equal(['group_created', 'group_member_joined', 'group_member_joined']);
    expect(await roleOf(second, groupId, ownerId)).to.equal('owner');
  });

  it('is told by who writes it into the log, and by nobody else', async () => {
    const all = shared();
    const [first, second] = [start(all), start(all)];
    await failureOf(start(all, 'before the log').changes.begin(toGroup(all), creation(all), null));
    await Promise.all([join(first, all.groupId, newId()), join(second, all.groupId, newId())]);
    const told = [...first.told, ...second.told].sort();
    expect(told).to.deep.equal(['group_created', 'group_member_joined', 'group_member_joined']);
  });

  it('that cannot be finished does not hold up other groups', async () => {
    const [stuck, other] = [shared(), shared()];
    for (const all of [stuck, other])
      await failureOf(start(all, 'before anything follows').changes.begin(toGroup(all), creation(all), null));
    const alive = start(other, null, stuck.groupId);
    expect(await failureOf(resumeLater(alive))).to.be.instanceOf(AggregateError);
    expect(await roleOf(alive, other.groupId, other.ownerId)).to.equal('owner');
    expect(await roleOf(alive, stuck.groupId, stuck.ownerId)).to.equal(null);
  });

  it('that asks for somebody does so once, however often it is repeated', async () => {
    const all = shared();
    const alive = start(all);
    await alive.changes.begin(toGroup(all), creation(all), null);
    const ann = newId();
    const ask = (process: ReturnType<typeof start>) =>
      process.changes.change({
        groupId: all.groupId,
        actorId: ann,
        decide: (scene) => requested(scene, { userIds: [ann], message: null, invitedBy: null, isOwn: true }),
        originSocketId: null,
      });
    expect(await failureOf(ask(start(all, 'before it is settled')))).to.equal(crash);
    const { requestCount } = await ask(alive);
    const requests = await alive.memberships.listRequests(all.groupId, null, 10);
    expect([requests.map(({ userId }) => userId), requestCount]).to.deep.equal([[ann], 1]);
  });
});
