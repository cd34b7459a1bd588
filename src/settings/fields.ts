import { z } from 'zod';

const units = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** A time span such as `30d`, `24h`, `15m`, `90s`; a bare number is seconds. Given in seconds. */
export const duration = z
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

export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,12}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);

/** A number that may have a fraction, such as 0.5. */
export const decimal = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}(\.\d{1,12})?$/, `must be a number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a number from ${min} to ${max}`);

export const httpUrl = z
  .string()
  .regex(/^https?:\/\/[^\s/]/, 'must begin with http:// or https://')
  .transform((url) => url.replace(/\/+$/, ''));

/** The settings as they were given, before they were parsed. */
export type Given = Readonly<Record<string, unknown>>;

/** Tells of each of these variables that is not set. */
export function missing(set: Given, names: readonly string[], because: string): string[] {
  return names.filter((name) => set[name] === undefined).map((name) => `${name} must be set ${because}`);
}
