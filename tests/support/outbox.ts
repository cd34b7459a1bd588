import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Config } from '../../src/config.ts';

/** Something that the server sent to a person outside: a code by SMS, or a mail. */
export interface Sent {
  to: string;
  subject?: string;
  text: string;
  purpose?: string;
  locale?: string;
}

/**
 * The providers that carry codes and mails, as far as the server can see: one HTTP server that takes what Standard Webhooks
 * and Resend are sent, and keeps it until it is asked.
 */
export async function openOutbox() {
  const sent: Sent[] = [];
  const waiting: (() => void)[] = [];
  let status = 200;

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString());
    if (status < 300) {
      const { phone, code, purpose, locale, to, subject, text } = body;
      sent.push(phone ? { to: phone, text: code, purpose, locale } : { to: to[0], subject, text });
      for (const wake of waiting.splice(0)) wake();
    }
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function next(to: string, fits: (message: Sent) => boolean = () => true): Promise<Sent> {
    for (;;) {
      const index = sent.findIndex((message) => message.to === to && fits(message));
      if (index >= 0) return sent.splice(index, 1)[0] as Sent;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  }

  const settings: Pick<Config, 'sms' | 'mail'> = {
    sms: { driver: 'webhook', url: `${url}/sms`, secret: `whsec_${'A'.repeat(32)}` },
    mail: { driver: 'resend', apiKey: 'key', from: 'parley@example.com', baseUrl: url },
  };

  return {
    settings,
    /** What was sent and not taken yet. */
    sent,
    next,
    /** The next code that comes to this e-mail or phone. */
    async code(to: string): Promise<string> {
      const { text } = await next(to, (message) => /\b\d{6}\b/.test(message.text));
      return /\b\d{6}\b/.exec(text)?.[0] ?? '';
    },
    /** Has the providers refuse everything, or take it again. */
    fail: () => {
      status = 500;
    },
    mend: () => {
      status = 200;
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export type Outbox = Awaited<ReturnType<typeof openOutbox>>;
