import bcrypt from 'bcrypt';

/** bcrypt reads so much and no more. */
const bytesRead = 72;

/** bcrypt on libuv's threads, off the event loop. `cost` is the binary logarithm of its rounds. */
export function createPasswords({ cost }: { cost: number }) {
  // compared with when there is no account, so that known and unknown ones take the same time
  const decoy = bcrypt.hash('no account has this password', cost);
  return {
    hash: (password: string): Promise<string> => bcrypt.hash(password, cost),

    async verify(password: string, hash: string | null): Promise<boolean> {
      const matches = await bcrypt.compare(password, hash ?? (await decoy));
      return matches && hash !== null && Buffer.byteLength(password) <= bytesRead;
    },
  };
}
