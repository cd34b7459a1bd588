import type { Contact } from '../../core/contact.ts';
import type { Quota } from '../../core/quota.ts';

interface LoginLimitsDeps {
  /** Failures per account name, whether or not anybody has it. */
  perAccount: Quota;
  /** Failures per network. */
  perAddress: Quota;
  /** Keyed, so that no contact is kept. */
  digest(text: string): string;
  subnetOf(address: string): string;
}

export type LoginLimits = ReturnType<typeof createLoginLimits>;

/**
 * Counts failed log-ins with a password in the database. A try is taken before it is weighed and given back if it
 * succeeds, so that parallel tries count too. Sessions that are open, and codes, are not concerned.
 */
export function createLoginLimits({ perAccount, perAddress, digest, subnetOf }: LoginLimitsDeps) {
  return {
    /** Throws `rate_limited` instead of weighing another try. `attempt` answers `null` for a failure. */
    async guard<T>(contact: Contact, address: string, attempt: () => Promise<T | null>): Promise<T | null> {
      const account = digest(`login:${contact.kind}:${contact.value}`);
      const network = digest(`login:${subnetOf(address)}`);
      await perAddress.take(network);
      await perAccount.take(account);
      const result = await attempt().catch(async (error: unknown) => {
        // nothing was weighed
        await Promise.all([perAccount.giveBack(account), perAddress.giveBack(network)]);
        throw error;
      });
      if (result !== null) await Promise.all([perAccount.giveBack(account), perAddress.giveBack(network)]);
      return result;
    },
  };
}
