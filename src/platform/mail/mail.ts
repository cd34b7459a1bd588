import type { Mail, MailDriver } from '../../core/outbound.ts';
import { createBrevoDriver } from './brevo.ts';
import type { MailSettings } from './mail-settings.ts';
import { createResendDriver } from './resend.ts';
import { createSmtpDriver } from './smtp.ts';

interface Log {
  info(text: string): void;
}

/**
 * What carries mails out, by the settings. A failure names the provider and what it said in code, never the recipient, the
 * text or a key. Throws at once when the SMTP service has an unknown name or Brevo's `from` holds no address.
 */
export function createMailDriver(settings: MailSettings, log: Log): MailDriver {
  const driver = driverFor(settings, log);
  return {
    async send(mail) {
      refuseUnsafe(mail);
      await driver.send(mail);
    },
  };
}

function driverFor(settings: MailSettings, log: Log): MailDriver {
  switch (settings.driver) {
    case 'log':
      return createLogDriver(log);
    case 'smtp':
      return createSmtpDriver(settings);
    case 'resend':
      return createResendDriver(settings);
    case 'brevo':
      return createBrevoDriver(settings);
  }
}

/** For development: who runs the server reads the mail there, on one line. */
function createLogDriver(log: Log): MailDriver {
  return {
    async send({ to, subject, text }) {
      log.info(`Mail to ${to}: ${subject} | ${text.trim().replace(/\s+/g, ' ')}`);
    },
  };
}

/** One plain address and a subject of one line: a list, a group or a line break would reach others or forge headers. */
function refuseUnsafe({ to, subject }: Mail): void {
  if (!/^[^\s\p{Cc}<>()[\]\\,;:"@]+@[^\s\p{Cc}<>()\\,;"@]+$/u.test(to)) {
    throw new Error('Mail refused: the recipient is not one plain address');
  }
  if (/\p{Cc}/u.test(subject)) throw new Error('Mail refused: the subject is not one line');
}
