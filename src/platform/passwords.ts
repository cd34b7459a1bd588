import bcrypt from 'bcrypt';
import pLimit from 'p-limit';
import { AppError, invalidField } from '../core/errors.ts';

interface PasswordsOptions {
  /** The binary logarithm of bcrypt's rounds. */
  cost: number;
}

/** bcrypt reads so much and no more. */
const bytesRead = 72;
/** Of libuv's four threads, so that files and look-ups of names still move while many people log in. */
const mostAtOnce = 2;
/** At a quarter of a second each, who came last has waited as long as a client does. */
const mostWaiting = 40;

/** What everybody tries first; read when somebody first sets a password, as the start has no use for it. */
async function readCommonest(): Promise<Set<string>> {
  const { dictionary } = await import('@zxcvbn-ts/language-common');
  return new Set(dictionary['passwords-common']);
}

/** bcrypt on threads of its own, off the event loop; what waits is bounded, and above that `unavailable` is thrown. */
export function createPasswords({ cost }: PasswordsOptions) {
  const limit = pLimit(mostAtOnce);
  let commonest: Promise<Set<string>> | null = null;
  // compared with when there is no account, so that known and unknown ones take the same time
  const decoy = bcrypt.hash('no account has this password', cost);

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (limit.pendingCount >= mostWaiting) return Promise.reject(new AppError('unavailable'));
    return limit(work);
  }

  const hash = (password: string): Promise<string> => inTurn(() => bcrypt.hash(password, cost));

  return {
    hash,

    /** The hash of a password that is to be set. Throws `validation_failed` about `path` if everybody tries it first. */
    async hashNew(password: string, path: string): Promise<string> {
      commonest ??= readCommonest();
      if (!(await commonest).has(password.toLowerCase())) return hash(password);
      throw invalidField(path, { en: 'One of the commonest passwords', zh: '该密码过于常见' });
    },

    async verify(password: string, hash: string | null): Promise<boolean> {
      const against = hash ?? (await decoy);
      const matches = await inTurn(() => bcrypt.compare(password, against));
      return matches && hash !== null && Buffer.byteLength(password) <= bytesRead;
    },

    /** Whether a hash was made at a lower cost than now. */
    isOutdated: (hash: string): boolean => bcrypt.getRounds(hash) < cost,
  };
}
