import { expect } from 'chai';
import fc from 'fast-check';
import { createFloors } from '../../src/features/conversations/floors.ts';
import { createLogAges } from '../../src/features/conversations/log-ages.ts';
import type { Head } from '../../src/features/messages/messages.contract.ts';

/** Logs as the times of their entries, in milliseconds; the first have been removed up to `removed`. */
interface TestLog {
  times: number[];
  removed: number;
}

function logAges(logs: ReadonlyMap<string, TestLog>) {
  const reads = { count: 0 };
  const headAt = (id: string, seq: number): [string, Head][] => {
    const log = logs.get(id);
    const at = log && seq > log.removed ? log.times[seq - 1] : undefined;
    if (at === undefined) return [];
    return [[id, { seq, messageCount: seq, lowCount: 0, lastMessageSeq: seq, at: new Date(at) }]];
  };
  const findHeadsAt = async (places: ReadonlyMap<string, number>) => {
    reads.count++;
    return new Map([...places].flatMap(([id, seq]) => headAt(id, seq)));
  };
  const findYoung = createLogAges({
    async findHeads(ids) {
      reads.count++;
      return new Map(ids.flatMap((id) => headAt(id, logs.get(id)?.times.length ?? 0)));
    },
    findHeadsAt,
  });
  return { findYoung, findHeadsAt, reads };
}

const times = fc.array(fc.nat(30), { maxLength: 60 }).map((all) => all.toSorted((one, other) => one - other));
const anyLog = fc.tuple(times, fc.nat(60)).map(([all, removed]) => ({
  times: all,
  // the newest is always kept
  removed: Math.max(0, Math.min(removed, all.length - 1)),
}));

describe('places by time', () => {
  it('are those that looking at every entry finds, whatever is removed and from wherever the search begins', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyLog, { maxLength: 5 }),
        fc.nat(32),
        fc.nat(60),
        async (all, since, skip) => {
          const logs = new Map(all.map((log, index) => [`${index}`, log]));
          const firstYoung = ({ times: entries, removed }: TestLog) => {
            const index = entries.findIndex((at, place) => at >= since && place >= removed);
            return index < 0 ? entries.length + 1 : index + 1;
          };
          const lowest = new Map([...logs].map(([id, log]) => [id, 1 + (skip % firstYoung(log))]));
          const { findYoung } = logAges(logs);
          const found = await findYoung(lowest, new Date(since));
          for (const [id, log] of logs) {
            const seq = firstYoung(log);
            const at = log.times[seq - 1];
            expect(found.get(id)).to.deep.equal({ seq, at: at === undefined ? null : new Date(at) });
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('take a few reads, however long and however many the logs are', async () => {
    const entries = Array.from({ length: 100_000 }, (_, index) => index);
    const logs = new Map(
      Array.from({ length: 50 }, (_, index) => [`${index}`, { times: entries, removed: 0 }]),
    );
    const { findYoung, reads } = logAges(logs);
    const lowest = new Map([...logs.keys()].map((id) => [id, 1]));
    const found = await findYoung(lowest, new Date(77_777));
    expect(found.get('7')?.seq).to.equal(77_778);
    expect(reads.count).to.be.below(20);
    reads.count = 0;
    await findYoung(new Map([['7', 77_770]]), new Date(77_777));
    expect(reads.count).to.be.below(10);
  });
});

describe('floors', () => {
  const store = (floors: ReadonlyMap<string, number>) => {
    const asked: string[] = [];
    return {
      asked,
      findFloors: async () => {
        asked.push('findFloors');
        return new Map(floors);
      },
      hasFloors: async () => {
        asked.push('hasFloors');
        return floors.size > 0;
      },
    };
  };
  const neverAsked = () => Promise.reject(new Error('asked'));

  it('reads nothing where no limit was ever set, but for one question', async () => {
    const kept = store(new Map());
    const floors = createFloors({
      shownForMs: 0,
      store: kept,
      findHeadsAt: neverAsked,
      findYoung: neverAsked,
    });
    for (let count = 0; count < 3; count++) expect(await floors.of(['a'])).to.deep.equal(new Map());
    expect(kept.asked).to.deep.equal(['hasFloors']);
    expect(floors.shownSince()).to.equal(null);
  });

  it('knows what retention took, after it was turned off too', async () => {
    const kept = store(new Map([['a', 7]]));
    const floors = createFloors({
      shownForMs: 0,
      store: kept,
      findHeadsAt: neverAsked,
      findYoung: neverAsked,
    });
    expect((await floors.of(['a', 'b'])).get('a')).to.equal(7);
  });

  it('takes one read where the place of last time still holds', async () => {
    const now = Date.now();
    const entry = { times: [now - 5000, now - 1000, now], removed: 0 };
    const { reads, ...ages } = logAges(new Map([['a', entry]]));
    const floors = createFloors({ shownForMs: 3000, store: store(new Map()), ...ages });
    expect((await floors.of(['a'])).get('a')).to.equal(2);
    const before = reads.count;
    for (let count = 0; count < 3; count++) expect((await floors.of(['a'])).get('a')).to.equal(2);
    expect(reads.count).to.equal(before + 3);
    entry.times.splice(0, 3, now - 5000, now - 4000, now);
    expect((await floors.of(['a'])).get('a')).to.equal(3);
  });

  it('takes the higher of both limits', async () => {
    const now = Date.now();
    const { reads: _, ...ages } = logAges(new Map([['a', { times: [now - 5000, now], removed: 0 }]]));
    const floors = createFloors({ shownForMs: 3000, store: store(new Map([['a', 9]])), ...ages });
    expect((await floors.of(['a'])).get('a')).to.equal(9);
  });
});
