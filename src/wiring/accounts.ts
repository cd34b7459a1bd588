import type { Connection } from 'mongoose';
import { contracts } from '../contracts.ts';
import { createContactReader, type ReadContact } from '../core/contact.ts';
import { bind } from '../core/operation.ts';
import type { PersonalData } from '../core/personal-data.ts';
import { createAccountService } from '../features/account/account.service.ts';
import { createErasure, type Erasure } from '../features/account/erasure.ts';
import { createExport } from '../features/account/export.ts';
import { createProof } from '../features/account/proof.ts';
import { createAuthService } from '../features/auth/auth.service.ts';
import { createCodeRequests } from '../features/auth/code-requests.ts';
import { createLoginLimits } from '../features/auth/login-limits.ts';
import { createAvatars } from '../features/avatars/avatars.service.ts';
import type { Pictures } from '../features/avatars/pictures.ts';
import { noticeMail } from '../features/codes/code-mails.ts';
import type { RevocationReason } from '../features/sessions/sessions.contract.ts';
import { createSessions } from '../features/sessions/sessions.service.ts';
import type { SessionStore } from '../features/sessions/sessions.store.ts';
import { createDigest } from '../platform/digest.ts';
import { createFloodLimiter, noFloodLimiter } from '../platform/flood-limiter.ts';
import { createMailDriver } from '../platform/mail/mail.ts';
import { createPasswords } from '../platform/passwords.ts';
import { noQuota } from '../platform/quotas.store.ts';
import { createTokens } from '../platform/tokens.ts';
import { zipOf } from '../platform/zip.ts';
import { subnetOf } from '../transports/client.ts';
import { buildCodes } from './codes.ts';
import { type CommonDeps, dayS } from './common.ts';
import type { People } from './people.ts';

interface AccountsInput extends CommonDeps {
  connection: Connection;
  jwtSecret: string;
  people: People;
  sessionStore: SessionStore;
  pictures: Pictures;
  closeSockets(userId: string, sessionIds: readonly string[], reason: RevocationReason): void;
  /** What the other features hold of a person. */
  holders: readonly PersonalData[];
}

/** What everything that shows a token draws on, before its session is looked up. */
const admissionBuckets = { admissions: { points: 600, durationSeconds: 10 } };
const quarterHourS = 900;

/** How people come in, stay in, and go. */
export function buildAccounts(input: AccountsInput) {
  const { config, log, people } = input;
  const mail = config.mail && createMailDriver(config.mail, log);
  const sessions = buildSessions(input);
  const avatars = buildAvatars(input);
  const tools: Tools = {
    mail,
    sessions,
    codes: buildCodes({ ...input, mail }),
    passwords: createPasswords({ cost: config.bcryptCost }),
    readContact: createContactReader(input.phones.parse),
  };
  const holders = [sessions.personalData, ...people.holders, avatars.personalData, ...input.holders];
  const erasure = createErasure({
    holders,
    people: {
      anonymise: (userId) => people.store.anonymise(userId, 'Deleted account'),
      finishErasure: people.store.finishErasure,
      listErasing: people.store.listErasing,
    },
    onFailure: (error) => log.error({ err: error }, 'an erasure was broken off; it will be taken up again'),
  });

  return {
    authenticate: sessions.authenticate,
    authenticateFileAccess: sessions.authenticateFileAccess,
    issueFileAccess: sessions.issueFileAccess,
    erasure,
    operations: [
      ...bind('auth', contracts.auth, buildAuth(input, tools)),
      ...bind('sessions', contracts.sessions, sessions.handlers),
      ...bind('account', contracts.account, buildOwnAccount(input, tools, { holders, erasure })),
      ...bind('avatars', contracts.avatars, avatars.handlers),
    ],
  };
}

/** What coming in and caring for one's account both need. */
interface Tools {
  mail: ReturnType<typeof createMailDriver> | null;
  sessions: ReturnType<typeof buildSessions>;
  codes: ReturnType<typeof buildCodes>;
  passwords: ReturnType<typeof createPasswords>;
  readContact: ReadContact;
}

function buildAuth({ config, jwtSecret, people, quotaOf }: AccountsInput, tools: Tools) {
  const failuresOf = (name: string, points: number) =>
    quotaOf({ name, points, durationSeconds: quarterHourS });
  return createAuthService({
    accounts: people.accounts,
    sessions: tools.sessions,
    codes: tools.codes,
    codeRequests: createCodeRequests({ codes: tools.codes, ...people.accounts }),
    passwords: tools.passwords,
    loginLimits: createLoginLimits({
      perAccount: failuresOf('login_account', 10),
      perAddress: config.hasRateLimits ? failuresOf('login_address', 100) : noQuota,
      digest: createDigest(jwtSecret, 'login names'),
      subnetOf,
    }),
    readContact: tools.readContact,
    accessLifetimeSeconds: config.accessLifetimeSeconds,
  });
}

function buildOwnAccount(
  { log, people, quotaOf }: AccountsInput,
  { mail, sessions, codes, passwords, readContact }: Tools,
  { holders, erasure }: { holders: readonly PersonalData[]; erasure: Erasure },
) {
  return createAccountService({
    accounts: people.accounts,
    requireProof: createProof({
      findCredentials: people.accounts.findCredentials,
      passwords,
      codes,
      failures: quotaOf({ name: 'proof', points: 10, durationSeconds: quarterHourS }),
    }),
    codes,
    passwords,
    sessions,
    readContact,
    exportPersonalData: createExport({
      holders,
      zipOf,
      quota: quotaOf({ name: 'export', points: 10, durationSeconds: dayS }),
    }),
    erasure,
    tellProfile: people.users.tellProfile,
    notify(email, notice, { locale }) {
      const sent = mail?.send({ to: email, ...noticeMail({ notice, locale, at: new Date() }) });
      sent?.catch((error) => log.warn({ err: error }, 'a notice was not sent'));
    },
  });
}

function buildSessions({ config, jwtSecret, sessionStore, closeSockets }: AccountsInput) {
  const { accessLifetimeSeconds, refreshLifetimeSeconds, hasRateLimits } = config;
  const admissions = hasRateLimits ? createFloodLimiter(admissionBuckets) : noFloodLimiter;
  return createSessions({
    store: sessionStore,
    tokens: createTokens({ secret: jwtSecret, accessLifetimeSeconds }),
    closeSockets,
    limitAdmissions: (userId) => admissions.take('admissions', userId),
    refreshLifetimeMs: refreshLifetimeSeconds * 1000,
  });
}

function buildAvatars({ pictures, quotaOf, people }: AccountsInput) {
  return createAvatars({
    pictures,
    people: {
      setAvatar: people.users.setAvatar,
      avatarKeyOf: people.users.avatarKeyOf,
    },
    quota: quotaOf({ name: 'avatar', points: 50, durationSeconds: dayS }),
    tellProfile: people.users.tellProfile,
  });
}
