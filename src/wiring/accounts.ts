import type { Connection } from 'mongoose';
import { contracts } from '../contracts.ts';
import { createContactReader } from '../core/contact.ts';
import { bind } from '../core/operation.ts';
import type { PersonalData } from '../core/personal-data.ts';
import { createAccountService } from '../features/account/account.service.ts';
import { createErasure } from '../features/account/erasure.ts';
import { createExport } from '../features/account/export.ts';
import { createProof } from '../features/account/proof.ts';
import { createAuthService } from '../features/auth/auth.service.ts';
import { createCodeRequests } from '../features/auth/code-requests.ts';
import { createLoginLimits } from '../features/auth/login-limits.ts';
import { createAvatars } from '../features/avatars/avatars.service.ts';
import { createCodeLimits } from '../features/codes/code-limits.ts';
import { noticeMail } from '../features/codes/code-mails.ts';
import { createCodes } from '../features/codes/codes.service.ts';
import { createCodeStore } from '../features/codes/codes.store.ts';
import type { RevocationReason } from '../features/sessions/sessions.contract.ts';
import { createSessions } from '../features/sessions/sessions.service.ts';
import type { SessionStore } from '../features/sessions/sessions.store.ts';
import { createDigest } from '../platform/digest.ts';
import { createFileStorage } from '../platform/file-storage/file-storage.ts';
import { createFloodLimiter, noFloodLimiter } from '../platform/flood-limiter.ts';
import type { createImages } from '../platform/images.ts';
import { createMailDriver } from '../platform/mail/mail.ts';
import { createPasswords } from '../platform/passwords.ts';
import { noQuota } from '../platform/quotas.store.ts';
import { createSmsDriver } from '../platform/sms/sms.ts';
import { createTokens } from '../platform/tokens.ts';
import { zipOf } from '../platform/zip.ts';
import { subnetOf } from '../transports/client.ts';
import { type CommonDeps, dayS } from './common.ts';
import type { People } from './people.ts';

type Images = ReturnType<typeof createImages>;

interface AccountsInput extends CommonDeps {
  connection: Connection;
  jwtSecret: string;
  people: People;
  sessionStore: SessionStore;
  closeSockets(userId: string, sessionIds: readonly string[], reason: RevocationReason): void;
  /** What the other features hold of a person. */
  holders: readonly PersonalData[];
}

/** What everything that shows a token draws on, before its session is looked up. */
const admissionBuckets = { admissions: { points: 600, durationSeconds: 10 } };
const quarterHourS = 900;
const picturesAtOnce = 2;

/** How people come in, stay in, and go. */
export function buildAccounts(input: AccountsInput) {
  const { config, log, jwtSecret, people, quotaOf, phones } = input;
  const mail = config.mail && createMailDriver(config.mail, log);
  const passwords = createPasswords({ cost: config.bcryptCost });
  const readContact = createContactReader(phones.parse);
  const sessions = buildSessions(input);
  const codes = buildCodes(input, mail);
  const avatars = buildAvatars(input);
  const perDay = (name: string, points: number) => quotaOf({ name, points, durationSeconds: dayS });
  const failuresOf = (name: string, points: number) =>
    quotaOf({ name, points, durationSeconds: quarterHourS });
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
  const auth = createAuthService({
    accounts: people.accounts,
    sessions,
    codes,
    codeRequests: createCodeRequests({ codes, ...people.accounts }),
    passwords,
    loginLimits: createLoginLimits({
      perAccount: failuresOf('login_account', 10),
      perAddress: config.hasRateLimits ? failuresOf('login_address', 100) : noQuota,
      digest: createDigest(jwtSecret, 'login names'),
      subnetOf,
    }),
    readContact,
    accessLifetimeSeconds: config.accessLifetimeSeconds,
  });
  const account = createAccountService({
    accounts: people.accounts,
    requireProof: createProof({
      findCredentials: people.accounts.findCredentials,
      passwords,
      codes,
      failures: failuresOf('proof', 10),
    }),
    codes,
    passwords,
    sessions,
    readContact,
    exportPersonalData: createExport({ holders, zipOf, quota: perDay('export', 10) }),
    erasure,
    tellProfile: people.users.tellProfile,
    notify(email, notice, { locale }) {
      const sent = mail?.send({ to: email, ...noticeMail({ notice, locale, at: new Date() }) });
      sent?.catch((error) => log.warn({ err: error }, 'a notice was not sent'));
    },
  });

  return {
    authenticate: sessions.authenticate,
    erasure,
    operations: [
      ...bind('auth', contracts.auth, auth),
      ...bind('sessions', contracts.sessions, sessions.handlers),
      ...bind('account', contracts.account, account),
      ...bind('avatars', contracts.avatars, avatars.handlers),
    ],
  };
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

function buildCodes(input: AccountsInput, mail: ReturnType<typeof createMailDriver> | null) {
  const { config, log, connection, jwtSecret, quotaOf } = input;
  const { ttlSeconds, resendSeconds, dailyPerTarget, dailyPerAddress, dailyTotal } = config.codes;
  const perDay = (name: string, points: number) => quotaOf({ name, points, durationSeconds: dayS });
  return createCodes({
    store: createCodeStore(connection),
    takeForSending: createCodeLimits({
      quotas: {
        resend: quotaOf({ name: 'code_resend', points: 1, durationSeconds: resendSeconds }),
        perTarget: perDay('code_target', dailyPerTarget),
        perAddress: config.hasRateLimits ? perDay('code_address', dailyPerAddress) : noQuota,
        total: perDay('code_total', dailyTotal),
      },
      onBudgetSpent: () => log.error('the budget of codes (CODE_DAILY_TOTAL) is spent; no more are sent'),
    }),
    digest: createDigest(jwtSecret, 'codes'),
    sms: config.sms && createSmsDriver(config.sms, log),
    mail,
    subnetOf,
    onFailure: (error) => log.error({ err: error }, 'a code was not delivered'),
    ttlSeconds,
    resendSeconds,
  });
}

function buildAvatars({ config, log, connection, quotaOf, people }: AccountsInput) {
  let images: Promise<Images> | null = null;
  // the codecs are loaded with the first picture, as the start has no use for them
  const loadImages = () => {
    images ??= import('../platform/images.ts').then(({ createImages }) =>
      createImages({ mostAtOnce: picturesAtOnce }),
    );
    return images;
  };
  return createAvatars({
    storage: createFileStorage({ s3: config.s3, connection }),
    images: { encodeAvatar: async (bytes) => (await loadImages()).encodeAvatar(bytes) },
    people: {
      setAvatar: people.users.setAvatar,
      avatarKeyOf: people.users.avatarKeyOf,
    },
    quota: quotaOf({ name: 'avatar', points: 50, durationSeconds: dayS }),
    tellProfile: people.users.tellProfile,
    onFailure: (error) => log.error({ err: error }, 'files of an avatar were not removed'),
  });
}
