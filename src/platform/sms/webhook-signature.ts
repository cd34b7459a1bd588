import { createHmac } from 'node:crypto';

interface WebhookMessage {
  id: string;
  timestampSeconds: number;
  /** Exactly as it is sent. */
  body: string;
  /** `whsec_` and the key in base64. */
  secret: string;
}

/** The `webhook-signature` header of the Standard Webhooks specification: `v1,` and an HMAC-SHA256 in base64. */
export function signWebhook({ id, timestampSeconds, body, secret }: WebhookMessage): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestampSeconds}.${body}`).digest('base64');
  return `v1,${signature}`;
}
