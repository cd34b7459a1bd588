import type { Call } from '../../core/actor.ts';
import type { Contact, ReadContact } from '../../core/contact.ts';
import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import type { CodeScope, CodeSent } from '../codes/codes.contract.ts';
import type { RevocationReason } from '../sessions/sessions.contract.ts';
import type { Me } from '../users/users.contract.ts';
import type { AuthResult, authContract } from './auth.contract.ts';
import type { CodeRequests } from './code-requests.ts';
import type { LoginLimits } from './login-limits.ts';

interface AuthDeps {
  accounts: Accounts;
  sessions: {
    open(userId: string, deviceName: string | null, call: Call): Promise<{ id: string; tokens: TokenPair }>;
    /** Throws `unauthenticated`; a replay ends the session. */
    renew(refreshToken: string): Promise<{ userId: string; tokens: TokenPair }>;
    end(userId: string, sessionId: string, reason: RevocationReason): Promise<void>;
    endAll(userId: string, reason: RevocationReason): Promise<void>;
  };
  codes: {
    /** Weighs a code and uses it up if it is right. */
    use(scope: CodeScope, code: string): Promise<boolean>;
    sent: CodeSent;
  };
  codeRequests: CodeRequests;
  passwords: {
    hash(password: string): Promise<string>;
    /** Throws `validation_failed` about `path` for the commonest. */
    hashNew(password: string, path: string): Promise<string>;
    /** Takes as long without a hash. */
    verify(password: string, hash: string | null): Promise<boolean>;
    isOutdated(hash: string): boolean;
  };
  loginLimits: LoginLimits;
  readContact: ReadContact;
  accessLifetimeSeconds: number;
}

/** What authentication needs of people. */
interface Accounts {
  /** `null` if the contact is taken. */
  create(account: NewAccount): Promise<Me | null>;
  findById(userId: string): Promise<Me | null>;
  findByContact(contact: Contact): Promise<(Credentials & { me: Me }) | null>;
  findCredentials(userId: string): Promise<Credentials | null>;
  setPassword(userId: string, passwordHash: string, emailVerified: boolean): Promise<boolean>;
  /** The same password at another cost, if it is still the one with this hash. */
  replacePasswordHash(userId: string, hashes: { from: string; to: string }): Promise<void>;
  /** Notes that an unproved e-mail was proved, and drops password and phone set before. Answers whether it was. */
  proveByCode(userId: string): Promise<boolean>;
}

interface TokenPair {
  token: string;
  refreshToken: string;
}

interface Credentials {
  passwordHash: string | null;
  /** When the password was chosen; a new hash of the same one leaves it. */
  passwordSetAt: Date | null;
}

interface Opening {
  me: Me;
  deviceName: string | undefined;
  call: Call;
}

interface NewAccount {
  contact: Contact;
  nickname: string;
  emailVerified: boolean;
  passwordHash: string | null;
}

export function createAuthService(deps: AuthDeps): Handlers<typeof authContract> {
  const { accounts, sessions, codes, codeRequests, passwords, loginLimits, readContact } = deps;

  const handlers: Handlers<typeof authContract> = {
    async register({ email, password, nickname, deviceName }, call) {
      const passwordHash = await passwords.hashNew(password, 'password');
      const contact: Contact = { kind: 'email', value: email };
      const me = await accounts.create({ contact, nickname, passwordHash, emailVerified: false });
      if (!me) throw new AppError('email_taken');
      // the owner of the e-mail may have proved it meanwhile, and this password is no more
      const isStill = async () => (await accounts.findCredentials(me.id))?.passwordHash === passwordHash;
      const tokens = await openWhile(isStill, { me, deviceName, call });
      if (!tokens) throw new AppError('email_taken');
      return toAuthResult(me, tokens);
    },

    async logIn({ password, deviceName, ...input }, call) {
      const contact = readContact(input);
      const account = await loginLimits.guard(contact, call.address, async () => {
        const found = await accounts.findByContact(contact);
        const matches = await passwords.verify(password, found?.passwordHash ?? null);
        return matches ? found : null;
      });
      if (!account?.passwordHash) throw new AppError('invalid_credentials');
      const { me, passwordHash: from, passwordSetAt } = account;
      const isStill = async () => {
        const now = await accounts.findCredentials(me.id);
        return now?.passwordSetAt?.getTime() === passwordSetAt?.getTime();
      };
      const tokens = await openWhile(isStill, { me, deviceName, call });
      if (!tokens) throw new AppError('invalid_credentials');
      if (passwords.isOutdated(from))
        await accounts.replacePasswordHash(me.id, { from, to: await passwords.hash(password) });
      return toAuthResult(me, tokens);
    },

    async sendCode({ purpose, ...input }, call) {
      await codeRequests.send(readContact(input), purpose, call);
      return codes.sent;
    },

    async verifyCode({ code, nickname, deviceName, ...input }, call) {
      const target = readContact(input);
      if (!(await codes.use({ target, purpose: 'login', userId: null }, code)))
        throw new AppError('code_invalid');
      const known = await accounts.findByContact(target);
      const created = known ? null : await createByCode(target, nickname);
      const account = known ?? (await accounts.findByContact(target));
      const me = created ?? account?.me;
      if (!me) throw new AppError('unavailable');
      if (!created && target.kind === 'email') await proveAddress(me);
      const isStill = async () => (await accounts.findByContact(target))?.me.id === me.id;
      const tokens = await openWhile(isStill, { me, deviceName, call });
      const now = await accounts.findById(me.id);
      if (!tokens || !now) throw new AppError('code_invalid');
      return { ...toAuthResult(now, tokens), created: created !== null };
    },

    async refresh({ refreshToken }) {
      const { userId, tokens } = await sessions.renew(refreshToken);
      const me = await accounts.findById(userId);
      if (!me) throw new AppError('unauthenticated');
      return toAuthResult(me, tokens);
    },

    async forgotPassword(input, call) {
      await codeRequests.sendForgotten(readContact(input), call);
      return codes.sent;
    },

    async resetPassword({ code, password, ...input }) {
      const target = readContact(input);
      const passwordHash = await passwords.hashNew(password, 'password');
      if (!(await codes.use({ target, purpose: 'reset_password', userId: null }, code)))
        throw new AppError('code_invalid');
      const account = await accounts.findByContact(target);
      if (!account) throw new AppError('code_invalid');
      const { id, emailVerified } = account.me;
      if (target.kind === 'email') await accounts.proveByCode(id);
      const isProved = emailVerified || target.kind === 'email';
      if (!(await accounts.setPassword(id, passwordHash, isProved))) throw new AppError('code_invalid');
      await sessions.endAll(id, 'password_reset');
    },
  };

  /** `null` if somebody else was faster. */
  function createByCode(contact: Contact, nickname: string | undefined): Promise<Me | null> {
    const emailVerified = contact.kind === 'email';
    return accounts.create({
      contact,
      nickname: nickname ?? invented(),
      emailVerified,
      passwordHash: null,
    });
  }

  /**
   * Opens a session, and ends it again if what it was opened for is no more: sessions may have been ended, all of them, just
   * before this one was there. Answers `null` then.
   */
  async function openWhile(isStill: () => Promise<boolean>, { me, deviceName, call }: Opening) {
    const { id, tokens } = await sessions.open(me.id, deviceName ?? null, call);
    if (await isStill()) return tokens;
    await sessions.end(me.id, id, 'revoked');
    return null;
  }

  /** Who set a password or a phone before the address was proved may be somebody else. */
  async function proveAddress({ id, emailVerified }: Me): Promise<void> {
    if (!emailVerified && (await accounts.proveByCode(id))) await sessions.endAll(id, 'address_proved');
  }

  function toAuthResult(user: Me, tokens: TokenPair): AuthResult {
    return { ...tokens, expiresIn: deps.accessLifetimeSeconds, user };
  }

  return handlers;
}

/** A name for who gave none; nothing of the phone number is in it. */
function invented(): string {
  return `User${Math.floor(Math.random() * 1e8)
    .toString()
    .padStart(8, '0')}`;
}
