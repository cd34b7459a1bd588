import { AppError } from '../../core/errors.ts';
import type { Quota } from '../../core/quota.ts';

interface CodeQuotas {
  /** One code per target in so many seconds. */
  resend: Quota;
  perTarget: Quota;
  perAddress: Quota;
  /** All codes that the server pays for in a day. */
  total: Quota;
}

interface CodeLimitsDeps {
  quotas: CodeQuotas;
  /** Told once when the day's budget is spent, not for every code that is refused then. */
  onBudgetSpent(): void;
}

/** What sending a code to this target takes: keys of the quotas, no contact among them. */
export interface Sending {
  targetKey: string;
  addressKey: string;
}

/**
 * Counts codes before they are sent, in the database (promise 12). Answers a function that gives everything back, for a
 * delivery that failed. Throws `rate_limited`, or `delivery_unavailable` when the day's budget is spent.
 */
export function createCodeLimits({ quotas, onBudgetSpent }: CodeLimitsDeps) {
  let isBudgetSpent = false;

  async function takeFromBudget(): Promise<void> {
    try {
      await quotas.total.take('all');
      isBudgetSpent = false;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (!isBudgetSpent) onBudgetSpent();
      isBudgetSpent = true;
      throw new AppError('delivery_unavailable');
    }
  }

  return async ({ targetKey, addressKey }: Sending): Promise<() => Promise<void>> => {
    const steps = [
      { take: () => quotas.resend.take(targetKey), giveBack: () => quotas.resend.giveBack(targetKey) },
      { take: () => quotas.perTarget.take(targetKey), giveBack: () => quotas.perTarget.giveBack(targetKey) },
      {
        take: () => quotas.perAddress.take(addressKey),
        giveBack: () => quotas.perAddress.giveBack(addressKey),
      },
      { take: takeFromBudget, giveBack: () => quotas.total.giveBack('all') },
    ];
    const taken: (() => Promise<void>)[] = [];
    const giveBack = async () => {
      await Promise.all(taken.map((back) => back()));
    };
    try {
      for (const step of steps) {
        await step.take();
        taken.push(step.giveBack);
      }
    } catch (error) {
      await giveBack();
      throw error;
    }
    return giveBack;
  };
}

export type TakeForSending = ReturnType<typeof createCodeLimits>;
