import { expect } from 'chai';
import { createContentions } from '../../src/features/messages/contentions.ts';

describe('contended conversations', () => {
  it('are remembered while they are contended or written to, and forgotten then', async () => {
    const written: string[] = [];
    const contentions = createContentions<string>(async (batch) => void written.push(...batch));
    const [past, busy, now] = ['past', 'busy', 'now'].map(contentions.begin);
    if (past) past.lastConflictAt = 0;
    if (busy) busy.lastConflictAt = 0;
    busy?.loop.push('waits');
    expect(contentions.find('past')).to.equal(undefined);
    expect(contentions.find('busy')).to.equal(busy);
    expect(contentions.find('now')).to.equal(now);
    const next = contentions.begin('next');
    expect(contentions.all()).to.deep.equal([busy, now, next]);
    await busy?.loop.idle();
    expect(written).to.deep.equal(['waits']);
    contentions.begin('last');
    expect(contentions.all()).to.have.length(3).and.to.not.include(busy);
  });
});
