import { z } from 'zod';
import { email, phone } from '../../core/contact.ts';
import { media } from '../../core/media.ts';
import { operation } from '../../core/operation.ts';
import { told } from '../../core/validation-messages.ts';
import { givenPassword, newPassword } from '../auth/auth.contract.ts';
import { code } from '../codes/codes.contract.ts';
import { me } from '../users/users.contract.ts';

/** That it is really me who acts: my password, or a code of this purpose that was sent to a contact of mine. */
export const proof = z
  .strictObject({ currentPassword: givenPassword.optional(), currentCode: code.optional() })
  .refine(
    ({ currentPassword, currentCode }) => (currentPassword === undefined) !== (currentCode === undefined),
    told({
      en: 'Give either currentPassword or currentCode',
      zh: 'currentPassword 与 currentCode 须且只能填写一个',
    }),
  );

const counts = z.record(z.string(), z.int().min(0));

const deletion = z.union([
  z.object({ deleted: counts, anonymised: counts, kept: counts }),
  z.object({ status: z.literal('pending') }),
]);
export type Deletion = z.output<typeof deletion>;

export const accountContract = {
  verifyEmail: operation({
    summary: 'Prove my e-mail with a code',
    access: 'user',
    input: z.object({ code }),
    output: me,
    errors: ['unauthenticated', 'code_invalid'],
    routes: [{ method: 'POST', path: '/api/auth/verify-email' }],
    event: 'email_verify',
    flood: 'auth',
  }),
  changePassword: operation({
    summary: 'Set another password; ends my other sessions',
    access: 'user',
    input: z.object({ newPassword, proof }),
    output: null,
    errors: ['unauthenticated', 'proof_invalid'],
    routes: [{ method: 'PUT', path: '/api/auth/password' }],
    event: 'password_change',
    flood: 'auth',
  }),
  changeEmail: operation({
    summary: 'Have another e-mail, which a code has proved',
    access: 'user',
    input: z.object({ email, code, proof }),
    output: me,
    errors: ['unauthenticated', 'proof_invalid', 'code_invalid', 'email_taken'],
    routes: [{ method: 'PUT', path: '/api/auth/email' }],
    event: 'email_change',
    flood: 'auth',
  }),
  changePhone: operation({
    summary: 'Have another phone number, which a code has proved',
    access: 'user',
    input: z.object({ phone, code, proof }),
    output: me,
    errors: ['unauthenticated', 'proof_invalid', 'code_invalid', 'phone_taken'],
    routes: [{ method: 'PUT', path: '/api/auth/phone' }],
    event: 'phone_change',
    flood: 'auth',
  }),
  exportData: operation({
    summary: 'Everything that is mine, as a zip',
    access: 'user',
    input: z.object({}),
    output: media,
    errors: ['unauthenticated'],
    routes: [{ method: 'GET', path: '/api/users/me/export' }],
    secret: true,
    flood: 'auth',
  }),
  deleteAccount: operation({
    summary: 'Delete my account; what others received stays with an anonymous author',
    access: 'user',
    input: z.object({ proof }),
    output: deletion,
    pends: true,
    errors: ['unauthenticated', 'proof_invalid'],
    routes: [{ method: 'DELETE', path: '/api/users/me' }],
    flood: 'auth',
  }),
};
