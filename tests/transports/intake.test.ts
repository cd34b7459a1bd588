import { expect } from 'chai';
import { createIntake } from '../../src/transports/intake.ts';

/** An intake of numbers whose work ends when told to. */
function build(most: number) {
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const reads: string[] = [];
  const client = { isTaking: true };
  const intake = createIntake<number>({
    handle(item) {
      begun.push(item);
      return new Promise((end) => ends.push(end));
    },
    mayBegin: (inFlight) => inFlight < most && client.isTaking,
    pause: () => reads.push('pause'),
    resume: () => reads.push('resume'),
  });
  return { intake, begun, reads, client, end: async (index: number) => ends[index]?.() };
}

describe('the intake of a connection', () => {
  it('begins items in their order, so many at a time, and the next when one has ended', async () => {
    const { intake, begun, end } = build(2);
    for (const item of [1, 2, 3, 4]) intake.push(item);
    expect(begun).to.deep.equal([1, 2]);
    await end(1);
    await end(0);
    expect(begun).to.deep.equal([1, 2, 3, 4]);
  });

  it('stops reading while no more may begin, and says so once', async () => {
    const { intake, reads, end } = build(1);
    intake.push(1);
    intake.push(2);
    expect(reads).to.deep.equal(['pause']);
    await end(0);
    expect(reads).to.deep.equal(['pause']);
    await end(1);
    expect(reads).to.deep.equal(['pause', 'resume']);
  });

  it('begins nothing while the client does not take what it is sent, and goes on when told to look again', () => {
    const { intake, begun, reads, client } = build(2);
    client.isTaking = false;
    intake.push(1);
    expect([begun, reads]).to.deep.equal([[], ['pause']]);
    client.isTaking = true;
    intake.proceed();
    expect([begun, reads]).to.deep.equal([[1], ['pause', 'resume']]);
  });

  it('forgets what waits when it is cleared', async () => {
    const { intake, begun, end } = build(1);
    intake.push(1);
    intake.push(2);
    intake.clear();
    await end(0);
    expect(begun).to.deep.equal([1]);
  });
});
