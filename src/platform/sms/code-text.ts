import type { SmsCode } from '../../core/outbound.ts';

/** How long a code holds, for people: rounded down, so that nobody is promised more than there is. */
export const minutesOf = ({ ttlSeconds }: SmsCode) => Math.max(1, Math.floor(ttlSeconds / 60));

/** The message itself, for providers that have no templates. */
export function codeText(message: SmsCode): string {
  const minutes = minutesOf(message);
  if (message.locale === 'zh') return `您的验证码是 ${message.code}，${minutes} 分钟内有效，请勿告诉他人。`;
  const span = minutes === 1 ? '1 minute' : `${minutes} minutes`;
  return `${message.code} is your verification code. It is valid for ${span}. Do not share it.`;
}
