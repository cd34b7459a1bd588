import { getCountries, isSupportedCountry } from 'libphonenumber-js/max';
import { z } from 'zod';
import type { SmsSettings } from '../platform/sms/sms-settings.ts';
import { type Given, httpUrl, missing } from './fields.ts';

const country = z
  .string()
  .toUpperCase()
  .refine(isSupportedCountry, 'must be a country such as CN or US')
  .transform((code) => getCountries().find((known) => known === code) ?? 'CN');

/** Codes to phones: which provider, and which countries. */
export const smsSettings = {
  SMS_DRIVER: z
    .enum(
      ['log', 'webhook', 'twilio', 'aliyun', 'tencent'],
      'must be log, webhook, twilio, aliyun or tencent',
    )
    .optional(),
  SMS_WEBHOOK_URL: httpUrl.optional(),
  SMS_WEBHOOK_SECRET: z
    .string()
    .regex(/^whsec_[A-Za-z0-9+/]{32,}={0,2}$/, 'must be whsec_ and at least 24 bytes in base64')
    .optional(),
  TWILIO_ACCOUNT_SID: z.string().optional(),
  TWILIO_AUTH_TOKEN: z.string().optional(),
  ALIBABA_CLOUD_ACCESS_KEY_ID: z.string().optional(),
  ALIBABA_CLOUD_ACCESS_KEY_SECRET: z.string().optional(),
  TENCENTCLOUD_SECRET_ID: z.string().optional(),
  TENCENTCLOUD_SECRET_KEY: z.string().optional(),
  SMS_FROM: z.string().optional(),
  SMS_SIGN_NAME: z.string().optional(),
  SMS_TEMPLATE_ID: z.string().optional(),
  SMS_APP_ID: z.string().optional(),
  SMS_BASE_URL: httpUrl.optional(),
  SMS_COUNTRIES: z
    .string()
    .transform((text) => text.split(',').map((code) => code.trim()))
    .pipe(z.array(country))
    .optional(),
  PHONE_DEFAULT_COUNTRY: country.default('CN'),
};
const shape = z.object(smsSettings);
type SmsVariables = z.output<typeof shape>;

const needed = {
  log: [],
  webhook: ['SMS_WEBHOOK_URL', 'SMS_WEBHOOK_SECRET'],
  twilio: ['TWILIO_ACCOUNT_SID', 'TWILIO_AUTH_TOKEN', 'SMS_FROM'],
  aliyun: [
    'ALIBABA_CLOUD_ACCESS_KEY_ID',
    'ALIBABA_CLOUD_ACCESS_KEY_SECRET',
    'SMS_SIGN_NAME',
    'SMS_TEMPLATE_ID',
  ],
  tencent: [
    'TENCENTCLOUD_SECRET_ID',
    'TENCENTCLOUD_SECRET_KEY',
    'SMS_APP_ID',
    'SMS_SIGN_NAME',
    'SMS_TEMPLATE_ID',
  ],
} as const;

export function smsFaults(set: Given): string[] {
  const driver = set.SMS_DRIVER;
  if (typeof driver !== 'string' || !(driver in needed)) return [];
  return missing(set, needed[driver as keyof typeof needed], `for SMS_DRIVER=${driver}`);
}

/** `null`: nobody carries codes to phones. Unset means the log while developing. */
export function toSms(set: SmsVariables, isProduction: boolean): SmsSettings | null {
  const text = (name: keyof SmsVariables) => String(set[name] ?? '');
  const baseUrl = set.SMS_BASE_URL ?? null;
  switch (set.SMS_DRIVER) {
    case undefined:
      return isProduction ? null : { driver: 'log' };
    case 'log':
      return { driver: 'log' };
    case 'webhook':
      return { driver: 'webhook', url: text('SMS_WEBHOOK_URL'), secret: text('SMS_WEBHOOK_SECRET') };
    case 'twilio':
      return {
        driver: 'twilio',
        accountSid: text('TWILIO_ACCOUNT_SID'),
        authToken: text('TWILIO_AUTH_TOKEN'),
        from: text('SMS_FROM'),
        baseUrl,
      };
    case 'aliyun':
      return {
        driver: 'aliyun',
        accessKeyId: text('ALIBABA_CLOUD_ACCESS_KEY_ID'),
        accessKeySecret: text('ALIBABA_CLOUD_ACCESS_KEY_SECRET'),
        signName: text('SMS_SIGN_NAME'),
        templateId: text('SMS_TEMPLATE_ID'),
        baseUrl,
      };
    case 'tencent':
      return {
        driver: 'tencent',
        secretId: text('TENCENTCLOUD_SECRET_ID'),
        secretKey: text('TENCENTCLOUD_SECRET_KEY'),
        appId: text('SMS_APP_ID'),
        signName: text('SMS_SIGN_NAME'),
        templateId: text('SMS_TEMPLATE_ID'),
        baseUrl,
      };
  }
}
