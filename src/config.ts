import { z } from 'zod';

const exampleSecrets = ['your_jwt_secret_key', 'a_very_strong_secret_key_at_least_32_chars_long'];

const units = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** A time span such as `30d`, `24h`, `15m`, `90s`; a bare number is seconds. Given in seconds. */
const duration = z
  .string()
  .regex(/^\d{1,9}[smhd]?$/, 'must be a time span such as 24h, 15m or 3600')
  .transform((text) => {
    const unit = text.at(-1) as keyof typeof units;
    return Number.parseInt(text, 10) * (units[unit] ?? 1);
  })
  .refine(
    (seconds) => seconds > 0 && seconds <= 3650 * units.d,
    'must be longer than nothing and 3650d at most',
  );

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);

/** Every setting: name, form and what it is when unset. `.env.example` lists the same names. */
export const settings = z.object({
  NODE_ENV: z.string().default('development'),
  PORT: wholeNumber(0, 65_535).default(3000),
  HOST: z.string().optional(),
  MONGODB_URI: z
    .string()
    .regex(/^mongodb(\+srv)?:\/\//, 'must begin with mongodb:// or mongodb+srv://')
    .optional(),
  DATA_DIR: z.string().optional(),
  JWT_SECRET: z.string().optional(),
  JWT_EXPIRES_IN: duration.default(86_400),
  REFRESH_EXPIRES_IN: duration.default(30 * 86_400),
  BCRYPT_COST: wholeNumber(4, 20).default(12),
  RATE_LIMITS: z.enum(['on', 'off'], 'must be on or off').default('on'),
  TRUST_PROXY: wholeNumber(0, 10).default(0),
  CORS_ORIGINS: z.string().default('*'),
  LOG_LEVEL: z
    .enum(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
      'must be fatal, error, warn, info, debug, trace or silent',
    )
    .default('info'),
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
    : parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  if (set.NODE_ENV === 'production') faults.push(...productionFaults(set));
  if (!parsed.success || faults.length > 0) throw new ConfigError(faults);
  return toConfig(parsed.data);
}

function toConfig(set: Settings): Config {
  return {
    isProduction: set.NODE_ENV === 'production',
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
    corsOrigins: set.CORS_ORIGINS === '*' ? '*' : set.CORS_ORIGINS.split(',').map((origin) => origin.trim()),
    logLevel: set.LOG_LEVEL,
  };
}

/** What production refuses although it is well-formed: it would start and be unsafe, or lose everything. */
function productionFaults(set: Readonly<Record<string, unknown>>): string[] {
  const faults: string[] = [];
  const secret = set.JWT_SECRET;
  if (typeof secret !== 'string') faults.push('JWT_SECRET must be set in production');
  else faults.push(...secretFaults(secret));
  if (set.RATE_LIMITS === 'off') faults.push('RATE_LIMITS must be on in production');
  if (set.MONGODB_URI === undefined && set.DATA_DIR === undefined) {
    faults.push('MONGODB_URI must be set in production (or DATA_DIR, on a disk that outlives a restart)');
  }
  return faults;
}

function secretFaults(secret: string): string[] {
  const faults: string[] = [];
  if (Buffer.byteLength(secret) < 32) faults.push('JWT_SECRET must have 32 bytes at least');
  if (new Set(secret).size < 10) faults.push('JWT_SECRET must have 10 different characters at least');
  if (exampleSecrets.includes(secret)) faults.push('JWT_SECRET must not be taken from an example');
  return faults;
}
