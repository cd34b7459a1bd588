import { expect } from 'chai';
import fc from 'fast-check';
import type { JoinMode } from '../../src/features/groups/groups.contract.ts';
import { befriend, buildUser, logInAgain, type TestUser } from '../support/builders.ts';
import type { TestSocket } from '../support/clients.ts';
import { Device } from '../support/device.ts';
import { actOverRest, actOverSocket } from '../support/group-acts.ts';
import { type Act, actsAlone, type Circumstances, type GroupModel, roleOf } from '../support/group-model.ts';
import { checkLists, inSomeOrder, readTold, rolesIn } from '../support/group-order.ts';
import { createGroup } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const actorCount = 10;
const mostMembers = 7;
/** A slow machine does less of it. */
const mostMs = 10_000;

/** Everybody, who is in the group, or who rules there when it is done. */
type Among = 'all' | 'members' | 'rulers';

/** An act by numbers of people, and the wire that it goes over. */
interface Step {
  what: Exclude<Act['do'], 'dissolve'>;
  among: Among;
  by: number;
  onAmong: Among;
  on: number;
  pick: number;
  isOverSocket: boolean;
}

const often = ['join', 'invite', 'kick', 'leave', 'promote', 'accept', 'say'] as const;
const seldom = ['withdraw', 'reject', 'bar', 'unbar', 'demote', 'transfer', 'mute', 'unmute'] as const;
const rarely = ['muteAll', 'unmuteAll', 'call', 'announce', 'update', 'update', 'update'] as const;
const step: fc.Arbitrary<Step> = fc.record(
  {
    what: fc.constantFrom(...often, ...often, ...seldom, ...rarely),
    among: fc.constantFrom<Among>('all', 'members', 'rulers', 'rulers'),
    by: fc.nat(actorCount - 1),
    onAmong: fc.constantFrom<Among>('all', 'members'),
    on: fc.nat(actorCount - 1),
    pick: fc.nat(5),
    isOverSocket: fc.boolean(),
  },
  { noNullPrototype: true },
);
/** What is done at once. */
const bursts = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 20, maxLength: 40 });
const changes = [
  { name: 'One' },
  { name: 'Two' },
  { joinMode: 'open' },
  { joinMode: 'approval' },
  { joinMode: 'closed' },
  { whoCanInvite: 'admins' },
] as const;

/** Somebody of whom all that their socket hears of the group is watched. */
interface Actor {
  user: TestUser;
  device: Device;
}

interface Scene {
  groupId: string;
  actors: Actor[];
  /** In the group from the beginning to the end, and does nothing. */
  witness: Device;
  asker: TestSocket;
  circumstances: Circumstances;
}

describe('groups: whatever happens in them', () => {
  let app: TestApp;
  let users: TestUser[];
  let watcher: TestUser;

  before(async function () {
    this.timeout(60_000);
    app = await startApp({ groups: { mostMembers, codeLifetimeSeconds: 60 } });
    users = await Promise.all(Array.from({ length: actorCount }, () => buildUser(app.url)));
    watcher = await buildUser(app.url);
    // the last one is nobody's friend
    const sociable = users.slice(0, -1);
    for (const [index, one] of sociable.entries())
      await Promise.all(sociable.slice(index + 1).map((other) => befriend(one, other)));
    await befriend(users[0] as TestUser, watcher);
  });
  after(() => app.close());

  async function begin(joinMode: JoinMode): Promise<{ scene: Scene; group: GroupModel }> {
    const actors = users.map((user) => ({ user, device: new Device(app.url, user) }));
    const witness = new Device(app.url, watcher);
    await Promise.all([witness, ...actors.map(({ device }) => device)].map((device) => device.goOnline()));
    const [owner, ...others] = users as [TestUser, ...TestUser[]];
    const groupId = await createGroup(owner, [watcher, ...others.slice(0, 3)], { joinMode });
    const strangers = [(users.at(-1) as TestUser).id, watcher.id];
    const circumstances = {
      mostMembers,
      areFriends: (one: string, other: string) => ![one, other].some((id) => strangers.includes(id)),
    };
    const group: GroupModel = {
      ownerId: owner.id,
      adminIds: [],
      memberIds: [watcher, owner, ...others.slice(0, 3)].map(({ id }) => id).sort(),
      barredIds: [],
      askingIds: [],
      mutedIds: [],
      isMutedAll: false,
      announcement: '',
      name: 'Group',
      joinMode,
      whoCanInvite: 'members',
      isDissolved: false,
    };
    const asker = await (await logInAgain(app.url, watcher)).connect();
    return { scene: { groupId, actors, witness, asker, circumstances }, group };
  }

  function toAct({ what, by, on, pick, ...chosen }: Step, model: GroupModel): Act {
    const ids = users.map(({ id }) => id);
    const among = {
      all: ids,
      members: ids.filter((id) => model.memberIds.includes(id)),
      rulers: [model.ownerId, ...model.adminIds],
    };
    const [actors, targets] = [among[chosen.among], among[chosen.onAmong]];
    const actorId = actors[by % actors.length] as string;
    if (what === 'update')
      return { do: what, by: actorId, changes: changes[pick] as (typeof changes)[number] };
    if (what === 'announce')
      return { do: what, by: actorId, content: ['', 'One', 'Two'][pick % 3] as string };
    if (isAlone(what)) return { do: what, by: actorId };
    return { do: what, by: actorId, on: targets[on % targets.length] as string };
  }

  /** Does it all at once; answers what came of it. */
  const actAtOnce = ({ groupId, actors }: Scene, steps: readonly Step[], acts: readonly Act[]) =>
    Promise.all(
      acts.map((act, index) => {
        const { user, device } = actors.find(({ user }) => user.id === act.by) as Actor;
        return steps[index]?.isOverSocket
          ? actOverSocket(device, groupId, act)
          : actOverRest(user, groupId, act);
      }),
    );

  const ownerOf = ({ ownerId }: GroupModel) => users.find(({ id }) => id === ownerId) as TestUser;

  /** Who listened all the time, and who asks for all of it now, hold what is so. */
  async function checkDevices({ groupId, actors, witness }: Scene, model: GroupModel): Promise<void> {
    const late = new Device(app.url, watcher);
    late.know(groupId);
    await late.goOnline(3);
    // an answer on the socket itself comes after everything that was pushed before it
    await witness.socket.call('profile_get', {});
    const roster = late.roster(groupId);
    expect(roster?.roles).to.deep.equal(rolesIn(model));
    expect(roster?.mutedIds).to.have.members([...model.mutedIds]);
    expect(witness.roster(groupId)).to.deep.equal(roster);
    expect(witness.places(groupId)).to.deep.equal(late.places(groupId));
    expect(witness.shows(groupId)).to.deep.equal(late.shows(groupId));
    expect(late.conversation(groupId)?.unread).to.equal(late.shows(groupId).length);
    late.goOffline();
    await Promise.all(actors.map((actor) => checkActor(actor, groupId, model)));
  }

  async function checkActor({ user, device }: Actor, groupId: string, model: GroupModel): Promise<void> {
    await device.socket.call('profile_get', {});
    if (roleOf(model, user.id) === null) {
      await device.catchUp();
      expect(device.roster(groupId)).to.equal(null);
      return;
    }
    const late = new Device(app.url, user);
    late.know(groupId);
    await late.goOnline();
    expect(device.places(groupId)).to.include.members(late.places(groupId));
    expect(late.places(groupId).at(-1)).to.equal(device.places(groupId).at(-1));
    const shown = late.shows(groupId);
    expect(device.shows(groupId).slice(-shown.length || undefined)).to.deep.equal(shown);
    late.goOffline();
  }

  it('has one order, in which all answers, the log, the lists and every device agree', async function () {
    this.timeout(60_000);
    const endsAt = Date.now() + mostMs;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('open', 'approval', 'invite'), bursts, async (joinMode, script) => {
        if (Date.now() > endsAt) return;
        const { scene, group } = await begin(joinMode);
        let model = group;
        let headSeq = 1;
        for (const steps of script) {
          if (Date.now() > endsAt) break;
          const before = model;
          const acts = steps.map((step) => toAct(step, before));
          const answers = await actAtOnce(scene, steps, acts);
          const told = await readTold(watcher, scene.groupId, headSeq);
          const happened = { acts, answers, told };
          model = inSomeOrder(before, happened, scene.circumstances).group;
          headSeq += told.length;
        }
        await checkLists(ownerOf(model), scene.groupId, model);
        await checkDevices(scene, model);
        await checkEnd(scene, model);
      }),
      // what happened at once does not happen again, so there is nothing to shrink
      { numRuns: 5, endOnFailure: true },
    );
  });

  /** Everybody loses it at once, and nobody has heard of it while they were out. */
  async function checkEnd({ groupId, actors, witness, asker }: Scene, model: GroupModel): Promise<void> {
    const owner = ownerOf(model);
    expect(await actOverRest(owner, groupId, { do: 'dissolve', by: owner.id })).to.equal('ok');
    const { gone } = await asker.call('sync', { conversations: { [groupId]: 1 }, partial: true });
    expect(gone).to.deep.equal([groupId]);
    for (const { user, device } of actors) {
      await device.socket.call('profile_get', {});
      checkHeard(device.socket, groupId, user.id);
    }
    for (const device of [witness, ...actors.map(({ device }) => device)]) device.goOffline();
    asker.close();
  }
});

function isAlone(what: Step['what']): what is Exclude<(typeof actsAlone)[number], 'dissolve'> {
  return (actsAlone as readonly string[]).includes(what);
}

/** Who comes in is told of the conversation before all else, and who is out hears nothing of it. */
function checkHeard({ heard }: TestSocket, groupId: string, userId: string): void {
  let isIn = false;
  for (const { event, data } of heard) {
    const said = data as { id?: string; conversationId?: string; userId?: string; userIds?: string[] };
    if (event === 'conversation_updated' && said.id === groupId) isIn = true;
    if (said.conversationId !== groupId) continue;
    // who joined over this socket itself was told by the answer
    if (event === 'group_member_joined' && said.userIds?.includes(userId)) isIn = true;
    expect(isIn, `${event} heard by who is out`).to.equal(true);
    const isOver = ['group_member_left', 'group_member_removed'].includes(event) && said.userId === userId;
    if (isOver || event === 'group_dissolved') isIn = false;
  }
}
