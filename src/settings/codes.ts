import { z } from 'zod';
import { wholeNumber } from './fields.ts';

/** How long codes are good, and how many are sent (promise 12). */
export const codeSettings = {
  CODE_TTL_SECONDS: wholeNumber(1, 86_400).default(300),
  CODE_RESEND_SECONDS: wholeNumber(1, 86_400).default(60),
  CODE_DAILY_PER_TARGET: wholeNumber(1, 1_000_000).default(10),
  CODE_DAILY_PER_ADDRESS: wholeNumber(1, 1_000_000).default(30),
  CODE_DAILY_TOTAL: wholeNumber(1, 100_000_000).default(1000),
};
const shape = z.object(codeSettings);
type CodeVariables = z.output<typeof shape>;

export interface CodeSettings {
  ttlSeconds: number;
  resendSeconds: number;
  dailyPerTarget: number;
  dailyPerAddress: number;
  dailyTotal: number;
}

const atMost = {
  CODE_TTL_SECONDS: 300,
  CODE_DAILY_PER_TARGET: 10,
  CODE_DAILY_PER_ADDRESS: 30,
  CODE_DAILY_TOTAL: 1000,
} as const;
const resendAtLeast = 60;

/** Production may tighten what protects codes, not loosen it. */
export function looseCodeFaults(set: Readonly<Record<string, unknown>>): string[] {
  const faults = Object.entries(atMost)
    .filter(([name, most]) => Number(set[name] ?? 0) > most)
    .map(([name, most]) => `${name} must be ${most} at most in production`);
  if (Number(set.CODE_RESEND_SECONDS ?? resendAtLeast) < resendAtLeast)
    faults.push(`CODE_RESEND_SECONDS must be ${resendAtLeast} at least in production`);
  return faults;
}

export function toCodes(set: CodeVariables): CodeSettings {
  return {
    ttlSeconds: set.CODE_TTL_SECONDS,
    resendSeconds: set.CODE_RESEND_SECONDS,
    dailyPerTarget: set.CODE_DAILY_PER_TARGET,
    dailyPerAddress: set.CODE_DAILY_PER_ADDRESS,
    dailyTotal: set.CODE_DAILY_TOTAL,
  };
}
