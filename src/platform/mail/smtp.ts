import { connect } from 'node:net';
import { createTransport, type SMTPPoolOptions } from 'nodemailer';
import wellKnown from 'nodemailer/lib/well-known';
import type { MailDriver } from '../../core/outbound.ts';
import type { MailSettings } from './mail-settings.ts';

const connectTimeoutMs = 5000;
const socketTimeoutMs = 10_000;
/** Below the socket's own limit, so that an idle connection ends with a goodbye. */
const idleTimeoutMs = 8000;
/** Of a mail with everything it waits for: a server may trickle its replies and never be idle. */
const sendTimeoutMs = 20_000;

type SmtpSettings = Extract<MailSettings, { driver: 'smtp' }>;
type GetSocket = NonNullable<SMTPPoolOptions['getSocket']>;

/** Mails by SMTP over kept connections; STARTTLS where the server offers it, with a certificate that has to be valid. */
export function createSmtpDriver({ server, from }: SmtpSettings): MailDriver {
  const transport = createTransport({ ...serverOptions(server), ...poolOptions });
  return {
    async send({ to, subject, text, html }) {
      const giveUp = new AbortController();
      // Beside its limit, this timer keeps the process alive until the mail is through: the sockets do not.
      const timer = setTimeout(() => giveUp.abort(), sendTimeoutMs);
      try {
        // An address object is taken as it is, a string would be parsed as a list.
        const recipient = { name: '', address: to };
        await transport.sendMail({ from, to: recipient, subject, text, html, signal: giveUp.signal });
      } catch (error) {
        throw new Error(`Mail by smtp failed: ${codesOf(error)}`);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

function serverOptions(server: SmtpSettings['server']): SMTPPoolOptions {
  if ('url' in server) return { url: server.url };
  // nodemailer would take an unknown name for this machine.
  if (!wellKnown(server.service)) throw new Error(`There is no mail service named ${server.service}`);
  return { service: server.service, auth: { user: server.user, pass: server.pass } };
}

/** Opens sockets that do not keep the process alive, so that idle connections need no closing. */
const unrefedSocket: GetSocket = ({ host, port, secure }, callback) => {
  const socket = connect({ host: host ?? 'localhost', port: Number(port) || (secure ? 465 : 587) });
  const fail = (error: Error) => {
    socket.destroy();
    callback(error);
  };
  const timeOut = () => fail(Object.assign(new Error('Connection timeout'), { code: 'ETIMEDOUT' }));
  socket.setTimeout(connectTimeoutMs, timeOut);
  socket.once('error', fail);
  socket.once('connect', () => {
    socket.setTimeout(0).off('timeout', timeOut).off('error', fail).unref();
    callback(null, { connection: socket });
  });
};

const poolOptions = {
  pool: true,
  connectionTimeout: connectTimeoutMs,
  greetingTimeout: connectTimeoutMs,
  socketTimeout: socketTimeoutMs,
  idleTimeout: idleTimeoutMs,
  maxRequeues: 1,
  getSocket: unrefedSocket,
} as const satisfies SMTPPoolOptions;

/** nodemailer's code and the server's, such as `EAUTH 535`. The message is left out: it repeats the recipient. */
function codesOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const code: unknown = Reflect.get(error, 'code');
  const status: unknown = Reflect.get(error, 'responseCode');
  const parts = [code, status].filter((part) => typeof part === 'string' || typeof part === 'number');
  return parts.length === 0 ? error.name : parts.join(' ');
}
