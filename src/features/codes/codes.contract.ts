import { z } from 'zod';
import type { Contact } from '../../core/contact.ts';
import { told } from '../../core/validation-messages.ts';

/** What codes can be sent for. */
export const codePurposes = [
  'login',
  'reset_password',
  'verify_email',
  'change_email',
  'change_phone',
  'change_password',
  'delete_account',
] as const;
export type CodePurpose = (typeof codePurposes)[number];

/** A code as it is typed in. */
export const code = z
  .string()
  .refine((text) => /^\d{6}$/.test(text), told({ en: 'Six digits', zh: '须为六位数字' }));

/** What a code is good for: one purpose, one target, and who asked for it where somebody was logged in. */
export interface CodeScope {
  target: Contact;
  purpose: CodePurpose;
  userId: string | null;
}

export const codeSent = z.object({ expiresIn: z.int(), resendIn: z.int() }).meta({
  id: 'CodeSent',
  description: 'Seconds until the code has run out, and until another can be asked for',
});
export type CodeSent = z.output<typeof codeSent>;
