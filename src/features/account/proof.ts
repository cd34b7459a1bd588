import type { z } from 'zod';
import type { Contact } from '../../core/contact.ts';
import { AppError } from '../../core/errors.ts';
import type { Quota } from '../../core/quota.ts';
import type { CodePurpose, CodeScope } from '../codes/codes.contract.ts';
import type { Me } from '../users/users.contract.ts';
import type { proof } from './account.contract.ts';

type Proof = z.output<typeof proof>;

interface ProofDeps {
  findCredentials(userId: string): Promise<{ passwordHash: string | null } | null>;
  passwords: { verify(password: string, hash: string | null): Promise<boolean> };
  codes: { use(scope: CodeScope, code: string): Promise<boolean> };
  /** Failed proofs of one person. */
  failures: Quota;
}

export type RequireProof = ReturnType<typeof createProof>;

/** Throws `proof_invalid`, and `rate_limited` when too many proofs have failed. */
export function createProof({ findCredentials, passwords, codes, failures }: ProofDeps) {
  async function isRight({ currentPassword, currentCode }: Proof, me: Me, purpose: CodePurpose) {
    if (currentPassword !== undefined) {
      const credentials = await findCredentials(me.id);
      return passwords.verify(currentPassword, credentials?.passwordHash ?? null);
    }
    for (const target of contactsOf(me)) {
      if (await codes.use({ target, purpose, userId: me.id }, currentCode ?? '')) return true;
    }
    return false;
  }

  return async (given: Proof, me: Me, purpose: CodePurpose): Promise<void> => {
    // taken before it is weighed, so that parallel tries count too
    await failures.take(me.id);
    const isProved = await isRight(given, me, purpose).catch(async (error: unknown) => {
      await failures.giveBack(me.id);
      throw error;
    });
    if (!isProved) throw new AppError('proof_invalid');
    await failures.giveBack(me.id);
  };
}

function contactsOf({ email, phone }: Me): Contact[] {
  const contacts = [
    { kind: 'email', value: email },
    { kind: 'phone', value: phone },
  ] as const;
  return contacts.flatMap(({ kind, value }) => (value === null ? [] : [{ kind, value }]));
}
