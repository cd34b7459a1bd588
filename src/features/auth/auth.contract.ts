import { z } from 'zod';
import { contactInput, email, hasOneContact } from '../../core/contact.ts';
import { operation } from '../../core/operation.ts';
import { shortText } from '../../core/text.ts';
import { told } from '../../core/validation-messages.ts';
import { code, codePurposes, codeSent } from '../codes/codes.contract.ts';
import { me, nickname } from '../users/users.contract.ts';

const deviceName = shortText({ max: 64 }).optional();

/** A password that is to be set. bcrypt reads 72 bytes and no more, so a longer one is refused rather than cut. */
export const newPassword = z
  .string()
  .max(200)
  .refine((text) => [...text].length >= 8, told({ en: 'At least 8 characters', zh: '至少 8 个字符' }))
  .refine((text) => Buffer.byteLength(text) <= 72, told({ en: 'At most 72 bytes', zh: '最多 72 字节' }));

/** A password that is to be compared, whatever it is. */
export const givenPassword = z.string().max(200);

const authResult = z
  .object({
    token: z.string(),
    refreshToken: z.string(),
    expiresIn: z.int().meta({ description: 'Seconds until `token` has to be renewed' }),
    user: me,
    created: z.boolean().optional(),
  })
  .meta({ id: 'AuthResult' });
export type AuthResult = z.output<typeof authResult>;

export const authContract = {
  register: operation({
    summary: 'Register with e-mail and password',
    access: 'public',
    input: z.object({ email, password: newPassword, nickname, deviceName }),
    output: authResult,
    status: 201,
    errors: ['email_taken'],
    routes: [{ method: 'POST', path: '/api/auth/register' }],
    secret: true,
    flood: 'auth',
  }),
  logIn: operation({
    summary: 'Log in with e-mail or phone, and password',
    access: 'public',
    input: z.object({ ...contactInput, password: givenPassword, deviceName }).refine(...hasOneContact),
    output: authResult,
    errors: ['invalid_credentials'],
    routes: [{ method: 'POST', path: '/api/auth/login' }],
    secret: true,
    flood: 'auth',
  }),
  sendCode: operation({
    summary:
      'Send a verification code by SMS or mail; all purposes but login and reset_password need a token',
    access: 'optional',
    input: z
      .object({ ...contactInput, purpose: z.enum(codePurposes).default('login') })
      .refine(...hasOneContact),
    output: codeSent,
    status: 202,
    errors: ['unauthenticated', 'not_allowed', 'delivery_unavailable'],
    routes: [{ method: 'POST', path: '/api/auth/send-verification-code' }],
    flood: 'auth',
  }),
  verifyCode: operation({
    summary: 'Log in with a code, or register on first use',
    access: 'public',
    input: z
      .object({ ...contactInput, code, nickname: nickname.optional(), deviceName })
      .refine(...hasOneContact),
    output: authResult,
    errors: ['code_invalid'],
    routes: [{ method: 'POST', path: '/api/auth/verify-code' }],
    secret: true,
    flood: 'auth',
  }),
  refresh: operation({
    summary: 'Renew the access token; the refresh token is replaced by its successor',
    access: 'public',
    input: z.object({ refreshToken: z.string().max(200) }),
    output: authResult,
    errors: ['unauthenticated'],
    routes: [{ method: 'POST', path: '/api/auth/refresh-token' }],
    secret: true,
    flood: 'renew',
  }),
  forgotPassword: operation({
    summary: 'Send a code to reset a forgotten password; the answer is the same for everybody',
    access: 'public',
    input: z.object(contactInput).refine(...hasOneContact),
    output: codeSent,
    status: 202,
    errors: [],
    routes: [{ method: 'POST', path: '/api/auth/forgot-password' }],
    flood: 'auth',
  }),
  resetPassword: operation({
    summary: 'Set a new password with a code; ends all sessions',
    access: 'public',
    input: z.object({ ...contactInput, code, password: newPassword }).refine(...hasOneContact),
    output: null,
    errors: ['code_invalid'],
    routes: [{ method: 'POST', path: '/api/auth/reset-password' }],
    flood: 'auth',
  }),
};
