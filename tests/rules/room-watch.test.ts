import { mock } from 'node:test';
import { expect } from 'chai';
import { createRoomWatch } from '../../src/features/groups/room-watch.ts';

const minuteMs = 60_000;

describe('the watch over rooms', () => {
  let userIds: string[];
  let asked: { userIds: readonly string[]; since: number }[];
  let isAway: boolean;
  let followed: unknown[];
  let watch: () => Promise<void>;

  beforeEach(() => {
    mock.timers.enable({ apis: ['Date'], now: 1000 * minuteMs });
    userIds = ['ann', 'bob'];
    asked = [];
    followed = [];
    isAway = false;
    watch = createRoomWatch({
      findUserIds: () => userIds,
      async findMoves(some, since) {
        if (isAway) throw new Error('The database is away');
        asked.push({ userIds: some, since: since.getTime() });
        return [{ userId: some[0] ?? '', conversationId: 'group', isMember: false }];
      },
      rooms: {
        async follow(some, find) {
          followed.push([some, await find()]);
        },
      },
    });
  });
  afterEach(() => mock.timers.reset());

  it('asks what has changed for whoever has sockets here, and has it followed', async () => {
    await watch();
    expect(followed).to.deep.equal([
      [['ann', 'bob'], [{ userId: 'ann', conversationId: 'group', isMember: false }]],
    ]);
  });

  it('asks nothing while nobody is here', async () => {
    userIds = [];
    await watch();
    expect(asked).to.deep.equal([]);
  });

  it('asks for 1,000 people at a time', async () => {
    userIds = Array.from({ length: 2001 }, (_, at) => `user${at}`);
    await watch();
    expect(asked.map(({ userIds: some }) => some.length)).to.deep.equal([1000, 1000, 1]);
    expect(asked.flatMap(({ userIds: some }) => some)).to.deep.equal(userIds);
  });

  it('looks two minutes further back than its last look began, for clocks that differ', async () => {
    mock.timers.tick(minuteMs);
    await watch();
    mock.timers.tick(10_000);
    await watch();
    expect(asked.map(({ since }) => since)).to.deep.equal([998 * minuteMs, 999 * minuteMs]);
  });

  it('after looks that failed goes back to the last one that did not', async () => {
    await watch();
    isAway = true;
    for (let look = 0; look < 3; look++) {
      mock.timers.tick(5 * minuteMs);
      await watch().catch(() => {});
    }
    isAway = false;
    await watch();
    expect(asked.map(({ since }) => since)).to.deep.equal([998 * minuteMs, 998 * minuteMs]);
  });
});
