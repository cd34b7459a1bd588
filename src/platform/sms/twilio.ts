import { z } from 'zod';
import type { SmsDriver } from '../../core/outbound.ts';
import { codeText } from './code-text.ts';
import { discardBody, jsonOf, notTaken, postToProvider } from './provider-request.ts';
import type { SmsSettings } from './sms-settings.ts';

type TwilioSettings = Extract<SmsSettings, { driver: 'twilio' }>;
const provider = 'twilio';

/** Twilio's errors are numbers of five digits; whatever else stands there is not repeated. */
const failure = z.object({ code: z.int().min(10_000).max(99_999) });

/** Twilio's Messages resource. A `from` that begins with MG is a messaging service. */
export function createTwilioSmsDriver(settings: TwilioSettings, timeoutMs: number): SmsDriver {
  const { accountSid, authToken, from } = settings;
  const url = new URL(
    `/2010-04-01/Accounts/${encodeURIComponent(accountSid)}/Messages.json`,
    settings.baseUrl ?? 'https://api.twilio.com',
  );
  const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`;
  const sender = from.startsWith('MG') ? { MessagingServiceSid: from } : { From: from };
  return {
    async send(message) {
      const body = new URLSearchParams({ To: message.phone, ...sender, Body: codeText(message) });
      const response = await postToProvider({ provider, url, headers: { authorization }, body, timeoutMs });
      if (response.ok) return discardBody(response);
      const { data } = failure.safeParse(await jsonOf(response));
      const reason = `HTTP ${response.status}`;
      throw notTaken(provider, data ? `${reason}, error ${data.code}` : reason);
    },
  };
}
