import type { Call } from '../../core/actor.ts';
import type { Contact, ReadContact } from '../../core/contact.ts';
import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import type { CodeScope } from '../codes/codes.contract.ts';
import type { RevocationReason } from '../sessions/sessions.contract.ts';
import type { Me } from '../users/users.contract.ts';
import type { accountContract } from './account.contract.ts';
import type { Erasure } from './erasure.ts';
import type { ExportPersonalData } from './export.ts';
import type { RequireProof } from './proof.ts';

interface AccountDeps {
  accounts: {
    findById(userId: string): Promise<Me | null>;
    /** `emailVerified` as it was at the beginning: `false` if it was proved since, and so somebody else may be the owner. */
    setPassword(userId: string, passwordHash: string, emailVerified: boolean): Promise<boolean>;
    verifyEmail(userId: string, email: string): Promise<Me | null>;
    /** `null` if somebody else has it, or the e-mail was proved since. */
    setContact(userId: string, contact: Contact, emailVerified: boolean): Promise<Me | null>;
  };
  requireProof: RequireProof;
  codes: { use(scope: CodeScope, code: string): Promise<boolean> };
  /** Throws `validation_failed` about `path` for the commonest passwords. */
  passwords: { hashNew(password: string, path: string): Promise<string> };
  sessions: { endAll(userId: string, reason: RevocationReason, exceptId?: string): Promise<void> };
  readContact: ReadContact;
  exportPersonalData: ExportPersonalData;
  erasure: Erasure;
  /** Shows a person's other devices what their profile is now. */
  tellProfile(me: Me, originSocketId: string | null): void;
  /** Tells the holder of an e-mail what was done; never awaited, never fails. */
  notify(email: string, notice: Notice, call: Pick<Call, 'locale'>): void;
}

/** What the holder of an e-mail is told of. */
type Notice = 'email_changed' | 'phone_changed' | 'password_changed' | 'account_deleted';

/** What people do with their own account. */
export function createAccountService(deps: AccountDeps): Handlers<typeof accountContract> {
  const { accounts, requireProof, codes, sessions, notify } = deps;

  const handlers: Handlers<typeof accountContract> = {
    async verifyEmail({ code }, { actor, originSocketId }) {
      const { id, email } = await meOf(actor.userId);
      const target = email === null ? null : ({ kind: 'email', value: email } as const);
      if (!target || !(await codes.use({ target, purpose: 'verify_email', userId: id }, code)))
        throw new AppError('code_invalid');
      const me = await accounts.verifyEmail(id, target.value);
      if (!me) throw new AppError('code_invalid');
      deps.tellProfile(me, originSocketId);
      return me;
    },

    async changePassword({ newPassword, proof }, call) {
      const me = await meOf(call.actor.userId);
      const passwordHash = await deps.passwords.hashNew(newPassword, 'newPassword');
      await requireProof(proof, me, 'change_password');
      if (!(await accounts.setPassword(me.id, passwordHash, me.emailVerified)))
        throw new AppError('unauthenticated');
      await sessions.endAll(me.id, 'password_changed', call.actor.sessionId);
      if (me.email !== null) notify(me.email, 'password_changed', call);
    },

    async changeEmail({ email, code, proof }, call) {
      const before = await meOf(call.actor.userId);
      await requireProof(proof, before, 'change_email');
      const me = await changeContact(before, { kind: 'email', value: email }, code);
      deps.tellProfile(me, call.originSocketId);
      if (before.email !== null && before.email !== email) notify(before.email, 'email_changed', call);
      return me;
    },

    async changePhone({ phone, code, proof }, call) {
      const contact = deps.readContact({ phone });
      const before = await meOf(call.actor.userId);
      await requireProof(proof, before, 'change_phone');
      const me = await changeContact(before, contact, code);
      deps.tellProfile(me, call.originSocketId);
      if (me.email !== null && before.phone !== me.phone) notify(me.email, 'phone_changed', call);
      return me;
    },

    async exportData(_input, { actor }) {
      return deps.exportPersonalData(actor.userId);
    },

    async deleteAccount({ proof }, call) {
      const me = await meOf(call.actor.userId);
      await requireProof(proof, me, 'delete_account');
      const result = await deps.erasure.begin(me.id);
      if (me.email !== null) notify(me.email, 'account_deleted', call);
      return result;
    },
  };

  async function meOf(userId: string): Promise<Me> {
    const me = await accounts.findById(userId);
    if (!me) throw new AppError('unauthenticated');
    return me;
  }

  async function changeContact({ id, emailVerified }: Me, target: Contact, code: string): Promise<Me> {
    const purpose = target.kind === 'email' ? 'change_email' : 'change_phone';
    if (!(await codes.use({ target, purpose, userId: id }, code))) throw new AppError('code_invalid');
    const me = await accounts.setContact(id, target, emailVerified);
    // taken by somebody else since the code was sent; the caller has proved to hold it, so may know
    if (!me) throw new AppError(target.kind === 'email' ? 'email_taken' : 'phone_taken');
    return me;
  }

  return handlers;
}
