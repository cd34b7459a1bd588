import type { MailDriver } from '../../core/outbound.ts';
import { postJson } from './post-json.ts';

interface ResendSettings {
  apiKey: string;
  from: string;
  baseUrl: string | null;
}

/** Mails by Resend: https://resend.com/docs/api-reference/emails/send-email */
export function createResendDriver({ apiKey, from, baseUrl }: ResendSettings): MailDriver {
  const url = `${(baseUrl ?? 'https://api.resend.com').replace(/\/+$/, '')}/emails`;
  return {
    send: ({ to, subject, text, html }) =>
      postJson({
        provider: 'resend',
        url,
        headers: { authorization: `Bearer ${apiKey}` },
        body: { from, to: [to], subject, text, html },
        errorMember: 'name',
      }),
  };
}
