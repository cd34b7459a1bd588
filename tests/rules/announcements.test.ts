import { expect } from 'chai';
import { createAnnouncements } from '../../src/features/presence/announcements.ts';

describe('presence: announcements', () => {
  /** Everybody is a friend of `friend`, who can be reached; the test says who is online and who shows it. */
  function open() {
    const world = { online: new Set<string>(), hiding: new Set<string>(), isAway: false };
    const told: [string, unknown][] = [];
    const failures: unknown[] = [];
    const announcements = createAnnouncements({
      delivery: {
        toUsers: ({ userIds, data }) => {
          for (const userId of userIds) told.push([userId, data]);
        },
      },
      findPeople: async (userIds) => {
        if (world.isAway) throw new Error('away');
        return userIds.map((id) => ({ id, showsLastSeen: !world.hiding.has(id), lastSeenAt: null }));
      },
      friendIdsOf: async () => ['friend'],
      onlineAmong: async (userIds) => new Set(userIds.filter((id) => world.online.has(id))),
      reachableAmong: async (userIds) => new Set(userIds),
      onFailure: (error) => failures.push(error),
    });
    return { ...announcements, world, told, failures };
  }
  const offline = (userId: string) => ['friend', { userId, status: 'offline', lastSeenAt: null }];
  const online = (userId: string) => ['friend', { userId, status: 'online', lastSeenAt: null }];

  it('tells what is so when it is told, once', async () => {
    const { note, flush, world, told } = open();
    world.online.add('a');
    note('a', 'online');
    note('a', 'offline');
    note('a', 'online');
    note('b', 'online');
    note('c', 'offline');
    await flush();
    expect(told, 'b has gone again').to.deep.equal([online('a'), offline('c')]);
    await flush();
    expect(told).to.have.length(2);
  });

  it('hides whoever hides and leaves in the same moment', async () => {
    const { note, flush, world, told } = open();
    world.hiding.add('a');
    note('a', 'privacy');
    note('a', 'offline');
    await flush();
    expect(told).to.deep.equal([offline('a')]);
    note('a', 'online');
    note('a', 'offline');
    await flush();
    expect(told, 'who hides comes and goes without a word').to.have.length(1);
  });

  it('tells later what could not be told', async () => {
    const { note, flush, world, told, failures } = open();
    world.isAway = true;
    note('a', 'offline');
    await flush();
    expect([told.length, failures.length]).to.deep.equal([0, 1]);
    world.isAway = false;
    await flush();
    expect(told).to.deep.equal([offline('a')]);
  });
});
