import wellKnown from 'nodemailer/lib/well-known';
import { z } from 'zod';
import type { MailSettings } from '../platform/mail/mail-settings.ts';
import { type Given, httpUrl, missing } from './fields.ts';

/** Mails: which way they go out. */
export const mailSettings = {
  EMAIL_DRIVER: z.enum(['smtp', 'resend', 'brevo', 'log'], 'must be smtp, resend, brevo or log').optional(),
  EMAIL_URL: z
    .string()
    .regex(/^smtps?:\/\//, 'must begin with smtp:// or smtps://')
    .optional(),
  EMAIL_SERVICE: z
    .string()
    .refine(
      (name) => Boolean(wellKnown(name)),
      'must be a service that nodemailer knows, such as gmail, QQ or 163',
    )
    .optional(),
  EMAIL_USER: z.string().optional(),
  EMAIL_PASS: z.string().optional(),
  EMAIL_FROM: z.string().optional(),
  RESEND_API_KEY: z.string().optional(),
  BREVO_API_KEY: z.string().optional(),
  EMAIL_BASE_URL: httpUrl.optional(),
};
const shape = z.object(mailSettings);
type MailVariables = z.output<typeof shape>;
type Driver = NonNullable<MailVariables['EMAIL_DRIVER']>;

/** The driver that is named, or the one whose settings are there. */
function driverOf(set: Given): Driver | null {
  if (set.EMAIL_DRIVER !== undefined) return set.EMAIL_DRIVER as Driver;
  if (set.EMAIL_URL !== undefined || set.EMAIL_SERVICE !== undefined) return 'smtp';
  if (set.RESEND_API_KEY !== undefined) return 'resend';
  return set.BREVO_API_KEY === undefined ? null : 'brevo';
}

export function mailFaults(set: Given): string[] {
  const driver = driverOf(set);
  const because = `for mail by ${driver}`;
  if (driver === 'resend') return missing(set, ['RESEND_API_KEY', 'EMAIL_FROM'], because);
  if (driver === 'brevo') return missing(set, ['BREVO_API_KEY', 'EMAIL_FROM'], because);
  const isHalf = driver === null && (set.EMAIL_USER !== undefined || set.EMAIL_PASS !== undefined);
  if (isHalf) return ['EMAIL_SERVICE must be set (or EMAIL_URL) where EMAIL_USER or EMAIL_PASS is'];
  if (driver !== 'smtp') return [];
  if (set.EMAIL_URL !== undefined) return missing(set, ['EMAIL_FROM'], because);
  return missing(set, ['EMAIL_SERVICE', 'EMAIL_USER', 'EMAIL_PASS'], because);
}

/** `null`: no mails go out. Unset means the log while developing. */
export function toMail(set: MailVariables, isProduction: boolean): MailSettings | null {
  const from = set.EMAIL_FROM ?? set.EMAIL_USER ?? '';
  const baseUrl = set.EMAIL_BASE_URL ?? null;
  switch (driverOf(set)) {
    case null:
      return isProduction ? null : { driver: 'log' };
    case 'log':
      return { driver: 'log' };
    case 'smtp':
      return { driver: 'smtp', from, server: smtpServer(set) };
    case 'resend':
      return { driver: 'resend', apiKey: set.RESEND_API_KEY ?? '', from, baseUrl };
    case 'brevo':
      return { driver: 'brevo', apiKey: set.BREVO_API_KEY ?? '', from, baseUrl };
  }
}

function smtpServer({ EMAIL_URL, EMAIL_SERVICE, EMAIL_USER, EMAIL_PASS }: MailVariables) {
  if (EMAIL_URL !== undefined) return { url: EMAIL_URL };
  return { service: EMAIL_SERVICE ?? '', user: EMAIL_USER ?? '', pass: EMAIL_PASS ?? '' };
}
