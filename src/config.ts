import { z } from 'zod';
import type { S3Settings } from './platform/file-storage/s3-settings.ts';
import type { MailSettings } from './platform/mail/mail-settings.ts';
import { hostsOf } from './platform/mongodb-address.ts';
import type { SmsSettings } from './platform/sms/sms-settings.ts';
import { type CodeSettings, codeSettings, looseCodeFaults, toCodes } from './settings/codes.ts';
import { decimal, duration, type Given, httpUrl, wholeNumber } from './settings/fields.ts';
import { type GroupLimits, groupSettings, toGroupLimits } from './settings/groups.ts';
import { type HistorySettings, historySettings, toHistory } from './settings/history.ts';
import { mailFaults, mailSettings, toMail } from './settings/mail.ts';
import { type PresenceSettings, presenceSettings, toPresence } from './settings/presence.ts';
import { secretFaults } from './settings/secrets.ts';
import { smsFaults, smsSettings, toSms } from './settings/sms.ts';
import {
  storageFaults,
  storageSettings,
  toS3,
  toUploadLimits,
  type UploadLimits,
  uploadSettings,
} from './settings/storage.ts';

const personalCodeSeconds = 30 * 86_400;

/** Every setting: name, form and what it is when unset. `.env.example` lists the same names. */
export const settings = z.object({
  NODE_ENV: z
    .enum(['development', 'test', 'production'], 'must be development, test or production')
    .default('development'),
  PORT: wholeNumber(0, 65_535).default(3000),
  HOST: z.string().optional(),
  MONGODB_URI: z
    .string()
    .refine(
      (uri) => hostsOf(uri) !== null,
      'must be what the driver of MongoDB takes: scheme mongodb or mongodb+srv, a host, known options, and % : / ? # [ ] @ within user and password written as %25 and so on',
    )
    .optional(),
  DATA_DIR: z.string().optional(),
  JWT_SECRET: z.string().optional(),
  JWT_EXPIRES_IN: duration.default(86_400),
  REFRESH_EXPIRES_IN: duration.default(30 * 86_400),
  BCRYPT_COST: wholeNumber(4, 20).default(12),
  RATE_LIMITS: z.enum(['on', 'off'], 'must be on or off').default('on'),
  TRUST_PROXY: wholeNumber(0, 10).default(0),
  CORS_ORIGINS: z
    .string()
    .transform((text) => text.split(',').map((origin) => origin.trim()))
    .refine(
      (origins) => origins.join() === '*' || origins.every((origin) => /^https?:\/\/[^/]+$/.test(origin)),
      'must be * or origins such as https://app.example.com, separated by commas',
    )
    .default(['*']),
  LOG_LEVEL: z
    .enum(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
      'must be fatal, error, warn, info, debug, trace or silent',
    )
    .default('info'),
  PUBLIC_URL: httpUrl.optional(),
  RENDER_EXTERNAL_URL: httpUrl.optional(),
  QR_EXPIRES_IN: duration.optional(),
  EDIT_WINDOW_MINUTES: decimal(0, 525_600).default(15),
  ...presenceSettings,
  ...historySettings,
  ...codeSettings,
  ...smsSettings,
  ...mailSettings,
  ...storageSettings,
  ...uploadSettings,
  ...groupSettings,
});

type Settings = z.output<typeof settings>;

export interface Config {
  isProduction: boolean;
  port: number;
  host: string | undefined;
  /** `null`: the embedded database, in `dataDir`. */
  mongodbUri: string | null;
  dataDir: string;
  /** `null`: made for this machine and kept in `dataDir`. */
  jwtSecret: string | null;
  accessLifetimeSeconds: number;
  refreshLifetimeSeconds: number;
  bcryptCost: number;
  hasRateLimits: boolean;
  /** How many proxies in front of the server are ours. */
  trustedProxyHops: number;
  corsOrigins: '*' | string[];
  logLevel: Settings['LOG_LEVEL'];
  /** Where clients reach the server; what codes and avatars lead to. */
  publicUrl: string;
  /** Life of a person's QR code. */
  qrLifetimeSeconds: number;
  /** How long its sender may edit a message. */
  editWindowMs: number;
  presence: PresenceSettings;
  history: HistorySettings;
  codes: CodeSettings;
  /** `null`: nobody carries codes to phones. */
  sms: SmsSettings | null;
  /** `null`: no mails go out. */
  mail: MailSettings | null;
  phones: { defaultCountry: Settings['PHONE_DEFAULT_COUNTRY']; countries: Settings['SMS_COUNTRIES'] };
  /** `null`: files are kept in the database. */
  s3: S3Settings | null;
  uploads: UploadLimits;
  groups: GroupLimits;
}

/** Everything that is wrong with the settings, by variable; never with their values. */
export class ConfigError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`The settings are not usable:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

/** Reads the settings from environment variables. Throws `ConfigError` with all faults at once. */
export function readConfig(environment: Readonly<Record<string, string | undefined>> = process.env): Config {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = settings.safeParse(set);
  const faults = parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${String(path[0])} ${message}`);
  faults.push(...smsFaults(set), ...mailFaults(set), ...storageFaults(set));
  if (set.NODE_ENV === 'production') faults.push(...productionFaults(set));
  if (!parsed.success || faults.length > 0) throw new ConfigError(faults);
  return toConfig(parsed.data);
}

function toConfig(set: Settings): Config {
  const isProduction = set.NODE_ENV === 'production';
  return {
    isProduction,
    port: set.PORT,
    host: set.HOST,
    mongodbUri: set.MONGODB_URI ?? null,
    dataDir: set.DATA_DIR ?? './data',
    jwtSecret: set.JWT_SECRET ?? null,
    accessLifetimeSeconds: set.JWT_EXPIRES_IN,
    refreshLifetimeSeconds: set.REFRESH_EXPIRES_IN,
    bcryptCost: set.BCRYPT_COST,
    hasRateLimits: set.RATE_LIMITS === 'on',
    trustedProxyHops: set.TRUST_PROXY,
    corsOrigins: set.CORS_ORIGINS.join() === '*' ? '*' : set.CORS_ORIGINS,
    logLevel: set.LOG_LEVEL,
    publicUrl: set.PUBLIC_URL ?? set.RENDER_EXTERNAL_URL ?? `http://localhost:${set.PORT}`,
    qrLifetimeSeconds: set.QR_EXPIRES_IN ?? personalCodeSeconds,
    editWindowMs: set.EDIT_WINDOW_MINUTES * 60_000,
    presence: toPresence(set),
    history: toHistory(set),
    codes: toCodes(set),
    sms: toSms(set, isProduction),
    mail: toMail(set, isProduction),
    phones: { defaultCountry: set.PHONE_DEFAULT_COUNTRY, countries: set.SMS_COUNTRIES },
    s3: toS3(set),
    uploads: toUploadLimits(set),
    groups: toGroupLimits(set),
  };
}

/** What production refuses although it is well-formed: it would start and be unsafe, or lose everything. */
function productionFaults(set: Given): string[] {
  const faults = secretFaults(set);
  if (set.RATE_LIMITS === 'off') faults.push('RATE_LIMITS must be on in production');
  for (const name of ['SMS_DRIVER', 'EMAIL_DRIVER'])
    if (set[name] === 'log') faults.push(`${name} must not be log in production, where logs are not secret`);
  faults.push(...looseCodeFaults(set));
  if (set.MONGODB_URI === undefined && set.DATA_DIR === undefined) {
    faults.push('MONGODB_URI must be set in production (or DATA_DIR, on a disk that outlives a restart)');
  }
  return faults;
}
