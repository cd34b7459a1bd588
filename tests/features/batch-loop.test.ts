import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { createBatchLoop } from '../../src/features/messages/batch-loop.ts';

/** A loop that keeps what each batch carried; every one takes a turn of the event loop. */
function buildLoop() {
  const batches: number[][] = [];
  const loop = createBatchLoop<number>(async (batch) => {
    batches.push(batch);
    await nextTurn();
  });
  return { loop, batches };
}

describe('Batch loop', () => {
  it('handles everything once and in order', async () => {
    const { loop, batches } = buildLoop();
    const items = Array.from({ length: 5000 }, (_, index) => index);
    for (const item of items) {
      loop.push(item);
      if (item % 100 === 0) await nextTurn();
    }
    await loop.idle();
    expect(batches.flat()).to.deep.equal(items);
    expect(loop.isIdle).to.equal(true);
  });

  it('does not keep a lone item waiting', async () => {
    const { loop, batches } = buildLoop();
    for (let item = 0; item < 20; item++) {
      loop.push(item);
      // turns, not milliseconds: what a busy machine does to them changes nothing
      for (let turn = 0; turn < 4; turn++) await nextTurn();
      expect(batches).to.have.length(item + 1);
    }
  });

  it('gathers items that come close together', async () => {
    const { loop, batches } = buildLoop();
    const startedAt = performance.now();
    let pushed = 0;
    while (pushed < 400) {
      loop.push(pushed++);
      loop.push(pushed++);
      await nextTurn();
      if (pushed % 10 === 0) await delay(1);
    }
    await loop.idle();
    const tookMs = performance.now() - startedAt;
    expect(batches.flat()).to.have.length(400);
    // without gathering it would be 200 of them in a tenth of a second
    expect(batches.length).to.be.at.most(2 + tookMs / 5 + 400 / 32);
  });
});
