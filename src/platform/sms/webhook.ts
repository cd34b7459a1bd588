import { randomUUID } from 'node:crypto';
import type { SmsDriver } from '../../core/outbound.ts';
import { discardBody, notTaken, postToProvider } from './provider-request.ts';
import type { SmsSettings } from './sms-settings.ts';
import { signWebhook } from './webhook-signature.ts';

type WebhookSettings = Extract<SmsSettings, { driver: 'webhook' }>;
const provider = 'webhook';

/**
 * Hands codes to a URL of the operator's, as JSON `{ phone, code, purpose, locale, ttl }` (`ttl` in seconds), signed as
 * the Standard Webhooks specification says. Every 2xx means taken.
 */
export function createWebhookSmsDriver(settings: WebhookSettings, timeoutMs: number): SmsDriver {
  const url = new URL(settings.url);
  return {
    async send({ phone, code, purpose, locale, ttlSeconds }) {
      const id = `msg_${randomUUID()}`;
      const timestampSeconds = Math.floor(Date.now() / 1000);
      const body = JSON.stringify({ phone, code, purpose, locale, ttl: ttlSeconds });
      const headers = {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(timestampSeconds),
        'webhook-signature': signWebhook({ id, timestampSeconds, body, secret: settings.secret }),
      };
      const response = await postToProvider({ provider, url, headers, body, timeoutMs });
      await discardBody(response);
      if (!response.ok) throw notTaken(provider, `HTTP ${response.status}`);
    },
  };
}
