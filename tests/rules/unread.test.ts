import { expect } from 'chai';
import fc from 'fast-check';
import {
  type Membership,
  unreadBetween,
  unreadFloor,
} from '../../src/features/conversations/conversations.rules.ts';
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
    peerId: userId === low ? high : low,
    joinedFrom: 1,
    readSeq: 0,
    deliveredSeq: 0,
    clearedSeq: 0,
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
        expect(unreadBetween(membershipOf(low), from, to)).to.equal(above.filter((isLow) => !isLow).length);
        expect(unreadBetween(membershipOf(high), from, to)).to.equal(above.filter((isLow) => isLow).length);
      }),
    );
  });

  it('begins above what was read, cleared or came before joining, whichever is highest', () => {
    expect(unreadFloor(membershipOf(low), 0)).to.equal(0);
    expect(unreadFloor(membershipOf(low, { readSeq: 3, clearedSeq: 2 }), 0)).to.equal(3);
    expect(unreadFloor(membershipOf(low, { readSeq: 3, clearedSeq: 5 }), 0)).to.equal(5);
    expect(unreadFloor(membershipOf(low, { joinedFrom: 9, readSeq: 3 }), 0)).to.equal(8);
  });

  it('stops at 1,000', () => {
    const heads = headsOf(Array.from({ length: 1001 }, () => false));
    expect(unreadBetween(membershipOf(low), emptyHead, heads[999] ?? emptyHead)).to.equal(999);
    expect(unreadBetween(membershipOf(low), emptyHead, heads[1001] ?? emptyHead)).to.equal(1000);
  });
});
