import { expect } from 'chai';
import fc from 'fast-check';
import {
  isHidden,
  lastShownSeq,
  type Membership,
  toldMarks,
  unreadFloor,
  writtenBetween,
} from '../../src/features/conversations/conversations.rules.ts';
import { createUnreadCounter, nothingUnread } from '../../src/features/conversations/unread.ts';
import { emptyHead, type Head } from '../../src/features/messages/messages.contract.ts';
import { headOf, placeAbove } from '../../src/features/messages/messages.rules.ts';

const low = '0'.repeat(24);
const high = 'f'.repeat(24);

/** Where a log stood after each of its messages, by who wrote them; `true`: the one with the lower id. */
function headsOf(byLow: readonly boolean[]): Head[] {
  const heads = [emptyHead];
  for (const isLow of byLow) {
    const author = isLow ? { senderId: low, receiverId: high } : { senderId: high, receiverId: low };
    heads.push(headOf(placeAbove(heads.at(-1) ?? emptyHead, author, new Date())));
  }
  return heads;
}

function membershipOf(userId: string, overrides: Partial<Membership> = {}): Membership {
  return {
    id: low,
    conversationId: low,
    userId,
    type: 'private',
    role: null,
    peerId: userId === low ? high : low,
    joinedFrom: 1,
    floorSeq: 0,
    readSeq: 0,
    deliveredSeq: 0,
    toldReadSeq: 0,
    toldDeliveredSeq: 0,
    clearedSeq: 0,
    hiddenSeq: 0,
    shownInstead: null,
    pinned: false,
    muted: false,
    updatedAt: new Date(),
    ...overrides,
  };
}

describe('conversations: unread', () => {
  it('is what the other wrote above the floor, for both sides, wherever the floor is', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), fc.nat(60), (byLow, at) => {
        const floor = Math.min(at, byLow.length);
        const heads = headsOf(byLow);
        const [from, to] = [heads[floor], heads.at(-1)];
        if (!from || !to) throw new Error('no head');
        const above = byLow.slice(floor);
        expect(writtenBetween(membershipOf(low), from, to)).to.equal(above.filter((isLow) => !isLow).length);
        expect(writtenBetween(membershipOf(high), from, to)).to.equal(above.filter((isLow) => isLow).length);
      }),
    );
  });

  it('begins above what was read, cleared or came before joining, whichever is highest', () => {
    expect(unreadFloor(membershipOf(low))).to.equal(0);
    expect(unreadFloor(membershipOf(low, { readSeq: 3, clearedSeq: 2 }))).to.equal(3);
    expect(unreadFloor(membershipOf(low, { readSeq: 3, clearedSeq: 5 }))).to.equal(5);
    expect(unreadFloor(membershipOf(low, { joinedFrom: 9, readSeq: 3 }))).to.equal(8);
    expect(unreadFloor(membershipOf(low, { floorSeq: 7, readSeq: 3 }))).to.equal(6);
  });

  /** Counts what a member with these marks has not read of a log that only the other wrote. */
  async function count(written: number, own: Membership, removed = 0): Promise<number> {
    const heads = headsOf(Array.from({ length: written }, () => false));
    const unasked = async () => new Map<string, never>();
    const countUnread = createUnreadCounter({
      findHeadsAt: async (places) =>
        new Map([...places].map(([id, seq]) => [id, heads[seq] as Head] as const)),
      findRemovedAbove: async (_viewerId, places) =>
        new Map(
          [...places].map(([id, floor]) => [
            id,
            new Set(Array.from({ length: removed }, (_, index) => floor + 1 + index)),
          ]),
        ),
      countOwn: unasked,
      findMentions: unasked,
    });
    const counts = await countUnread(low, [own], new Map([[low, heads.at(-1) ?? emptyHead]]));
    return (counts.get(low) ?? nothingUnread).unread;
  }

  it('leaves out what is recalled or deleted, and stops at 1,000 after that', async () => {
    expect(await count(5, membershipOf(low, { readSeq: 1 }))).to.equal(4);
    expect(await count(5, membershipOf(low, { readSeq: 1 }), 3)).to.equal(1);
    expect(await count(999, membershipOf(low))).to.equal(999);
    expect(await count(1001, membershipOf(low))).to.equal(1000);
    expect(await count(1001, membershipOf(low), 2)).to.equal(999);
  });

  it('is nothing where everything is read, and never less than nothing', async () => {
    expect(await count(5, membershipOf(low, { readSeq: 5 }), 2)).to.equal(0);
    expect(await count(5, membershipOf(low, { readSeq: 4 }), 2)).to.equal(0);
  });
});

/** An entry of a group's log, by one of three members; `by: 0` looks. */
interface GroupEntry {
  by: number;
  isChange: boolean;
  isRemoved: boolean;
  mentions: string[];
}

const members = [low, 'a'.repeat(24), high];

/** Counts as the server does, and notes what it has asked for. */
async function countInGroup(log: readonly GroupEntry[], floor: number) {
  const heads = [emptyHead];
  for (const { by, isChange } of log) {
    const author = { senderId: members[by] ?? '', ...(isChange && { groupChange: {} as never }) };
    heads.push(headOf(placeAbove(heads.at(-1) ?? emptyHead, author, new Date())));
  }
  const head = heads.at(-1) ?? emptyHead;
  const asked: string[] = [];
  const between = (aboveSeq: number, upToSeq: number) =>
    log
      .map((entry, index) => ({ ...entry, seq: index + 1 }))
      .filter(({ seq, isChange }) => !isChange && seq > aboveSeq && seq <= upToSeq);
  const countUnread = createUnreadCounter({
    async findHeadsAt(places) {
      if (places.size > 0) asked.push('heads');
      return new Map([...places].map(([id, seq]) => [id, heads[seq] as Head] as const));
    },
    async findRemovedAbove(_viewerId, places) {
      if (places.size > 0) asked.push('removed');
      const removed = (above: number) =>
        between(above, head.seq).filter(({ by, isRemoved }) => by && isRemoved);
      return new Map([...places].map(([id, above]) => [id, new Set(removed(above).map(({ seq }) => seq))]));
    },
    async countOwn(_viewerId, stretches) {
      if (stretches.length > 0) asked.push('own');
      return new Map(
        stretches.map(({ conversationId, aboveSeq, upToSeq }) => [
          conversationId,
          between(aboveSeq, upToSeq).filter(({ by }) => by === 0).length,
        ]),
      );
    },
    async findMentions(viewerId, stretches) {
      if (stretches.length > 0) asked.push('mentions');
      return new Map(
        stretches.map(({ conversationId, aboveSeq, upToSeq }) => [
          conversationId,
          between(aboveSeq, upToSeq)
            .filter(({ by, mentions }) => by && mentions.some((id) => id === viewerId || id === 'all'))
            .map(({ seq }) => seq),
        ]),
      );
    },
  });
  const own = membershipOf(low, { type: 'group', role: 'member', peerId: null, readSeq: floor });
  const counts = await countUnread(low, [own], new Map([[low, head]]));
  return { ...(counts.get(low) ?? nothingUnread), asked };
}

describe('conversations: unread in groups', () => {
  const entry = fc.record({
    by: fc.nat(2),
    isChange: fc.boolean(),
    isRemoved: fc.boolean(),
    mentions: fc.uniqueArray(fc.constantFrom(...members, 'all'), { maxLength: 3 }),
  });

  it('is what others wrote above the floor and neither took back nor I deleted, and which of it calls me', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 60 }), fc.nat(60), async (log, at) => {
        const floor = Math.min(at, log.length);
        const unread = log
          .slice(floor)
          .filter(({ by, isChange, isRemoved }) => by !== 0 && !isChange && !isRemoved);
        const mentioned = unread.filter(({ mentions }) => mentions.includes(low) || mentions.includes('all'));
        const counted = await countInGroup(log, floor);
        expect([counted.unread, counted.mentioned]).to.deep.equal([unread.length, mentioned.length]);
      }),
    );
  });

  const written = (by: number, length: number, mentions: string[] = []): GroupEntry[] =>
    Array.from({ length }, () => ({ by, isChange: false, isRemoved: false, mentions }));

  it('is exact below 1,000 also for who has written thousands above their mark, and stops there', async () => {
    const counted = await countInGroup([...written(0, 3000), ...written(1, 999)], 0);
    expect(counted).to.include({ unread: 999, mentioned: 0 });
    const more = await countInGroup([...written(0, 3000), ...written(1, 1500, ['all'])], 0);
    expect(more).to.include({ unread: 1000, mentioned: 1000 });
  });

  it('asks nothing where nothing was written above the mark', async () => {
    const change = { by: 1, isChange: true, isRemoved: false, mentions: [] };
    expect((await countInGroup([...written(1, 3), change, change], 3)).asked).to.deep.equal([]);
    expect((await countInGroup([change], 0)).asked).to.deep.equal([]);
    expect((await countInGroup(written(1, 3), 2)).asked).to.have.members([
      'heads',
      'removed',
      'own',
      'mentions',
    ]);
  });
});

describe('conversations: what a member sees', () => {
  it('has as its last message the newest one that is neither cleared nor deleted by the member', () => {
    const head = { lastMessageSeq: 7 };
    expect(lastShownSeq(membershipOf(low), head)).to.equal(7);
    expect(lastShownSeq(membershipOf(low, { shownInstead: { of: 7, seq: 4 } }), head)).to.equal(4);
    expect(lastShownSeq(membershipOf(low, { shownInstead: { of: 6, seq: 4 } }), head)).to.equal(7);
    expect(lastShownSeq(membershipOf(low, { clearedSeq: 7 }), head)).to.equal(0);
    expect(
      lastShownSeq(membershipOf(low, { clearedSeq: 5, shownInstead: { of: 7, seq: 4 } }), head),
    ).to.equal(0);
  });

  it('is hidden until a message comes above', () => {
    expect(isHidden(membershipOf(low), { lastMessageSeq: 0 })).to.equal(false);
    expect(isHidden(membershipOf(low, { hiddenSeq: 7 }), { lastMessageSeq: 7 })).to.equal(true);
    expect(isHidden(membershipOf(low, { hiddenSeq: 7 }), { lastMessageSeq: 8 })).to.equal(false);
  });

  it('has of the other’s marks what was told, and of reading nothing for who hides it', () => {
    const peer = membershipOf(high, { readSeq: 9, deliveredSeq: 9, toldReadSeq: 3, toldDeliveredSeq: 5 });
    expect(toldMarks(peer, true)).to.deep.equal({ readSeq: 3, deliveredSeq: 5 });
    expect(toldMarks(peer, false)).to.deep.equal({ readSeq: 0, deliveredSeq: 5 });
    expect(toldMarks(undefined, true)).to.deep.equal({ readSeq: 0, deliveredSeq: 0 });
  });
});
