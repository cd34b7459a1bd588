import { expect } from 'chai';
import { AppError } from '../../src/core/errors.ts';
import type { Quota } from '../../src/core/quota.ts';
import { createCodeLimits } from '../../src/features/codes/code-limits.ts';

/** A quota that says how much of it is taken. */
function countingQuota(points: number): Quota & { taken: number } {
  return {
    taken: 0,
    async take() {
      if (this.taken >= points) throw new AppError('rate_limited', { extra: { retryAfterMs: 1 } });
      this.taken++;
    },
    requireLeft: () => Promise.resolve(),
    async giveBack() {
      this.taken--;
    },
  };
}

function createLimits({ resend = 100, total = 100 }) {
  const quotas = {
    resend: countingQuota(resend),
    perTarget: countingQuota(100),
    perAddress: countingQuota(100),
    total: countingQuota(total),
  };
  const told: string[] = [];
  const take = createCodeLimits({ quotas, onBudgetSpent: () => told.push('spent') });
  const codeOf = () =>
    take({ targetKey: 't', addressKey: 'a' }).then(
      () => 'sent',
      (error: unknown) => (error instanceof AppError ? error.code : 'internal'),
    );
  return { quotas, told, take, codeOf };
}

const takenOf = (quotas: Record<string, { taken: number }>) =>
  Object.values(quotas).map(({ taken }) => taken);

describe('rules: limits of codes', () => {
  it('a spent budget is told once, however many are refused by it, and again the next time', async () => {
    const { quotas, told, codeOf } = createLimits({ total: 2 });
    const codes = [];
    for (let sent = 0; sent < 5; sent++) codes.push(await codeOf());
    expect(codes).to.deep.equal(['sent', 'sent', ...Array(3).fill('delivery_unavailable')]);
    expect(told).to.deep.equal(['spent']);
    quotas.total.taken = 1;
    expect([await codeOf(), await codeOf()]).to.deep.equal(['sent', 'delivery_unavailable']);
    expect(told).to.deep.equal(['spent', 'spent']);
  });

  it('what was taken before a refusal is given back, and so is all of it when asked', async () => {
    const { quotas, take, codeOf } = createLimits({ total: 1 });
    const giveBack = await take({ targetKey: 't', addressKey: 'a' });
    expect(takenOf(quotas)).to.deep.equal([1, 1, 1, 1]);
    expect(await codeOf()).to.equal('delivery_unavailable');
    expect(takenOf(quotas)).to.deep.equal([1, 1, 1, 1]);
    await giveBack();
    expect(takenOf(quotas)).to.deep.equal([0, 0, 0, 0]);
  });

  it('a target that has to wait takes nothing else', async () => {
    const { quotas, codeOf } = createLimits({ resend: 0 });
    expect(await codeOf()).to.equal('rate_limited');
    expect(takenOf(quotas)).to.deep.equal([0, 0, 0, 0]);
  });
});
