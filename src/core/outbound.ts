import type { Locale } from './errors.ts';

/** A verification code on its way to a phone. Providers fill it into a template of their own. */
export interface SmsCode {
  /** E.164, such as +8613812345678. */
  phone: string;
  code: string;
  /** What the code is good for, such as `login`. */
  purpose: string;
  locale: Locale;
  ttlSeconds: number;
}

export interface SmsDriver {
  /** Resolves when the provider has taken the message; rejects in every other case. */
  send(message: SmsCode): Promise<void>;
}

export interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string;
}

export interface MailDriver {
  /** Resolves when the mail was handed over; rejects in every other case. */
  send(mail: Mail): Promise<void>;
}
