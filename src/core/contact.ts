import { z } from 'zod';
import { AppError, invalidField } from './errors.ts';
import { told } from './validation-messages.ts';

/** An e-mail address as it is kept: its case and surrounding blanks mean nothing. */
export const email = z.string().trim().toLowerCase().max(254).pipe(z.email());

/** Where a person can be reached, in its one form: an e-mail in lower case, or a phone number in E.164. */
export interface Contact {
  kind: 'email' | 'phone';
  value: string;
}

/** A phone number as people write it; which country it is from by itself, the settings say. */
export const phone = z.string().trim().min(3).max(32);

/** Input fields of an operation that takes one contact; refine with `hasOneContact`. */
export const contactInput = { email: email.optional(), phone: phone.optional() };

export const hasOneContact = [
  (input: ContactInput) => (input.email === undefined) !== (input.phone === undefined),
  told({ en: 'Give either email or phone', zh: 'email 与 phone 须且只能填写一个' }),
] as const;

interface ContactInput {
  email?: string | undefined;
  phone?: string | undefined;
}

/** Reads the contact of an input. `parsePhone` answers `null` for what is no number, or of a country not served. */
export function createContactReader(parsePhone: (text: string) => string | null) {
  return (input: ContactInput): Contact => {
    if (input.email !== undefined) return { kind: 'email', value: input.email };
    if (input.phone === undefined) throw new AppError('validation_failed');
    const value = parsePhone(input.phone);
    if (value === null) {
      throw invalidField('phone', {
        en: 'Not a phone number that is served here',
        zh: '手机号无效或不受支持',
      });
    }
    return { kind: 'phone', value };
  };
}

/** What somebody who searches may have meant by a text; `null` if it is neither e-mail nor phone. */
export function contactOfText(text: string, parsePhone: (text: string) => string | null): Contact | null {
  const asEmail = email.safeParse(text);
  if (asEmail.success) return { kind: 'email', value: asEmail.data };
  const value = parsePhone(text);
  return value === null ? null : { kind: 'phone', value };
}

export type ReadContact = ReturnType<typeof createContactReader>;
