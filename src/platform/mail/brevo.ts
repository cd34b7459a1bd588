import addressparser from 'nodemailer/lib/addressparser';
import type { MailDriver } from '../../core/outbound.ts';
import { postJson } from './post-json.ts';

interface BrevoSettings {
  apiKey: string;
  from: string;
  baseUrl: string | null;
}

/** Mails by Brevo: https://developers.brevo.com/reference/sendtransacemail */
export function createBrevoDriver({ apiKey, from, baseUrl }: BrevoSettings): MailDriver {
  const url = `${(baseUrl ?? 'https://api.brevo.com').replace(/\/+$/, '')}/v3/smtp/email`;
  const sender = senderOf(from);
  return {
    send: ({ to, subject, text, html }) =>
      postJson({
        provider: 'brevo',
        url,
        headers: { 'api-key': apiKey },
        body: { sender, to: [{ email: to }], subject, textContent: text, htmlContent: html },
        errorMember: 'code',
      }),
  };
}

/** `Name <a@b>` and `a@b`, as Brevo wants them. */
function senderOf(from: string): { email: string; name?: string } {
  const [mailbox] = addressparser(from, { flatten: true });
  if (!mailbox?.address.includes('@')) throw new Error('The sender of mails by brevo holds no address');
  const { name, address } = mailbox;
  return name === '' ? { email: address } : { email: address, name };
}
