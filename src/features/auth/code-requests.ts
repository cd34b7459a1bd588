import type { Actor, Call } from '../../core/actor.ts';
import type { Contact } from '../../core/contact.ts';
import { AppError } from '../../core/errors.ts';
import type { CodePurpose, CodeScope } from '../codes/codes.contract.ts';
import type { Me } from '../users/users.contract.ts';

interface CodeRequestsDeps {
  codes: {
    send(scope: CodeScope, call: Call): Promise<void>;
    /** Counts and returns; sends afterwards if `isWanted`. */
    sendLater(scope: CodeScope, call: Call, isWanted: () => Promise<boolean>): Promise<void>;
  };
  findById(userId: string): Promise<Me | null>;
  isTaken(contact: Contact): Promise<boolean>;
}

/** What a new contact is proved with, by its kind; every other code goes to a contact that the person holds already. */
const changeOf = { email: 'change_email', phone: 'change_phone' } as const;

export type CodeRequests = ReturnType<typeof createCodeRequests>;

/** Decides whether a code may be sent, and so that nobody learns from it who is registered (promise 11). */
export function createCodeRequests({ codes, findById, isTaken }: CodeRequestsDeps) {
  async function sendToOwner(
    { target, purpose, actor }: { target: Contact; purpose: CodePurpose; actor: Actor },
    call: Call,
  ): Promise<void> {
    const me = await findById(actor.userId);
    if (!me) throw new AppError('unauthenticated');
    const scope = { target, purpose, userId: actor.userId };
    if (me[target.kind] === target.value) return codes.send(scope, call);
    if (purpose !== changeOf[target.kind]) throw new AppError('not_allowed');
    return codes.sendLater(scope, call, async () => !(await isTaken(target)));
  }

  return {
    async send(target: Contact, purpose: CodePurpose, call: Call): Promise<void> {
      if (purpose === 'login') return codes.send({ target, purpose, userId: null }, call);
      if (purpose === 'reset_password')
        return codes.sendLater({ target, purpose, userId: null }, call, () => isTaken(target));
      if (!call.actor) throw new AppError('unauthenticated');
      return sendToOwner({ target, purpose, actor: call.actor }, call);
    },

    /** Says nothing of limits either. */
    async sendForgotten(target: Contact, call: Call): Promise<void> {
      const scope = { target, purpose: 'reset_password', userId: null } as const;
      await codes
        .sendLater(scope, call, () => isTaken(target))
        .catch((error: unknown) => {
          if (!(error instanceof AppError)) throw error;
        });
    },
  };
}
