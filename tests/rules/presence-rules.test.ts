import { expect } from 'chai';
import { createAttendance } from '../../src/features/presence/attendance.ts';
import { createChangeQueue } from '../../src/features/presence/change-queue.ts';
import { canSeeLastSeen, isAlive, presenceOf } from '../../src/features/presence/presence.rules.ts';

const lastSeenAt = new Date('2030-01-02T03:04:05Z');
const shows = { id: 'a', showsLastSeen: true, lastSeenAt };
const hides = { id: 'b', showsLastSeen: false, lastSeenAt };

describe('presence rules', () => {
  it('both have to show it, and both have to be there', () => {
    expect(canSeeLastSeen(shows, shows)).to.equal(true);
    for (const [viewer, other] of [
      [shows, hides],
      [hides, shows],
      [hides, hides],
      [undefined, shows],
      [shows, undefined],
    ] as const)
      expect(canSeeLastSeen(viewer, other)).to.equal(false);
  });

  it('tells the time of who is away only', () => {
    expect(presenceOf(shows, true)).to.deep.equal({ status: 'online', lastSeenAt: null });
    expect(presenceOf(shows, false)).to.deep.equal({
      status: 'offline',
      lastSeenAt: '2030-01-02T03:04:05.000Z',
    });
    expect(presenceOf({ ...shows, lastSeenAt: null }, false)).to.deep.equal({
      status: 'offline',
      lastSeenAt: null,
    });
  });

  it('a process lives as long as its lease, and no longer once it has ended', () => {
    const node = { id: 'n', renewedAt: new Date(10_000), endedAt: null };
    expect(isAlive(node, new Date(55_000), 45_000)).to.equal(true);
    expect(isAlive(node, new Date(55_001), 45_000)).to.equal(false);
    expect(isAlive({ ...node, endedAt: new Date(10_000) }, new Date(10_000), 45_000)).to.equal(false);
  });
});

describe('presence: attendance', () => {
  it('without a grace every going is told, with the time; coming twice is told once', () => {
    const told: string[] = [];
    const attendance = createAttendance({
      graceMs: 0,
      onArrived: (userId) => told.push(`${userId} came`),
      onGone: (userId) => told.push(`${userId} went`),
    });
    attendance.arrived('a');
    attendance.arrived('a');
    attendance.left('a');
    attendance.arrived('a');
    expect(told).to.deep.equal(['a came', 'a went', 'a came']);
  });

  it('within the grace nothing is told, and at the end everybody goes, with when they left', async () => {
    const told: [string, Date][] = [];
    const attendance = createAttendance({
      graceMs: 60_000,
      onArrived: () => {},
      onGone: (userId, at) => told.push([userId, at]),
    });
    for (const userId of ['a', 'b', 'c']) attendance.arrived(userId);
    const leftFrom = Date.now();
    attendance.left('a');
    attendance.left('b');
    attendance.arrived('b');
    const leftUntil = Date.now();
    expect(told).to.deep.equal([]);
    expect(attendance.everybody()).to.deep.equal(['a', 'b', 'c']);
    attendance.close();
    expect(told.map(([userId]) => userId)).to.deep.equal(['a', 'b', 'c']);
    expect(told[0]?.[1].getTime()).to.be.within(leftFrom, leftUntil);
    expect(attendance.everybody()).to.deep.equal([]);
  });
});

describe('presence: change queue', () => {
  /** A queue whose batches end when the test says so. */
  function openQueue() {
    const batches: { changes: [string, number][]; end(error?: Error): void }[] = [];
    const failures: unknown[] = [];
    const queue = createChangeQueue<number>({
      everyMs: 60_000,
      carryOut: (changes) =>
        new Promise((resolve, reject) =>
          batches.push({ changes: [...changes], end: (error) => (error ? reject(error) : resolve()) }),
        ),
      merge: (_before, after) => after,
      onFailure: (error) => failures.push(error),
    });
    return { queue, batches, failures };
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it('carries out one batch at a time, with the latest of each person', async () => {
    const { queue, batches } = openQueue();
    queue.note('a', 1);
    queue.note('b', 1);
    queue.note('a', 2);
    const first = queue.flush();
    await turn();
    queue.note('a', 3);
    const second = queue.flush();
    await turn();
    expect(batches.map(({ changes }) => changes)).to.deep.equal([
      [
        ['a', 2],
        ['b', 1],
      ],
    ]);
    batches[0]?.end();
    await first;
    await turn();
    expect(batches[1]?.changes).to.deep.equal([['a', 3]]);
    batches[1]?.end();
    await second;
  });

  it('keeps what failed for the next try, unless it has changed since', async () => {
    const { queue, batches, failures } = openQueue();
    queue.note('a', 1);
    queue.note('b', 1);
    const first = queue.flush();
    await turn();
    queue.note('b', 2);
    batches[0]?.end(new Error('away'));
    await first;
    expect(failures).to.have.length(1);
    const second = queue.flush();
    await turn();
    expect(batches[1]?.changes).to.deep.equal([
      ['a', 1],
      ['b', 2],
    ]);
    batches[1]?.end();
    await second;
    await queue.flush();
    expect(batches).to.have.length(2);
  });
});
