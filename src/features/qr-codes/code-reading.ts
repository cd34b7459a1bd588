import type { InTurn } from '../../core/in-turn.ts';
import type { Quota } from '../../core/quota.ts';
import type { QrCodeStore } from './qr-codes.store.ts';

interface ReadingDeps {
  store: Pick<QrCodeStore, 'findOwner'>;
  /** The invite of a group by its code; `null` for what is none, or has expired. */
  findInvite(code: string): Promise<{ id: string; groupId: string; createdBy: string } | null>;
  /** Codes that lead nowhere, by network. */
  failures: Pick<Quota, 'requireLeft' | 'take'>;
  /** Keyed, so that no address is kept. */
  digest(text: string): string;
  subnetOf(address: string): string;
  inTurn: InTurn;
}

/** What a code means: its maker, or a group by its maker's authority. Whether that is any good is for others to judge. */
export interface CodeMeaning {
  makerId: string;
  /** `null`: it leads to its maker. */
  groupId: string | null;
  /** `null` if it is no invite. */
  inviteId: string | null;
}

const longestCode = 100;
/** What a code is made of, alone or at the end of its page's address, to which apps may have added a query. */
const bare = /^[\w-]+$/;
const afterCode = /[/?#].*$/s;

export type CodeReading = ReturnType<typeof createCodeReading>;

/**
 * The one place where codes are looked up, so that tries at all doors are counted together: each code that means nothing
 * is one for the network that it comes from. Tries of one network are weighed one after the other, so that many at once
 * get no more of them.
 */
export function createCodeReading({ store, findInvite, failures, digest, subnetOf, inTurn }: ReadingDeps) {
  async function find(code: string): Promise<CodeMeaning | null> {
    const owner = await store.findOwner(code);
    if (owner) return { makerId: owner.userId, groupId: owner.groupId, inviteId: null };
    const invite = await findInvite(code);
    return invite && { makerId: invite.createdBy, groupId: invite.groupId, inviteId: invite.id };
  }

  return {
    /** What a code, or the whole address of its page, means; `null` for nothing. Throws `rate_limited` after many of those. */
    async read(codeOrUrl: string, address: string): Promise<CodeMeaning | null> {
      const network = digest(subnetOf(address));
      return inTurn([network], async () => {
        await failures.requireLeft(network);
        const code = codeIn(codeOrUrl);
        const meaning = code === null ? null : await find(code);
        if (meaning === null) await failures.take(network);
        return meaning;
      });
    },
  };
}

function codeIn(codeOrUrl: string): string | null {
  const code = codeOrUrl.trim().split('/q/').at(-1)?.replace(afterCode, '') ?? '';
  return code.length <= longestCode && bare.test(code) ? code : null;
}
